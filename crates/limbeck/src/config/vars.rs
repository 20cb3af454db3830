//! `[vars]`: the variables that revisions may use, and their values.

use std::collections::BTreeMap;
use std::fmt;

use limbeck_core::nearest;
use limbeck_core::problem::{Code, Problem, Span};
use toml::de::DeValue;

use super::keys;
use super::table::{Reader, Value};
use super::values::Config;
use crate::connect::Lookup;

/// A variable that revisions may use.
#[derive(Clone, PartialEq, Eq)]
pub struct VarDeclaration {
    /// Its name, as in `:'name'`.
    pub name: String,
    /// The environment variable that may hold its value: `LIMBECK_VAR_<NAME>`, or the one given.
    pub env: String,
    /// Its value where nobody gives one.
    pub default: Option<String>,
}

impl fmt::Debug for VarDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VarDeclaration")
            .field("name", &self.name)
            .field("env", &self.env)
            .finish_non_exhaustive()
    }
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarOrigin {
    /// `-x name=value`.
    Flag,
    /// The environment.
    Environment,
    /// The configuration file.
    Default,
}

/// A variable's value; no output shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct VarValue {
    text: String,
    origin: VarOrigin,
}

impl VarValue {
    /// The value itself.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Where it came from.
    pub fn origin(&self) -> VarOrigin {
        self.origin
    }
}

impl fmt::Debug for VarValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*** ({:?})", self.origin)
    }
}

/// The values there are, by name.
pub type Vars = BTreeMap<String, VarValue>;

pub(super) fn declaration(
    reader: Reader<'_>,
    name: &str,
    span: Span,
    value: &Value<'_>,
) -> Result<VarDeclaration, Problem> {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !first || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        let help = "a name consists of letters, digits and underscores, as psql's variables do";
        return Err(reader.bad(span, format!("`{name}` is no name of a variable"), help));
    }
    let standard = || format!("LIMBECK_VAR_{}", name.to_ascii_uppercase());
    let (env, default) = match value.get_ref() {
        DeValue::String(text) => (standard(), Some(text.to_string())),
        DeValue::Table(table) => {
            reader.check_keys(table, keys::VAR, &format!("the variable `{name}`"))?;
            let env = table.get("env").map(|value| reader.string("env", value)).transpose()?;
            let default = table.get("default").map(|value| {
                let problem =
                    || reader.bad(value.span(), "`default` must be a string", "write default = \"...\"");
                value.get_ref().as_str().map(str::to_owned).ok_or_else(problem)
            });
            (env.unwrap_or_else(standard), default.transpose()?)
        }
        _ => {
            let help = format!("write {name} = \"default\", or {name} = {{}} for one that must be given");
            return Err(reader.bad(
                value.span(),
                format!("the variable `{name}` is declared by a string or a table"),
                help,
            ));
        }
    };
    Ok(VarDeclaration { name: name.to_owned(), env, default })
}

impl Config {
    /// The values of the declared variables: `-x name=value` wins over the environment, and that
    /// over the default. One without a value is absent; it is an error only where a revision uses it.
    ///
    /// # Errors
    /// `-x` names a variable that is not declared under `[vars]`.
    pub fn vars(&self, flags: &[(String, String)], env: Lookup<'_>) -> Result<Vars, Problem> {
        for (name, _) in flags {
            self.check_declared(name)?;
        }
        let value = |declared: &VarDeclaration| {
            let flag = flags.iter().rev().find(|(name, _)| *name == declared.name);
            let found = |text: &String, origin| VarValue { text: text.clone(), origin };
            flag.map(|(_, text)| found(text, VarOrigin::Flag))
                .or_else(|| env(&declared.env).map(|text| found(&text, VarOrigin::Environment)))
                .or_else(|| declared.default.as_ref().map(|text| found(text, VarOrigin::Default)))
        };
        Ok(self.vars.iter().filter_map(|declared| Some((declared.name.clone(), value(declared)?))).collect())
    }

    fn check_declared(&self, name: &str) -> Result<(), Problem> {
        if self.vars.iter().any(|declared| declared.name == name) {
            return Ok(());
        }
        let known: Vec<&str> = self.vars.iter().map(|declared| declared.name.as_str()).collect();
        let help = match nearest(name, known.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("declare it in limbeck.toml: [vars] {name} = {{}}"),
        };
        Err(Problem::new(Code::SqlVariable, format!("no variable `{name}` is declared")).help(help))
    }
}

//! Looks up the types that fields name among those that the sources define.

use std::collections::HashMap;

use super::fault::Fault;
use super::find::{Definition, Found, Home, Is};
use super::sql::qualified;
use super::types::{FieldType, SAY_IT, TypeRef};
use crate::ddl::quote;
use crate::schema::{Kind, Name, ObjectId};

/// How far aliases may lead; more is a circle.
const DEEPEST: usize = 32;

/// The types of all sources.
pub(super) struct Types<'a> {
    found: &'a Found,
    by_name: HashMap<&'a str, Vec<&'a Definition>>,
    default_schema: &'a str,
}

/// A type that was looked up.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) text: String,
    pub(super) nullable: bool,
    /// The enumerated type that it needs.
    pub(super) needs: Option<ObjectId>,
}

impl<'a> Types<'a> {
    pub(super) fn new(found: &'a Found, default_schema: &'a str) -> Self {
        let mut by_name: HashMap<&str, Vec<&Definition>> = HashMap::new();
        for definition in &found.definitions {
            by_name.entry(&definition.name).or_default().push(definition);
        }
        Self { found, by_name, default_schema }
    }

    /// The type of a field in a model that stands at `home`.
    pub(super) fn resolve(&self, ty: &FieldType, home: &Home) -> Result<Resolved, Fault> {
        self.resolve_in(ty, home, 0)
    }

    fn resolve_in(&self, ty: &FieldType, home: &Home, depth: usize) -> Result<Resolved, Fault> {
        let (path, library, array, span) = match &ty.of {
            TypeRef::Sql(text) => return Ok(Resolved { nullable: ty.nullable, ..self.sql(text) }),
            TypeRef::Named { path, library, array, span } => (path, library, *array, *span),
        };
        let name = path.last().map_or("", String::as_str);
        let unknown = |message: String| Fault::new(span, message).help(SAY_IT);
        if depth > DEEPEST {
            return Err(unknown(format!("the alias `{name}` leads back to itself")));
        }
        let mut resolved = match self.definition(path, home) {
            Lookup::One(definition) => match &definition.is {
                Is::Enum(at) => self.enumeration(&self.found.enums[*at].1),
                Is::Sql(text) => self.sql(text),
                Is::Other(other) => self.resolve_in(other, &definition.home, depth + 1).map_err(|fault| {
                    let message = match depth {
                        0 => format!("`{name}`: {}", fault.message),
                        _ => fault.message,
                    };
                    Fault { span, message, ..fault }
                })?,
                Is::Unknown(fault) => return Err(Fault { span, ..(**fault).clone() }),
            },
            Lookup::Several => return Err(unknown(format!("several types are called `{name}`"))),
            Lookup::None => match library {
                Some(text) if !is_own(path) => self.sql(text),
                _ => {
                    return Err(unknown(format!(
                        "the type `{name}` is not among the models, and no known type of a library"
                    )));
                }
            },
        };
        resolved.nullable |= ty.nullable;
        if array {
            if resolved.text.ends_with("[]") {
                return Err(unknown(format!(
                    "`{name}` is an array itself: arrays of arrays have no type of their own"
                )));
            }
            resolved.text.push_str("[]");
        }
        Ok(resolved)
    }

    fn definition(&self, path: &[String], home: &Home) -> Lookup<'a> {
        let Some(name) = path.last() else { return Lookup::None };
        let all = self.by_name.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        let module = path.len().checked_sub(2).and_then(|at| path.get(at));
        let near: Vec<&Definition> = match module.map(String::as_str) {
            None | Some("self") => all.iter().copied().filter(|known| known.home == *home).collect(),
            Some(module) => all
                .iter()
                .copied()
                .filter(|known| known.home.modules.last().is_some_and(|last| last == module))
                .collect(),
        };
        match (near.as_slice(), all) {
            ([one], _) | ([], [one]) => Lookup::One(one),
            ([], []) => Lookup::None,
            _ => Lookup::Several,
        }
    }

    fn enumeration(&self, model: &super::enums::EnumModel) -> Resolved {
        let name = Name::new(model.schema.as_deref().unwrap_or(self.default_schema), &model.name);
        let needs = Some(ObjectId::relation(Kind::Enum, &name));
        Resolved { text: quote::name(&name), nullable: false, needs }
    }

    /// A type as in SQL; with its schema, where it is one of the models' enums.
    fn sql(&self, text: &str) -> Resolved {
        let (element, array) = text.strip_suffix("[]").map_or((text, ""), |element| (element, "[]"));
        let named = qualified(element).and_then(|(schema, name)| {
            let same_schema = |of: &Option<String>| {
                schema.as_deref().unwrap_or(self.default_schema)
                    == of.as_deref().unwrap_or(self.default_schema)
            };
            let models = self.found.enums.iter().map(|(_, model)| model);
            models.into_iter().find(|model| model.name == name && same_schema(&model.schema))
        });
        match named.map(|model| self.enumeration(model)) {
            Some(found) => Resolved { text: format!("{}{array}", found.text), ..found },
            None => Resolved { text: text.to_owned(), nullable: false, needs: None },
        }
    }
}

enum Lookup<'a> {
    One(&'a Definition),
    Several,
    None,
}

/// Whether a path leads into the project itself.
fn is_own(path: &[String]) -> bool {
    path.len() > 1 && path.first().is_some_and(|first| ["crate", "self", "super"].contains(&first.as_str()))
}

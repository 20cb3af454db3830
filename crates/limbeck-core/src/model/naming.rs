//! Default names of constraints and indexes.

use super::item::LONGEST_NAME;

/// How constraints and indexes are called that no attribute names: as PostgreSQL would, or by templates like
/// SQLAlchemy's `naming_convention`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    templates: Vec<(What, String)>,
}

/// What is to be named, by SQLAlchemy's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
    Index,
    Exclusion,
}

impl What {
    const KEYS: [(&str, What); 6] = [
        ("pk", Self::PrimaryKey),
        ("uq", Self::Unique),
        ("fk", Self::ForeignKey),
        ("ck", Self::Check),
        ("ix", Self::Index),
        ("ex", Self::Exclusion),
    ];

    /// PostgreSQL's ending (`ChooseConstraintName`, `ChooseIndexName`).
    fn label(self) -> &'static str {
        match self {
            Self::PrimaryKey => "pkey",
            Self::Unique => "key",
            Self::ForeignKey => "fkey",
            Self::Check => "check",
            Self::Index => "idx",
            Self::Exclusion => "excl",
        }
    }
}

/// What a name is made from.
pub(super) struct Parts<'a> {
    pub(super) table: &'a str,
    pub(super) columns: Vec<String>,
    pub(super) referred: Option<(&'a str, &'a [String])>,
    /// The name that an attribute says.
    pub(super) said: Option<&'a str>,
}

/// The variables of templates; `column_1_name` and so on beside them.
const VARIABLES: [&str; 9] = [
    "table_name",
    "constraint_name",
    "column_0_name",
    "column_0_label",
    "column_0N_name",
    "column_0_N_name",
    "column_0_N_label",
    "referred_table_name",
    "referred_column_0_name",
];

impl Naming {
    /// Sets the template for `pk`, `uq`, `fk`, `ck`, `ix` or `ex`: for example `ix_%(column_0_label)s`.
    ///
    /// # Errors
    /// A sentence about the key or the template.
    pub fn set(&mut self, key: &str, template: &str) -> Result<(), String> {
        let Some((_, what)) = What::KEYS.iter().find(|(known, _)| *known == key) else {
            let keys: Vec<_> = What::KEYS.iter().map(|(key, _)| *key).collect();
            return Err(format!("nothing is named by `{key}`; it is one of {}", keys.join(", ")));
        };
        for variable in pieces(template).into_iter().filter_map(|(_, variable)| variable) {
            if !VARIABLES.contains(&variable) && column_number(variable).is_none() {
                let near =
                    crate::nearest(variable, VARIABLES).map(|near| format!("; did you mean %({near})s?"));
                return Err(format!("%({variable})s is no variable of names{}", near.unwrap_or_default()));
            }
        }
        self.templates.retain(|(known, _)| known != what);
        self.templates.push((*what, template.to_owned()));
        Ok(())
    }

    /// The name; `taken` says which ones it must differ from, where it is not said.
    pub(super) fn name(&self, what: What, parts: &Parts<'_>, taken: &dyn Fn(&str) -> bool) -> String {
        let template = self.templates.iter().find(|(known, _)| *known == what).map(|(_, template)| template);
        match (template, parts.said) {
            // As in SQLAlchemy: a name that is said goes through a template that asks for it.
            (Some(template), Some(_)) if template.contains("%(constraint_name)s") => fill(template, parts),
            (_, Some(said)) => said.to_owned(),
            (Some(template), None) => fill(template, parts),
            (None, None) => postgres(what, parts, taken),
        }
    }
}

/// PostgreSQL's own name, with a number where it is taken.
fn postgres(what: What, parts: &Parts<'_>, taken: &dyn Fn(&str) -> bool) -> String {
    let columns = if what == What::PrimaryKey { String::new() } else { parts.columns.join("_") };
    let label = what.label();
    let mut name = object_name(parts.table, &columns, label);
    let mut number = 1;
    while taken(&name) {
        name = object_name(parts.table, &columns, &format!("{label}{number}"));
        number += 1;
    }
    name
}

/// PostgreSQL's `makeObjectName`: `one_two_label`, the longer one of the first two cut until it fits.
pub(super) fn object_name(one: &str, two: &str, label: &str) -> String {
    let separators = 1 + usize::from(!two.is_empty());
    let room = LONGEST_NAME.saturating_sub(label.len() + separators);
    let (mut first, mut second) = (one.len(), two.len());
    while first + second > room {
        if first > second {
            first -= 1;
        } else {
            second -= 1;
        }
    }
    let (one, two) = (&one[..one.floor_char_boundary(first)], &two[..two.floor_char_boundary(second)]);
    if two.is_empty() { format!("{one}_{label}") } else { format!("{one}_{two}_{label}") }
}

/// Text and, after it, a variable.
fn pieces(template: &str) -> Vec<(&str, Option<&str>)> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once("%(") {
        let Some((variable, after)) = after.split_once(")s") else { break };
        pieces.push((text, Some(variable)));
        rest = after;
    }
    pieces.push((rest, None));
    pieces
}

/// The N of `column_N_name`.
fn column_number(variable: &str) -> Option<usize> {
    variable.strip_prefix("column_")?.strip_suffix("_name")?.parse().ok()
}

fn fill(template: &str, parts: &Parts<'_>) -> String {
    let mut name = String::new();
    for (text, variable) in pieces(template) {
        name += text;
        name += &variable.map_or(String::new(), |variable| value(variable, parts));
    }
    name.truncate(name.floor_char_boundary(LONGEST_NAME));
    name
}

fn value(variable: &str, parts: &Parts<'_>) -> String {
    let first = || parts.columns.first().cloned().unwrap_or_default();
    match variable {
        "table_name" => parts.table.to_owned(),
        // A check that has no name is called after its column.
        "constraint_name" => parts.said.map_or_else(first, str::to_owned),
        "column_0_label" => format!("{}_{}", parts.table, first()),
        "column_0N_name" => parts.columns.concat(),
        "column_0_N_name" => parts.columns.join("_"),
        "column_0_N_label" => {
            let labels = parts.columns.iter().map(|column| format!("{}_{column}", parts.table));
            labels.collect::<Vec<_>>().join("_")
        }
        "referred_table_name" => parts.referred.map_or(String::new(), |(table, _)| table.to_owned()),
        "referred_column_0_name" => {
            parts.referred.and_then(|(_, columns)| columns.first()).cloned().unwrap_or_default()
        }
        _ => column_number(variable).and_then(|at| parts.columns.get(at)).cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Naming, Parts, What, object_name};

    fn parts<'a>(columns: &[&str], said: Option<&'a str>) -> Parts<'a> {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Parts { table: "orders", columns, referred: None, said }
    }

    #[test]
    fn names_are_postgresqls_own() {
        let naming = Naming::default();
        let taken = |name: &str| name == "orders_a_check";
        let name = |what, columns: &[&str]| naming.name(what, &parts(columns, None), &taken);
        assert_eq!(name(What::PrimaryKey, &["a", "b"]), "orders_pkey");
        assert_eq!(name(What::Unique, &["a", "b"]), "orders_a_b_key");
        assert_eq!(name(What::Check, &["a"]), "orders_a_check1");
        assert_eq!(name(What::Check, &[]), "orders_check");
        assert_eq!(object_name(&"t".repeat(60), &"c".repeat(40), "fkey").len(), 63);
        assert_eq!(object_name(&"t".repeat(70), "c", "idx"), format!("{}_c_idx", "t".repeat(57)));
    }

    #[test]
    fn templates_are_sqlalchemys() {
        let mut naming = Naming::default();
        naming.set("ix", "ix_%(column_0_label)s").unwrap();
        naming.set("ck", "ck_%(table_name)s_%(constraint_name)s").unwrap();
        naming.set("uq", "uq_%(table_name)s_%(column_0_N_name)s").unwrap();
        let none = |_: &str| false;
        assert_eq!(naming.name(What::Index, &parts(&["a", "b"], None), &none), "ix_orders_a");
        assert_eq!(naming.name(What::Index, &parts(&["a"], Some("mine")), &none), "mine");
        assert_eq!(naming.name(What::Check, &parts(&[], Some("positive")), &none), "ck_orders_positive");
        assert_eq!(naming.name(What::Unique, &parts(&["a", "b"], None), &none), "uq_orders_a_b");
        assert!(naming.set("ix", "%(tabel_name)s").unwrap_err().contains("did you mean %(table_name)s?"));
        assert!(naming.set("xx", "").is_err());
    }
}

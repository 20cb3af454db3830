//! Names of PostgreSQL as names of Rust.

use std::collections::BTreeSet;

use super::super::case::{Case, snake};

/// Names that the written files use themselves.
const RESERVED: &[&str] = &[
    "BigDecimal",
    "Box",
    "DateTime",
    "Decimal",
    "Enum",
    "IpNetwork",
    "MacAddress",
    "NaiveDate",
    "NaiveDateTime",
    "NaiveTime",
    "Option",
    "PgInterval",
    "PgRange",
    "Self",
    "String",
    "Table",
    "Utc",
    "Uuid",
    "Value",
    "Vec",
];

/// Whether a text can stand as an identifier; keywords cannot.
fn is_ident(text: &str) -> bool {
    text.is_ascii() && syn::parse_str::<syn::Ident>(text).is_ok() && text != "_"
}

/// Letters, digits and underscores of a name, as far as Rust takes them.
fn plain(name: &str) -> String {
    let plain: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    if plain.starts_with(|first: char| first.is_ascii_digit()) { format!("n{plain}") } else { plain }
}

/// A type's name for a table or an enum, unlike those in `taken`.
pub(super) fn type_name(schema: &str, name: &str, ending: &str, taken: &mut BTreeSet<String>) -> String {
    let pascal = |text: &str| Case::Pascal.apply(&plain(text));
    let mut candidate = pascal(name);
    if candidate.is_empty() || !is_ident(&candidate) || RESERVED.contains(&candidate.as_str()) {
        candidate = format!("{candidate}{ending}");
    }
    if taken.contains(&candidate) {
        candidate = format!("{}{candidate}", pascal(schema));
    }
    distinct(candidate, taken)
}

/// The singular of a table's name, where English makes it easily.
pub(super) fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    if ["sses", "shes", "ches", "xes"].iter().any(|ending| name.ends_with(ending)) {
        return name[..name.len() - 2].to_owned();
    }
    let stays = ["ss", "us", "is", "news", "series"].iter().any(|ending| name.ends_with(ending));
    match name.strip_suffix('s') {
        Some(stem) if !stays && stem.len() > 1 => stem.to_owned(),
        _ => name.to_owned(),
    }
}

/// A field's or a module's name, with `r#` for a keyword.
pub(super) fn value_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = if is_ident(name) && snake(name) == name.trim_matches('_') || is_raw(name) {
        name.to_owned()
    } else {
        snake(&plain(name))
    };
    if candidate.is_empty() || ["self", "super", "crate", "_"].contains(&candidate.as_str()) {
        candidate.push_str("field");
    }
    if candidate.starts_with(|first: char| first.is_ascii_digit()) {
        candidate.insert(0, 'n');
    }
    let candidate = distinct(candidate, taken);
    if is_ident(&candidate) { candidate } else { format!("r#{candidate}") }
}

/// Whether the name is a keyword that can be raw.
fn is_raw(name: &str) -> bool {
    !is_ident(name) && name.is_ascii() && syn::parse_str::<syn::Ident>(&format!("r#{name}")).is_ok()
}

/// A variant for a value.
pub(super) fn variant_name(value: &str, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = Case::Pascal.apply(&plain(value));
    if candidate.is_empty() || !is_ident(&candidate) {
        candidate = format!("Value{candidate}");
    }
    distinct(candidate, taken)
}

fn distinct(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut distinct = name.clone();
    let mut number = 2;
    while !taken.insert(distinct.clone()) {
        distinct = format!("{name}{number}");
        number += 1;
    }
    distinct
}

/// A Rust string literal.
pub(super) fn literal(text: &str) -> String {
    // Lines stay lines where nothing else needs an escape: SQL is easier to read so.
    format!("{text:?}")
}

/// The comment as `///` lines with this indentation; `None` where reading them back would not give the same text.
pub(super) fn doc_lines(comment: &str, indent: &str) -> Option<String> {
    let same = comment.trim() == comment
        && !comment.is_empty()
        && !comment.contains('\r')
        && comment.split('\n').all(|line| line.trim_end() == line && !line.starts_with('/'));
    let line = |line: &str| {
        if line.is_empty() { format!("{indent}///\n") } else { format!("{indent}/// {line}\n") }
    };
    same.then(|| comment.split('\n').map(line).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{singular, type_name, value_name};

    #[test]
    fn names_become_rusts() {
        let mut taken = BTreeSet::new();
        assert_eq!(value_name("type", &mut taken), "r#type");
        assert_eq!(value_name("self", &mut taken), "selffield");
        assert_eq!(value_name("userId", &mut taken), "user_id");
        assert_eq!(value_name("user_id", &mut taken), "user_id2");
        assert_eq!(value_name("2nd", &mut taken), "n2nd");
        assert_eq!(value_name("größe", &mut taken), "gr_e");
        assert_eq!(value_name("_x", &mut taken), "_x");
        let mut taken = BTreeSet::new();
        assert_eq!(type_name("a", "user_accounts", "Row", &mut taken), "UserAccounts");
        assert_eq!(type_name("b", "user_accounts", "Row", &mut taken), "BUserAccounts");
        assert_eq!(type_name("b", "value", "Row", &mut taken), "ValueRow");
        let cases = [
            ("tenants", "tenant"),
            ("categories", "category"),
            ("addresses", "address"),
            ("status", "status"),
            ("boxes", "box"),
        ];
        for (many, one) in cases {
            assert_eq!(singular(many), one);
        }
    }
}

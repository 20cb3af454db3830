//! Types, collations, extensions.

use super::{quote, text};
use crate::schema::{Collation, Composite, Domain, DomainCheck, Enum, Extension, Name, Nullability, Range};

pub(super) fn extension(name: &str, extension: &Extension) -> String {
    let version = extension.version.as_deref().map(|version| format!(" VERSION {}", quote::literal(version)));
    let (name, schema) = (quote::ident(name), quote::ident(&extension.schema));
    format!("CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {schema}{}", version.unwrap_or_default())
}

pub(super) fn collation(name: &Name, collation: &Collation) -> String {
    format!("CREATE COLLATION {} ({})", quote::name(name), collation.definition)
}

pub(super) fn enumeration(name: &Name, object: &Enum) -> String {
    let values: Vec<String> = object.values.iter().map(|value| quote::literal(value)).collect();
    text::list(&format!("CREATE TYPE {} AS ENUM ", quote::name(name)), &values, "")
}

pub(super) fn range(name: &Name, range: &Range) -> String {
    format!("CREATE TYPE {} AS RANGE ({})", quote::name(name), range.definition)
}

pub(super) fn composite(name: &Name, composite: &Composite) -> String {
    let attribute = |name: &str, data_type: &str, collation: &Option<Name>| {
        format!("{} {data_type}{}", quote::ident(name), collate(collation.as_ref()))
    };
    let attributes: Vec<String> =
        composite.attributes.iter().map(|it| attribute(&it.name, &it.data_type, &it.collation)).collect();
    text::lines(&format!("CREATE TYPE {} AS ", quote::name(name)), &attributes, "")
}

pub(super) fn collate(collation: Option<&Name>) -> String {
    collation.map_or_else(String::new, |name| format!(" COLLATE {}", quote::name(name)))
}

pub(super) fn domain(name: &Name, domain: &Domain) -> Vec<String> {
    let mut create = bare_domain(name, domain);
    let (inline, later): (Vec<_>, Vec<_>) = domain.checks.iter().partition(|check| check.validated);
    for DomainCheck { name, definition, .. } in inline {
        create.push_str(&format!("\n    CONSTRAINT {} {definition}", quote::ident(name)));
    }
    let mut statements = vec![create];
    statements.extend(later.into_iter().map(|check| add_check(name, check)));
    statements
}

/// Without its checks, which may call functions that need the domain.
pub(super) fn bare_domain(name: &Name, domain: &Domain) -> String {
    let Domain { base, collation, default, nullability, .. } = domain;
    let mut create = format!("CREATE DOMAIN {} AS {base}{}", quote::name(name), collate(collation.as_ref()));
    if let Some(default) = default {
        create.push_str(&format!(" DEFAULT {default}"));
    }
    if *nullability != Nullability::Nullable {
        create.push_str(" NOT NULL");
    }
    create
}

pub(super) fn add_check(domain: &Name, check: &DomainCheck) -> String {
    let DomainCheck { name, definition, validated } = check;
    let not_valid = if *validated { "" } else { " NOT VALID" };
    format!(
        "ALTER DOMAIN {} ADD CONSTRAINT {} {definition}{not_valid}",
        quote::name(domain),
        quote::ident(name)
    )
}

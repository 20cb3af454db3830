//! Constraints and indexes as SQL, as PostgreSQL itself would print them where that takes no knowledge of types.

use super::column::ColumnModel;
use super::element::Element;
use super::parts::{Body, ConstraintModel, ForeignKey, IndexModel, Key, with_operator};
use crate::ddl::quote;
use crate::schema::{Constraint, ConstraintKind, Index, Name};

/// A foreign key's target, looked up.
pub(super) struct Target {
    pub(super) table: Name,
    /// None where they are the primary key of a table that is no model.
    pub(super) columns: Vec<String>,
}

/// The constraint; foreign keys need their target.
pub(super) fn constraint(
    model: &ConstraintModel,
    columns: &[ColumnModel],
    target: Option<&Target>,
) -> Constraint {
    let names: Vec<String> = model.columns.iter().map(|column| column.text.clone()).collect();
    let list = quote::idents(names.iter().map(String::as_str));
    let (kind, definition, index, validated) = match &model.body {
        Body::PrimaryKey(key) => (
            ConstraintKind::PrimaryKey,
            key_definition("PRIMARY KEY", &list, key),
            Some(key_index(&list, key)),
            true,
        ),
        Body::Unique(key) => {
            let nulls = if key.nulls_not_distinct { "UNIQUE NULLS NOT DISTINCT" } else { "UNIQUE" };
            (ConstraintKind::Unique, key_definition(nulls, &list, key), Some(key_index(&list, key)), true)
        }
        Body::Check { expr, no_inherit, validated } => {
            let no_inherit = if *no_inherit { " NO INHERIT" } else { "" };
            (ConstraintKind::Check, format!("CHECK ({}){no_inherit}", expr.text.trim()), None, *validated)
        }
        Body::ForeignKey(key) => {
            (ConstraintKind::ForeignKey, foreign_key(&list, key, target), None, key.validated)
        }
        Body::Exclude { using, elements, predicate, key } => {
            let elements: Vec<_> = elements.iter().filter_map(|text| with_operator(&text.text)).collect();
            return exclusion(using, &elements, predicate.as_deref(), key, columns);
        }
    };
    let references = target.map(|target| target.table.clone());
    Constraint { kind, definition, validated, columns: names, references, index }
}

/// Storage parameters are the index's: PostgreSQL prints those of exclusion constraints only.
fn key_definition(what: &str, list: &str, key: &Key) -> String {
    format!("{what} ({list}){}{}", include(key), key.deferrable)
}

/// What follows the table's name in the definition of the key's index.
fn key_index(list: &str, key: &Key) -> String {
    let nulls = if key.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    format!("USING btree ({list}){}{nulls}{}", include(key), with(key))
}

fn include(key: &Key) -> String {
    if key.include.is_empty() {
        return String::new();
    }
    format!(" INCLUDE ({})", quote::idents(key.include.iter().map(|name| name.text.as_str())))
}

fn with(key: &Key) -> String {
    if key.with.is_empty() {
        return String::new();
    }
    let options =
        key.with.iter().map(|(name, value)| format!("{}={}", quote::ident(name), quote::literal(value)));
    format!(" WITH ({})", options.collect::<Vec<_>>().join(", "))
}

fn foreign_key(list: &str, key: &ForeignKey, target: Option<&Target>) -> String {
    let references = target.map_or(String::new(), |target| {
        let columns = quote::idents(target.columns.iter().map(String::as_str));
        let columns = if columns.is_empty() { columns } else { format!("({columns})") };
        format!(" REFERENCES {}{columns}", quote::name(&target.table))
    });
    let full = if key.full { " MATCH FULL" } else { "" };
    let on = |event: &str, action: &Option<String>| {
        action.as_ref().map_or(String::new(), |action| format!(" ON {event} {action}"))
    };
    let (update, delete) = (on("UPDATE", &key.on_update), on("DELETE", &key.on_delete));
    format!("FOREIGN KEY ({list}){references}{full}{update}{delete}{}", key.deferrable)
}

fn exclusion(
    using: &str,
    elements: &[(&str, &str)],
    predicate: Option<&str>,
    key: &Key,
    columns: &[ColumnModel],
) -> Constraint {
    let parsed: Vec<_> = elements.iter().map(|(element, _)| Element::of(element, columns)).collect();
    let sql = |element: &Element| element.sql();
    let with_operators = parsed
        .iter()
        .zip(elements)
        .map(|(element, (_, operator))| format!("{} WITH {operator}", sql(element)));
    let with_operators = with_operators.collect::<Vec<_>>().join(", ");
    let plain = parsed.iter().map(sql).collect::<Vec<_>>().join(", ");
    let predicate = predicate.map_or(String::new(), |text| format!(" WHERE ({})", text.trim()));
    let (include, with) = (include(key), with(key));
    Constraint {
        kind: ConstraintKind::Exclusion,
        definition: format!(
            "EXCLUDE USING {using} ({with_operators}){include}{with}{predicate}{}",
            key.deferrable
        ),
        validated: true,
        columns: parsed.iter().filter_map(|element| element.column().map(str::to_owned)).collect(),
        references: None,
        index: Some(format!("USING {using} ({plain}){include}{with}{predicate}")),
    }
}

/// The index.
pub(super) fn index(model: &IndexModel, columns: &[ColumnModel]) -> Index {
    let elements: Vec<_> = model.elements.iter().map(|text| Element::of(&text.text, columns)).collect();
    let list = elements.iter().map(Element::sql).collect::<Vec<_>>().join(", ");
    let using = model.using.as_deref().unwrap_or("btree");
    let nulls = if model.key.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let predicate =
        model.predicate.as_ref().map_or(String::new(), |text| format!(" WHERE ({})", text.trim()));
    let (include, with) = (include(&model.key), with(&model.key));
    Index {
        unique: model.unique,
        definition: format!("USING {using} ({list}){include}{nulls}{with}{predicate}"),
        valid: true,
        only: false,
        columns: elements.iter().map(|element| element.column().map(str::to_owned)).collect(),
        statistics: std::collections::BTreeMap::new(),
    }
}

//! What a schema's needs leave out: what the columns of one table need of each other, and which part of a domain needs
//! something.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::fate::is_type;
use crate::ddl::quote;
use crate::schema::{Domain, Entry, Kind, Name, Need, Object, ObjectId, Schema, Table};
use crate::sql::token::{Lexer, TokenKind};

/// What a need of a domain is `by` where not its base type has it, but the default or checks: these can go and come while
/// the domain stays.
pub(super) const EXPRESSIONS: &str = "expressions";

/// The schema, with what generated columns need of their own table's columns, and with the needs of domains'
/// [`EXPRESSIONS`] marked.
pub(super) fn complete(schema: Cow<'_, Schema>) -> Cow<'_, Schema> {
    let mut found: Vec<(ObjectId, BTreeSet<Need>)> = Vec::new();
    for (id, entry) in &schema.objects {
        let needs = match &entry.object {
            Object::Table(table) => with_own(id, table, entry),
            Object::Domain(domain) => with_expressions(domain, entry),
            _ => None,
        };
        found.extend(needs.map(|needs| (id.clone(), needs)));
    }
    if found.is_empty() {
        return schema;
    }
    let mut schema = schema.into_owned();
    for (id, needs) in found {
        if let Some(entry) = schema.objects.get_mut(&id) {
            entry.needs = needs;
        }
    }
    Cow::Owned(schema)
}

fn with_own(id: &ObjectId, table: &Table, entry: &Entry) -> Option<BTreeSet<Need>> {
    let own = of_table(id, table);
    (!own.is_empty()).then(|| entry.needs.iter().cloned().chain(own).collect())
}

fn with_expressions(domain: &Domain, entry: &Entry) -> Option<BTreeSet<Need>> {
    let base = domain.base.trim_end_matches("[]");
    let is_beneath = |name: &Name| quote::name(name) == base || domain.collation.as_ref() == Some(name);
    let marked = |need: &Need| {
        // Which of an extension's members it is, nobody knows.
        let beneath = need.on.kind == Kind::Extension
            || need.on.qualified().is_some_and(|name| is_type(need.on.kind) && is_beneath(&name));
        Need { by: (!beneath).then(|| EXPRESSIONS.to_owned()), ..need.clone() }
    };
    (!entry.needs.is_empty()).then(|| entry.needs.iter().map(marked).collect())
}

fn of_table(id: &ObjectId, table: &Table) -> Vec<Need> {
    let mut needs = Vec::new();
    for column in &table.columns {
        let Some(generated) = &column.generated else { continue };
        let expression = &generated.expression;
        for token in Lexer::new(expression, 0) {
            if !matches!(token.kind, TokenKind::Word | TokenKind::QuotedName) {
                continue;
            }
            let word = &expression[token.span];
            let other = table.columns.iter().find(|other| quote::ident(&other.name) == *word);
            if let Some(other) = other.filter(|other| other.name != column.name) {
                let (column, by) = (Some(other.name.clone()), Some(column.name.clone()));
                needs.push(Need { on: id.clone(), column, by });
            }
        }
    }
    needs
}

//! What the columns of one table need of each other: a schema's needs leave that out.

use std::borrow::Cow;

use crate::ddl::quote;
use crate::schema::{Need, Object, ObjectId, Schema, Table};
use crate::sql::token::{Lexer, TokenKind};

/// The schema, with what generated columns need of their own table's columns.
pub(super) fn complete(schema: Cow<'_, Schema>) -> Cow<'_, Schema> {
    let mut found: Vec<(ObjectId, Vec<Need>)> = Vec::new();
    for (id, entry) in &schema.objects {
        if let Object::Table(table) = &entry.object {
            let needs = of_table(id, table);
            if !needs.is_empty() {
                found.push((id.clone(), needs));
            }
        }
    }
    if found.is_empty() {
        return schema;
    }
    let mut schema = schema.into_owned();
    for (id, needs) in found {
        if let Some(entry) = schema.objects.get_mut(&id) {
            entry.needs.extend(needs);
        }
    }
    Cow::Owned(schema)
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

//! Kinds of objects that are known by their statements alone, which the server puts together.
//!
//! Each query yields `class`, `oid`, `kind`, `schema`, `name`, `arguments`, the statements that make the object and the
//! one that removes it. What PostgreSQL assumes is not said, as in `pg_dump`.

mod foreign;
mod operators;
mod others;
mod publications;
mod text_search;

pub(super) use foreign::FOREIGN;
pub(super) use operators::{FAMILIES, OPERATORS};
pub(super) use others::{CASTS, EVENTS, LANGUAGES};
pub(super) use publications::PUBLICATIONS;
pub(super) use text_search::TEXT_SEARCH;

use limbeck_core::schema::{Kind, ObjectId, Opaque};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::reader::Reader;

/// The beginning of each query: `class`, `oid` and `kind` are SQL.
fn select(class: i64, oid: &str, kind: &str) -> String {
    format!("SELECT {class}::int8 AS class, {oid}::int8 AS oid, {kind} AS kind")
}

fn read(reader: &mut Reader, rows: &[PgRow]) -> Result<(), sqlx::Error> {
    for row in rows {
        let kind = match row.try_get("kind")? {
            "language" => Kind::Language,
            "wrapper" => Kind::ForeignDataWrapper,
            "server" => Kind::Server,
            "operator" => Kind::Operator,
            "family" => Kind::OperatorFamily,
            "class" => Kind::OperatorClass,
            "cast" => Kind::Cast,
            "dictionary" => Kind::TextSearchDictionary,
            "configuration" => Kind::TextSearchConfiguration,
            "event" => Kind::EventTrigger,
            _ => Kind::Publication,
        };
        let id = ObjectId {
            schema: row.try_get("schema")?,
            arguments: row.try_get::<Option<String>, _>("arguments")?.unwrap_or_default(),
            ..ObjectId::global(kind, row.try_get::<String, _>("name")?)
        };
        // Clauses that do not apply are NULL among the statements.
        let create: Vec<Option<String>> = row.try_get("create_statements")?;
        let opaque =
            Opaque { create: create.into_iter().flatten().collect(), drop: row.try_get("drop_statement")? };
        reader.add((row.try_get("class")?, row.try_get("oid")?), id, opaque);
    }
    Ok(())
}

/// ` OPTIONS (...)` of a `text[]` of options, or nothing.
fn options(array: &str) -> String {
    format!(
        "coalesce((SELECT ' OPTIONS (' || string_agg(format('%I %L', o.option_name, o.option_value), ', ') || ')' \
         FROM pg_options_to_table({array}) o), '')"
    )
}

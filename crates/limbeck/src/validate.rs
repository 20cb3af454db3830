//! The schema validation of a start: is there what the service cannot do without? Asked without a scratch server, so it
//! works where a service runs.

use limbeck_core::schema::Schema;
use limbeck_core::validate::{mismatches, schemas};
use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::catalog::{self, Filter};
use crate::error::Error;
use crate::execute::failure;
use crate::quote::{ident, text_array};
use crate::state::session::simple_query;

pub use limbeck_core::validate::Mismatch;

/// Those of `tables` (`name`, or `schema.name`) that do not exist.
///
/// # Errors
/// A failing connection.
pub async fn missing_tables(connection: &mut PgConnection, tables: &[String]) -> Result<Vec<String>, Error> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let quoted: Vec<String> = tables.iter().map(|table| quoted(table)).collect();
    let sql = format!(
        "SELECT n FROM unnest({}) WITH ORDINALITY AS t(name, n) \
         WHERE CASE WHEN name = '' THEN true ELSE to_regclass(name) IS NULL END ORDER BY n",
        text_array(quoted.iter().map(String::as_str))
    );
    let sets = simple_query(connection, &sql).await.map_err(|e| failure::database(&e))?;
    let mut missing = Vec::new();
    for row in sets.iter().flatten() {
        let number: i64 = row.try_get("n").map_err(|e| failure::database(&e))?;
        let index = usize::try_from(number).unwrap_or_default().saturating_sub(1);
        missing.extend(tables.get(index).cloned());
    }
    Ok(missing)
}

/// What models say and a database does not have, or has otherwise: see [`limbeck_core::validate`] for what is looked at.
/// The models may be compiled in ([`models!`](crate::models!), [`EmbeddedModels::schema`](crate::EmbeddedModels::schema)).
/// The number of queries does not depend on the number of tables.
///
/// # Errors
/// As [`catalog::read`].
pub async fn against(connection: &mut PgConnection, models: &Schema) -> Result<Vec<Mismatch>, Error> {
    let filter = schemas(models).into_iter().fold(Filter::default(), Filter::only_schema);
    let read = catalog::read(connection, &filter).await?;
    Ok(mismatches(models, &read.schema))
}

/// A table's name as `to_regclass` reads it; empty for what can be no table's name, on which it would fail.
fn quoted(table: &str) -> String {
    let parts: Vec<&str> = table.split('.').collect();
    if parts.len() > 2 || parts.iter().any(|part| part.is_empty()) {
        return String::new();
    }
    parts.into_iter().map(ident).collect::<Vec<_>>().join(".")
}

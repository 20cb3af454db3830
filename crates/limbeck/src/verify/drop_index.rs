//! DROP INDEX CONCURRENTLY: left in the middle, it leaves the index invalid, and may be run again.

use limbeck_core::sql::ObjectName;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Finding, Verifier, qualified, relation};

/// What the statement says.
#[derive(Debug)]
pub(super) struct DropIndex {
    pub(super) index: ObjectName,
}

impl Verifier for DropIndex {
    fn before(&self) -> String {
        format!("jsonb_build_object('index', {})", relation(&self.index))
    }

    fn question(&self, noted: &str) -> String {
        format!(
            "SELECT noted.c->>'index' IS NOT NULL AS was_there, {} AS name, i.indisvalid AS valid \
             FROM (SELECT {noted} AS c) noted \
             LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = (noted.c->>'index')::oid \
             LEFT JOIN pg_catalog.pg_class r ON r.oid = i.indexrelid \
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace",
            format_args!("CASE WHEN r.oid IS NOT NULL THEN {} END", qualified("n", "r"))
        )
    }

    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        let Some(row) = rows.first() else { return Ok(Finding::Unknown) };
        if !row.try_get::<bool, _>("was_there")? {
            return Ok(Finding::NotDone { found: "the index was not there before".to_owned() });
        }
        let Some(name) = row.try_get::<Option<String>, _>("name")? else {
            return Ok(Finding::Done { found: "the index is gone".to_owned() });
        };
        let found = match row.try_get("valid")? {
            Some(true) => format!("the index {name} is still valid"),
            _ => format!("the index {name} is half dropped"),
        };
        Ok(Finding::NotDone { found })
    }
}

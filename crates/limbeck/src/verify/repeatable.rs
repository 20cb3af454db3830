//! Statements that may be run again whatever became of them: VACUUM, ANALYZE, CLUSTER, REINDEX without
//! CONCURRENTLY, REFRESH MATERIALIZED VIEW, ALTER SYSTEM, ALTER DATABASE ... SET TABLESPACE (which does nothing
//! where the database is there already).

use sqlx::postgres::PgRow;

use super::{Finding, Verifier};

/// The same the second time as the first.
#[derive(Debug)]
pub(super) struct Repeatable;

impl Verifier for Repeatable {
    fn before(&self) -> String {
        "'{}'::jsonb".to_owned()
    }

    fn question(&self, _noted: &str) -> String {
        "SELECT".to_owned()
    }

    fn answer(&self, _rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        Ok(Finding::NotDone { found: "it may be run twice".to_owned() })
    }
}

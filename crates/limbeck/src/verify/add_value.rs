//! ALTER TYPE ... ADD VALUE: done or not, nothing between. It is asked for only where a file puts the statement outside a
//! transaction; otherwise the value commits together with its journal entry.

use limbeck_core::sql::{Existing, ObjectName};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Finding, Verifier};
use crate::quote::literal;

/// What the statement says.
#[derive(Debug)]
pub(super) struct AddValue {
    pub(super) type_name: ObjectName,
    pub(super) value: String,
    pub(super) existing: Existing,
}

impl AddValue {
    fn is_there(&self, type_oid: &str) -> String {
        format!(
            "EXISTS (SELECT FROM pg_catalog.pg_enum e WHERE e.enumtypid = {type_oid} AND e.enumlabel = {})",
            literal(&self.value)
        )
    }
}

impl Verifier for AddValue {
    fn before(&self) -> String {
        let name = literal(&self.type_name.to_string());
        format!(
            "(SELECT jsonb_build_object('type', t.oid, 'existed', {}) FROM (SELECT to_regtype({name})::oid AS oid) t)",
            self.is_there("t.oid")
        )
    }

    fn question(&self, noted: &str) -> String {
        format!(
            "SELECT (noted.c->>'existed')::bool AS existed, {} AS there FROM (SELECT {noted} AS c) noted",
            self.is_there("(noted.c->>'type')::oid")
        )
    }

    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        let Some(row) = rows.first() else { return Ok(Finding::Unknown) };
        let existed: bool = row.try_get("existed")?;
        Ok(match row.try_get("there")? {
            true if !existed || self.existing == Existing::IsKept => {
                Finding::Done { found: "the value is there".to_owned() }
            }
            true => Finding::NotDone { found: "the value was there before the statement".to_owned() },
            false => Finding::NotDone { found: "the value is not there".to_owned() },
        })
    }
}

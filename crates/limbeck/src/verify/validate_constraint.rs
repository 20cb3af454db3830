//! ALTER TABLE ... VALIDATE CONSTRAINT outside a transaction: done or not, nothing between.

use limbeck_core::sql::ObjectName;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Finding, Verifier, relation};
use crate::quote::literal;

/// What the statement says.
#[derive(Debug)]
pub(super) struct ValidateConstraint {
    pub(super) table: ObjectName,
    pub(super) constraint: String,
}

impl Verifier for ValidateConstraint {
    fn before(&self) -> String {
        format!(
            "jsonb_build_object('constraint', (SELECT c.oid FROM pg_catalog.pg_constraint c WHERE c.conrelid = {} \
             AND c.conname = {}))",
            relation(&self.table),
            literal(&self.constraint)
        )
    }

    fn question(&self, noted: &str) -> String {
        format!(
            "SELECT c.convalidated FROM (SELECT {noted} AS c) noted \
             JOIN pg_catalog.pg_constraint c ON c.oid = (noted.c->>'constraint')::oid"
        )
    }

    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        let found = match rows.first() {
            None => "the constraint is not there",
            Some(row) if row.try_get("convalidated")? => {
                return Ok(Finding::Done { found: "the constraint is validated".to_owned() });
            }
            Some(_) => "the constraint is not validated",
        };
        Ok(Finding::NotDone { found: found.to_owned() })
    }
}

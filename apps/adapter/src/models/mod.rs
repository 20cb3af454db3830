//! The adapter's tables as Rust structs: what autogenerate compares with the revisions.
//!
//! A change of a struct is a change of the schema: `limbeck revision --autogenerate -m "..."` writes its revision.
//!
//! Policies name the roles as `limbeck.toml` does where nobody says otherwise (`[vars]`), and so must the revisions for
//! both to agree; see `docs/ROW_LEVEL_SECURITY.md`. An admin policy asks who the current role is, because policies
//! also apply to whoever inherits from the role: a login that forgot to take it must find nothing.

#![expect(clippy::duplicated_attributes, reason = "two indexes may name one column")]
#![expect(dead_code, reason = "the models say more than the service reads so far")]

mod action_log;
mod audit_log;
mod idempotency_key;
mod tenant;

use limbeck::Table as _;
use sqlx::PgConnection;

pub(crate) use action_log::{ActionLog, ActionStatus, ActionType};
pub(crate) use audit_log::AuditLog;
pub(crate) use idempotency_key::IdempotencyKey;
pub(crate) use tenant::Tenant;

/// What the service cannot do without.
const TABLES: [&str; 4] = [Tenant::TABLE, ActionLog::TABLE, AuditLog::TABLE, IdempotencyKey::TABLE];

/// The names of tables that the database lacks.
pub(crate) async fn missing_tables(connection: &mut PgConnection) -> Result<Vec<String>, limbeck::Error> {
    limbeck::validate::missing_tables(connection, &TABLES.map(str::to_owned)).await
}

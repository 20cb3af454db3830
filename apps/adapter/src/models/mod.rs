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

use limbeck::EmbeddedModels;
use limbeck::validate::{self, Mismatch};
use sqlx::PgConnection;

pub(crate) use action_log::{ActionStatus, ActionType};
pub(crate) use tenant::Tenant;

static MODELS: EmbeddedModels = limbeck::models!("src/models");

/// What this release relies on and the database does not have, or has otherwise.
pub(crate) async fn mismatches(connection: &mut PgConnection) -> Result<Vec<Mismatch>, limbeck::Error> {
    validate::against(connection, &MODELS.schema()?).await
}

/// Logs them.
pub(crate) fn report(mismatches: &[Mismatch]) {
    for mismatch in mismatches {
        tracing::warn!("the database is not as this release's models say: {mismatch}");
    }
}

//! Rows of `audit_logs`: who changed what, written in the transaction of the change.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::origin::Origin;

/// The `user_id` of what was done through the admin API.
pub(crate) const ADMIN: &str = "admin";

/// A change. Its values are shown to the tenant: secrets are masked before.
pub(crate) struct Change {
    pub(crate) tenant: Uuid,
    pub(crate) user: Option<&'static str>,
    /// `create`, `update`, `deactivate`, `rotate`.
    pub(crate) action: &'static str,
    /// `tenant`, `api_key`, `provider_configs`.
    pub(crate) resource: &'static str,
    pub(crate) before: Value,
    pub(crate) after: Value,
}

/// Writes the row. The resource is the tenant, or belongs to it: its id says which.
pub(crate) async fn record(
    connection: &mut PgConnection,
    origin: &Origin,
    change: Change,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO audit_logs (id, tenant_id, user_id, action, resource_type, resource_id, changes,
                                       ip_address, user_agent, metadata)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let request = origin.request.as_ref().map(|id| json!({ "request_id": id.as_str() }));
    sqlx::query(sql)
        .bind(Uuid::now_v7())
        .bind(change.tenant)
        .bind(change.user)
        .bind(change.action)
        .bind(change.resource)
        .bind(change.tenant.to_string())
        .bind(json!({ "before": change.before, "after": change.after }))
        .bind(origin.ip.map(|ip| ip.to_string()))
        .bind(origin.agent.as_deref())
        .bind(request)
        .execute(connection)
        .await?;
    Ok(())
}

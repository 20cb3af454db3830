use limbeck::Table;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};

// A request that must not be done twice, and its response.
#[derive(Debug, FromRow, Table)]
#[table(
    name = "idempotency_keys",
    index(tenant_id, idempotency_key, unique, name = "ix_idempotency_keys_tenant_key"),
    row_level_security,
    force_row_level_security,
    policy(
        name = "idempotency_keys_tenant_select",
        for = "select",
        to = "adapter_app",
        using = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "idempotency_keys_tenant_insert",
        for = "insert",
        to = "adapter_app",
        with_check = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "idempotency_keys_tenant_update",
        for = "update",
        to = "adapter_app",
        using = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
        with_check = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "idempotency_keys_tenant_delete",
        for = "delete",
        to = "adapter_app",
        using = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "idempotency_keys_admin",
        to = "adapter_admin",
        using = "current_user = 'adapter_admin'",
        with_check = "current_user = 'adapter_admin'",
    )
)]
pub(crate) struct IdempotencyKey {
    #[column(primary_key)]
    pub(crate) id: Uuid,
    /// ID of the tenant that submitted the request
    #[column(references = "tenants(id)", on_delete = "cascade", index = "ix_idempotency_keys_tenant_id")]
    pub(crate) tenant_id: Uuid,
    /// Client-provided idempotency key (unique per tenant)
    #[column(sql_type = "varchar(255)")]
    pub(crate) idempotency_key: String,
    /// HTTP method of the request (POST, PUT, DELETE)
    #[column(sql_type = "varchar(10)")]
    pub(crate) request_method: String,
    /// API endpoint path of the request
    #[column(sql_type = "varchar(500)")]
    pub(crate) request_path: String,
    /// SHA-256 hash of the request body for validation
    #[column(sql_type = "varchar(64)")]
    pub(crate) request_body_hash: String,
    /// HTTP status code of the cached response
    pub(crate) response_status_code: Option<i32>,
    /// Cached response body
    pub(crate) response_body: Option<Value>,
    /// Timestamp when the idempotency key was created
    #[column(default = "now()")]
    pub(crate) created_at: DateTime<Utc>,
    /// Timestamp when the record was last updated
    #[column(default = "now()")]
    pub(crate) updated_at: DateTime<Utc>,
    /// Timestamp when this record should be cleaned up
    #[column(index = "ix_idempotency_keys_expires_at")]
    pub(crate) expires_at: DateTime<Utc>,
}

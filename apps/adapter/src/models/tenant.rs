use limbeck::Table;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};

// An organisation that uses the service. Tenants come and go by the admin role's hand only; a tenant sees and changes
// itself, and is found by the hash of its key.
#[derive(Debug, FromRow, Table)]
#[table(
    name = "tenants",
    row_level_security,
    force_row_level_security,
    policy(
        name = "tenant_isolation_select",
        for = "select",
        to = "adapter_app",
        using = "id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "tenant_isolation_update",
        for = "update",
        to = "adapter_app",
        using = "id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
        with_check = "id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "tenant_by_api_key",
        for = "select",
        to = "adapter_app",
        using = "api_key_hash = nullif(current_setting('app.api_key_hash', true), '')",
    ),
    policy(
        name = "tenants_admin",
        to = "adapter_admin",
        using = "current_user = 'adapter_admin'",
        with_check = "current_user = 'adapter_admin'",
    )
)]
pub(crate) struct Tenant {
    #[column(primary_key)]
    pub(crate) id: Uuid,
    /// Organization or tenant name
    #[column(sql_type = "varchar(255)", index = "ix_tenants_name")]
    pub(crate) name: String,
    /// Unique API key for tenant authentication
    #[column(sql_type = "varchar(255)", unique = "tenants_api_key_key", index = "ix_tenants_api_key")]
    pub(crate) api_key_hash: String,
    /// Provider-specific configurations and credentials
    #[column(default = "'{}'")]
    pub(crate) provider_configs: Value,
    /// Whether the tenant is active and can use the service
    #[column(default = "true", index = "ix_tenants_is_active")]
    pub(crate) is_active: bool,
    /// Additional tenant metadata (contact info, subscription tier, etc.)
    pub(crate) metadata: Option<Value>,
    #[column(default = "now()")]
    pub(crate) created_at: DateTime<Utc>,
    #[column(default = "now()")]
    pub(crate) updated_at: DateTime<Utc>,
    // For URLs; made from the name by revision 001b.
    #[column(sql_type = "varchar(100)", unique = "uq_tenants_slug", index = "ix_tenants_slug")]
    pub(crate) slug: String,
}

use limbeck::Table;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};

// Who changed what.
#[derive(Debug, FromRow, Table)]
#[table(
    name = "audit_logs",
    index(action, created_at, name = "ix_audit_logs_action_created"),
    index(resource_type, resource_id, name = "ix_audit_logs_resource"),
    index(tenant_id, created_at, name = "ix_audit_logs_tenant_created"),
    index(user_id, action, name = "ix_audit_logs_user_action"),
    row_level_security,
    force_row_level_security,
    policy(
        name = "audit_logs_tenant_select",
        for = "select",
        to = "adapter_app",
        using = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "audit_logs_tenant_insert",
        for = "insert",
        to = "adapter_app",
        with_check = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "audit_logs_admin",
        to = "adapter_admin",
        using = "current_user = 'adapter_admin'",
        with_check = "current_user = 'adapter_admin'",
    )
)]
pub(crate) struct AuditLog {
    #[column(primary_key)]
    pub(crate) id: Uuid,
    /// ID of the tenant associated with this audit log
    #[column(references = "tenants(id)", on_delete = "cascade", index = "ix_audit_logs_tenant_id")]
    pub(crate) tenant_id: Uuid,
    /// ID of the user who performed the action (if applicable)
    #[column(sql_type = "varchar(255)", index = "ix_audit_logs_user_id")]
    pub(crate) user_id: Option<String>,
    /// Action performed (e.g., 'create', 'update', 'delete', 'login')
    #[column(sql_type = "varchar(100)", index = "ix_audit_logs_action")]
    pub(crate) action: String,
    /// Type of resource affected (e.g., 'tenant', 'config', 'api_key')
    #[column(sql_type = "varchar(100)", index = "ix_audit_logs_resource_type")]
    pub(crate) resource_type: String,
    /// ID of the affected resource
    #[column(sql_type = "varchar(255)")]
    pub(crate) resource_id: Option<String>,
    /// Before/after changes in format: {'before': {...}, 'after': {...}}
    pub(crate) changes: Option<Value>,
    /// IP address of the request origin
    #[column(sql_type = "varchar(45)", index = "ix_audit_logs_ip_address")]
    pub(crate) ip_address: Option<String>,
    /// User agent string from the request
    pub(crate) user_agent: Option<String>,
    /// Additional context about the action (request_id, session_id, etc.)
    pub(crate) metadata: Option<Value>,
    #[column(default = "now()")]
    pub(crate) created_at: DateTime<Utc>,
    #[column(default = "now()")]
    pub(crate) updated_at: DateTime<Utc>,
}

use limbeck::{Enum, Table};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};

// What a tenant may do through a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type, Enum)]
#[sqlx(type_name = "action_type_enum", rename_all = "snake_case")]
pub(crate) enum ActionType {
    CrmCreate,
    CrmUpdate,
    CrmDelete,
    CrmGet,
    CrmList,
    CrmSearch,
    HelpdeskCreateTicket,
    HelpdeskUpdateTicket,
    HelpdeskGetTicket,
    HelpdeskListTickets,
    HelpdeskAddComment,
    CalendarCreateEvent,
    CalendarUpdateEvent,
    CalendarDeleteEvent,
    CalendarGetEvent,
    CalendarListEvents,
    EmailSend,
    EmailGet,
    EmailList,
    EmailSearch,
    KnowledgeStore,
    KnowledgeSearch,
    KnowledgeGet,
    KnowledgeDelete,
}

// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type, Enum)]
#[sqlx(type_name = "action_status_enum", rename_all = "snake_case")]
pub(crate) enum ActionStatus {
    Pending,
    Success,
    Failure,
    Timeout,
    Retry,
}

// One call of a provider.
#[derive(Debug, FromRow, Table)]
#[table(
    name = "action_logs",
    index(action_type, created_at, name = "ix_action_logs_action_type_created"),
    index(provider_name, status, name = "ix_action_logs_provider_status"),
    index(tenant_id, created_at, name = "ix_action_logs_tenant_created"),
    row_level_security,
    force_row_level_security,
    policy(
        name = "action_logs_tenant_select",
        for = "select",
        to = "adapter_app",
        using = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "action_logs_tenant_insert",
        for = "insert",
        to = "adapter_app",
        with_check = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "action_logs_tenant_update",
        for = "update",
        to = "adapter_app",
        using = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
        with_check = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "action_logs_tenant_delete",
        for = "delete",
        to = "adapter_app",
        using = "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid",
    ),
    policy(
        name = "action_logs_admin",
        to = "adapter_admin",
        using = "current_user = 'adapter_admin'",
        with_check = "current_user = 'adapter_admin'",
    )
)]
pub(crate) struct ActionLog {
    #[column(primary_key)]
    pub(crate) id: Uuid,
    /// ID of the tenant that performed the action
    #[column(references = "tenants(id)", on_delete = "cascade", index = "ix_action_logs_tenant_id")]
    pub(crate) tenant_id: Uuid,
    /// Type of action performed
    #[column(index = "ix_action_logs_action_type")]
    pub(crate) action_type: ActionType,
    /// Name of the provider (e.g., hubspot, zendesk)
    #[column(sql_type = "varchar(100)", index = "ix_action_logs_provider_name")]
    pub(crate) provider_name: String,
    /// The request payload sent to the provider
    #[column(default = "'{}'")]
    pub(crate) request_payload: Value,
    /// The response data received from the provider
    pub(crate) response_data: Option<Value>,
    /// Current status of the action
    #[column(index = "ix_action_logs_status")]
    pub(crate) status: ActionStatus,
    /// Error message if the action failed
    pub(crate) error_message: Option<String>,
    /// Time taken to execute the action in milliseconds
    pub(crate) execution_time_ms: i32,
    /// Additional metadata about the action
    pub(crate) metadata: Option<Value>,
    #[column(default = "now()")]
    pub(crate) created_at: DateTime<Utc>,
    #[column(default = "now()")]
    pub(crate) updated_at: DateTime<Utc>,
}

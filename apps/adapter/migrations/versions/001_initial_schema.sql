-- Initial schema: tenants, action_logs, audit_logs
--
-- revision:      001
-- down_revision:
-- branch_labels:
-- depends_on:
-- created:       2025-10-30 09:00 UTC

-- limbeck:upgrade

CREATE TYPE action_type_enum AS ENUM (
    'crm_create',
    'crm_update',
    'crm_delete',
    'crm_get',
    'crm_list',
    'crm_search',
    'helpdesk_create_ticket',
    'helpdesk_update_ticket',
    'helpdesk_get_ticket',
    'helpdesk_list_tickets',
    'helpdesk_add_comment',
    'calendar_create_event',
    'calendar_update_event',
    'calendar_delete_event',
    'calendar_get_event',
    'calendar_list_events',
    'email_send',
    'email_get',
    'email_list',
    'email_search',
    'knowledge_store',
    'knowledge_search',
    'knowledge_get',
    'knowledge_delete'
);

CREATE TYPE action_status_enum AS ENUM (
    'pending',
    'success',
    'failure',
    'timeout',
    'retry'
);

-- Who may use the service. Every other table refers to a tenant and goes with it.
CREATE TABLE tenants (
    id uuid NOT NULL,
    name varchar(255) NOT NULL,
    api_key varchar(255) NOT NULL,
    provider_configs jsonb DEFAULT '{}' NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    metadata jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_api_key_key UNIQUE (api_key)
);

COMMENT ON COLUMN tenants.name IS 'Organization or tenant name';
COMMENT ON COLUMN tenants.api_key IS 'Unique API key for tenant authentication';
COMMENT ON COLUMN tenants.provider_configs IS 'Provider-specific configurations and credentials';
COMMENT ON COLUMN tenants.is_active IS 'Whether the tenant is active and can use the service';
COMMENT ON COLUMN tenants.metadata IS 'Additional tenant metadata (contact info, subscription tier, etc.)';

CREATE INDEX ix_tenants_api_key ON tenants (api_key);
CREATE INDEX ix_tenants_is_active ON tenants (is_active);
CREATE INDEX ix_tenants_name ON tenants (name);

-- What was done for a tenant at a provider. Grows without bound: it is the largest table.
CREATE TABLE action_logs (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    action_type action_type_enum NOT NULL,
    provider_name varchar(100) NOT NULL,
    request_payload jsonb DEFAULT '{}' NOT NULL,
    response_data jsonb,
    status action_status_enum NOT NULL,
    error_message text,
    execution_time_ms integer NOT NULL,
    metadata jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT action_logs_pkey PRIMARY KEY (id),
    CONSTRAINT action_logs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);

COMMENT ON COLUMN action_logs.tenant_id IS 'ID of the tenant that performed the action';
COMMENT ON COLUMN action_logs.action_type IS 'Type of action performed';
COMMENT ON COLUMN action_logs.provider_name IS 'Name of the provider (e.g., hubspot, zendesk)';
COMMENT ON COLUMN action_logs.request_payload IS 'The request payload sent to the provider';
COMMENT ON COLUMN action_logs.response_data IS 'The response data received from the provider';
COMMENT ON COLUMN action_logs.status IS 'Current status of the action';
COMMENT ON COLUMN action_logs.error_message IS 'Error message if the action failed';
COMMENT ON COLUMN action_logs.execution_time_ms IS 'Time taken to execute the action in milliseconds';
COMMENT ON COLUMN action_logs.metadata IS 'Additional metadata about the action';

CREATE INDEX ix_action_logs_action_type ON action_logs (action_type);
CREATE INDEX ix_action_logs_action_type_created ON action_logs (action_type, created_at);
CREATE INDEX ix_action_logs_provider_name ON action_logs (provider_name);
CREATE INDEX ix_action_logs_provider_status ON action_logs (provider_name, status);
CREATE INDEX ix_action_logs_status ON action_logs (status);
CREATE INDEX ix_action_logs_tenant_created ON action_logs (tenant_id, created_at);
CREATE INDEX ix_action_logs_tenant_id ON action_logs (tenant_id);

-- Who changed what in the service itself.
CREATE TABLE audit_logs (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    user_id varchar(255),
    action varchar(100) NOT NULL,
    resource_type varchar(100) NOT NULL,
    resource_id varchar(255) NOT NULL,
    changes jsonb,
    ip_address varchar(45),
    user_agent text,
    metadata jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT audit_logs_pkey PRIMARY KEY (id),
    CONSTRAINT audit_logs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);

COMMENT ON COLUMN audit_logs.tenant_id IS 'ID of the tenant associated with this audit log';
COMMENT ON COLUMN audit_logs.user_id IS 'ID of the user who performed the action (if applicable)';
COMMENT ON COLUMN audit_logs.action IS 'Action performed (e.g., ''create'', ''update'', ''delete'', ''login'')';
COMMENT ON COLUMN audit_logs.resource_type IS 'Type of resource affected (e.g., ''tenant'', ''config'', ''api_key'')';
COMMENT ON COLUMN audit_logs.resource_id IS 'ID of the affected resource';
COMMENT ON COLUMN audit_logs.changes IS 'Before/after changes in format: {''before'': {...}, ''after'': {...}}';
COMMENT ON COLUMN audit_logs.ip_address IS 'IP address of the request origin';
COMMENT ON COLUMN audit_logs.user_agent IS 'User agent string from the request';
COMMENT ON COLUMN audit_logs.metadata IS 'Additional context about the action (request_id, session_id, etc.)';

CREATE INDEX ix_audit_logs_action ON audit_logs (action);
CREATE INDEX ix_audit_logs_action_created ON audit_logs (action, created_at);
CREATE INDEX ix_audit_logs_ip_address ON audit_logs (ip_address);
CREATE INDEX ix_audit_logs_resource ON audit_logs (resource_type, resource_id);
CREATE INDEX ix_audit_logs_resource_type ON audit_logs (resource_type);
CREATE INDEX ix_audit_logs_tenant_created ON audit_logs (tenant_id, created_at);
CREATE INDEX ix_audit_logs_tenant_id ON audit_logs (tenant_id);
CREATE INDEX ix_audit_logs_user_action ON audit_logs (user_id, action);
CREATE INDEX ix_audit_logs_user_id ON audit_logs (user_id);

-- limbeck:downgrade

-- limbeck:destructive
-- All data of the service goes: make a backup first.
DROP TABLE audit_logs;
DROP TABLE action_logs;
DROP TABLE tenants;
DROP TYPE action_status_enum;
DROP TYPE action_type_enum;

-- Add row-level security: a tenant sees and changes its own rows only
--
-- revision:      004
-- down_revision: 003
-- branch_labels:
-- depends_on:
-- created:       2025-10-31 15:00 UTC

-- limbeck:upgrade

-- For operators:
-- * A session names its tenant with  SET app.current_tenant_id = '<uuid>'  (or set_config). Where it was never
--   set, current_setting(..., true) is NULL, and no row is visible: closed, not open.
-- * The tables' owner and superusers are not bound by these policies (this is ENABLE, not FORCE), so migrations,
--   pg_dump and maintenance as the owner see everything. Run the service as another role.
-- * Limbeck migrates with row_security = off: for a role that the policies would filter, a later data step
--   fails with an error instead of silently changing nothing.

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation_select ON tenants FOR SELECT
    USING (id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY tenant_isolation_update ON tenants FOR UPDATE
    USING (id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (id = current_setting('app.current_tenant_id', true)::uuid);
-- Tenants come and go by the owner's hand only.
CREATE POLICY tenant_isolation_insert ON tenants FOR INSERT
    WITH CHECK (false);
CREATE POLICY tenant_isolation_delete ON tenants FOR DELETE
    USING (false);

ALTER TABLE action_logs ENABLE ROW LEVEL SECURITY;

CREATE POLICY action_logs_tenant_select ON action_logs FOR SELECT
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY action_logs_tenant_insert ON action_logs FOR INSERT
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY action_logs_tenant_update ON action_logs FOR UPDATE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY action_logs_tenant_delete ON action_logs FOR DELETE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);

ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY;

CREATE POLICY audit_logs_tenant_select ON audit_logs FOR SELECT
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY audit_logs_tenant_insert ON audit_logs FOR INSERT
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY audit_logs_tenant_update ON audit_logs FOR UPDATE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY audit_logs_tenant_delete ON audit_logs FOR DELETE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY idempotency_keys_tenant_select ON idempotency_keys FOR SELECT
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY idempotency_keys_tenant_insert ON idempotency_keys FOR INSERT
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY idempotency_keys_tenant_update ON idempotency_keys FOR UPDATE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY idempotency_keys_tenant_delete ON idempotency_keys FOR DELETE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);

-- limbeck:downgrade

-- From here on nothing but the service's own code keeps tenants apart.

DROP POLICY idempotency_keys_tenant_delete ON idempotency_keys;
DROP POLICY idempotency_keys_tenant_update ON idempotency_keys;
DROP POLICY idempotency_keys_tenant_insert ON idempotency_keys;
DROP POLICY idempotency_keys_tenant_select ON idempotency_keys;
ALTER TABLE idempotency_keys DISABLE ROW LEVEL SECURITY;

DROP POLICY audit_logs_tenant_delete ON audit_logs;
DROP POLICY audit_logs_tenant_update ON audit_logs;
DROP POLICY audit_logs_tenant_insert ON audit_logs;
DROP POLICY audit_logs_tenant_select ON audit_logs;
ALTER TABLE audit_logs DISABLE ROW LEVEL SECURITY;

DROP POLICY action_logs_tenant_delete ON action_logs;
DROP POLICY action_logs_tenant_update ON action_logs;
DROP POLICY action_logs_tenant_insert ON action_logs;
DROP POLICY action_logs_tenant_select ON action_logs;
ALTER TABLE action_logs DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation_delete ON tenants;
DROP POLICY tenant_isolation_insert ON tenants;
DROP POLICY tenant_isolation_update ON tenants;
DROP POLICY tenant_isolation_select ON tenants;
ALTER TABLE tenants DISABLE ROW LEVEL SECURITY;

-- Force row-level security, with roles of the service's own
--
-- revision:      005
-- down_revision: 004
-- branch_labels:
-- depends_on:
-- created:       2025-11-26 10:00 UTC

-- limbeck:upgrade

-- For operators (docs/ROW_LEVEL_SECURITY.md has more):
-- * The policies now bind the tables' owner too, so that a statement that forgot to take a role finds nothing.
--   Superusers and roles with BYPASSRLS stay exempt.
-- * A request of a tenant takes the role app_role and names its tenant; the admin API, batches and data steps of later
--   revisions take admin_role. Both are made here if they are not there; they cannot log in and own nothing.
-- * Each table is changed in a transaction of its own: no lock is held while another one is waited for.

-- Names, not values: limbeck hides values in messages, and those below must say which role is meant.
SET LOCAL adapter.app_role TO :"app_role";
SET LOCAL adapter.admin_role TO :"admin_role";

-- A role that is there already may be more than a role of the service should be.
DO $$
DECLARE
    app constant text := current_setting('adapter.app_role');
    admin constant text := current_setting('adapter.admin_role');
    candidate text;
    fault text;
BEGIN
    IF app = admin THEN
        RAISE EXCEPTION 'the service needs two roles, and both are called %', quote_ident(app)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give ADAPTER_APP_ROLE and ADAPTER_ADMIN_ROLE two names.';
    END IF;
    SELECT role.rolname, CASE
            WHEN role.rolname LIKE 'pg\_%' THEN 'it is one of PostgreSQL''s own'
            WHEN role.rolsuper THEN 'it is a superuser, to whom no policy applies'
            WHEN role.rolbypassrls THEN 'it has BYPASSRLS, so no policy applies to it'
            WHEN role.oid = above.oid THEN 'it owns the tables, or migrates them, and could switch their policies off'
            ELSE format('it is a member of %I, and could do what that role may', above.rolname)
        END
    INTO candidate, fault
    FROM pg_catalog.pg_roles role
    JOIN pg_catalog.pg_roles above ON pg_has_role(role.oid, above.oid, 'MEMBER')
    WHERE role.rolname IN (app, admin) AND (
        role.rolname LIKE 'pg\_%' OR above.rolsuper OR above.rolbypassrls OR above.rolname = current_user
        OR (role.rolname = app AND above.rolname = admin)
        OR above.oid IN (
            SELECT relowner FROM pg_catalog.pg_class
            WHERE oid IN ('tenants'::regclass, 'action_logs'::regclass, 'audit_logs'::regclass,
                          'idempotency_keys'::regclass)
        )
    )
    ORDER BY role.rolname = admin, role.oid <> above.oid
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the role % cannot be a role of the service: %', quote_ident(candidate), fault
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Give %s the name of another role; one that does not exist is made.',
                                CASE candidate WHEN app THEN 'ADAPTER_APP_ROLE' ELSE 'ADAPTER_ADMIN_ROLE' END);
    END IF;
END $$;

-- Roles belong to the whole server, and another of its databases may be making them at this moment: what fails for
-- that reason is looked at again. What this role may not do is left to an administrator, who is told all of it at once.
DO $$
DECLARE
    -- From PostgreSQL 16 on, not every member of a role may take it.
    membership constant text := CASE
        WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER'
    END;
    wanted text;
    missing text := '';
BEGIN
    FOREACH wanted IN ARRAY ARRAY[current_setting('adapter.app_role'), current_setting('adapter.admin_role')] LOOP
        FOR attempt IN 1..20 LOOP
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
                END IF;
                IF NOT pg_has_role(current_user, wanted, membership) THEN
                    EXECUTE format('GRANT %I TO %I', wanted, current_user);
                END IF;
                EXIT;
            EXCEPTION
                -- "tuple concurrently updated" is an internal error; a role may also be dropped at this moment.
                WHEN duplicate_object OR unique_violation OR undefined_object OR internal_error THEN
                    IF attempt = 20 THEN
                        RAISE;
                    END IF;
                    PERFORM pg_sleep(0.005 * attempt);
                WHEN insufficient_privilege THEN
                    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                        missing := missing || format(' CREATE ROLE %I NOLOGIN;', wanted);
                    END IF;
                    missing := missing || format(' GRANT %I TO %I;', wanted, current_user);
                    EXIT;
            END;
        END LOOP;
    END LOOP;
    IF missing <> '' THEN
        RAISE EXCEPTION 'the role % may not make the roles of the service, or not take them', quote_ident(current_user)
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Let an administrator run this, then migrate again:' || missing;
    END IF;
END $$;

-- Where PUBLIC may not use the tables' schema, the roles have to be let in.
DO $$
DECLARE
    home oid;
    wanted text;
BEGIN
    SELECT relnamespace INTO home FROM pg_catalog.pg_class WHERE oid = 'tenants'::regclass;
    FOREACH wanted IN ARRAY ARRAY[current_setting('adapter.app_role'), current_setting('adapter.admin_role')] LOOP
        IF NOT has_schema_privilege(wanted, home, 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', home::regnamespace, wanted);
        END IF;
    END LOOP;
END $$;

-- limbeck:commit

ALTER POLICY action_logs_tenant_select ON action_logs TO :"app_role"
    USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY action_logs_tenant_insert ON action_logs TO :"app_role"
    WITH CHECK (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY action_logs_tenant_update ON action_logs TO :"app_role"
    USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY action_logs_tenant_delete ON action_logs TO :"app_role"
    USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
-- A policy applies to whoever inherits from its role, too; the admin role has to be taken.
CREATE POLICY action_logs_admin ON action_logs TO :"admin_role"
    USING (current_user = :'admin_role')
    WITH CHECK (current_user = :'admin_role');
ALTER TABLE action_logs FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON action_logs TO :"app_role";
GRANT SELECT, INSERT, UPDATE, DELETE ON action_logs TO :"admin_role";

-- limbeck:commit

ALTER POLICY audit_logs_tenant_select ON audit_logs TO :"app_role"
    USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY audit_logs_tenant_insert ON audit_logs TO :"app_role"
    WITH CHECK (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
-- What was logged stays as it is.
DROP POLICY audit_logs_tenant_update ON audit_logs;
DROP POLICY audit_logs_tenant_delete ON audit_logs;
CREATE POLICY audit_logs_admin ON audit_logs TO :"admin_role"
    USING (current_user = :'admin_role')
    WITH CHECK (current_user = :'admin_role');
ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON audit_logs TO :"app_role";
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_logs TO :"admin_role";

-- limbeck:commit

ALTER POLICY idempotency_keys_tenant_select ON idempotency_keys TO :"app_role"
    USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY idempotency_keys_tenant_insert ON idempotency_keys TO :"app_role"
    WITH CHECK (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY idempotency_keys_tenant_update ON idempotency_keys TO :"app_role"
    USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY idempotency_keys_tenant_delete ON idempotency_keys TO :"app_role"
    USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
CREATE POLICY idempotency_keys_admin ON idempotency_keys TO :"admin_role"
    USING (current_user = :'admin_role')
    WITH CHECK (current_user = :'admin_role');
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO :"app_role";
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO :"admin_role";

-- limbeck:commit

ALTER POLICY tenant_isolation_select ON tenants TO :"app_role"
    USING (id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER POLICY tenant_isolation_update ON tenants TO :"app_role"
    USING (id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
    WITH CHECK (id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
-- Who knows the hash of a key finds its tenant.
CREATE POLICY tenant_by_api_key ON tenants FOR SELECT TO :"app_role"
    USING (api_key_hash = nullif(current_setting('app.api_key_hash', true), ''));
-- Without a policy for it nobody does it; the admin role has one for everything.
DROP POLICY tenant_isolation_insert ON tenants;
DROP POLICY tenant_isolation_delete ON tenants;
CREATE POLICY tenants_admin ON tenants TO :"admin_role"
    USING (current_user = :'admin_role')
    WITH CHECK (current_user = :'admin_role');
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE (provider_configs, updated_at) ON tenants TO :"app_role";
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO :"admin_role";

-- limbeck:downgrade

-- Back to policies that do not bind the tables' owner. The roles stay, because other databases of the server may use
-- them; so does their USAGE of a schema that PUBLIC may not use, which is worth nothing without the tables.

DROP POLICY tenants_admin ON tenants;
DROP POLICY tenant_by_api_key ON tenants;
ALTER POLICY tenant_isolation_select ON tenants TO PUBLIC
    USING (id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY tenant_isolation_update ON tenants TO PUBLIC
    USING (id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY tenant_isolation_insert ON tenants FOR INSERT
    WITH CHECK (false);
CREATE POLICY tenant_isolation_delete ON tenants FOR DELETE
    USING (false);
ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
REVOKE ALL ON tenants FROM :"app_role", :"admin_role";

-- limbeck:commit

DROP POLICY idempotency_keys_admin ON idempotency_keys;
ALTER POLICY idempotency_keys_tenant_select ON idempotency_keys TO PUBLIC
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY idempotency_keys_tenant_insert ON idempotency_keys TO PUBLIC
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY idempotency_keys_tenant_update ON idempotency_keys TO PUBLIC
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY idempotency_keys_tenant_delete ON idempotency_keys TO PUBLIC
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER TABLE idempotency_keys NO FORCE ROW LEVEL SECURITY;
REVOKE ALL ON idempotency_keys FROM :"app_role", :"admin_role";

-- limbeck:commit

DROP POLICY audit_logs_admin ON audit_logs;
ALTER POLICY audit_logs_tenant_select ON audit_logs TO PUBLIC
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY audit_logs_tenant_insert ON audit_logs TO PUBLIC
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY audit_logs_tenant_update ON audit_logs FOR UPDATE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
CREATE POLICY audit_logs_tenant_delete ON audit_logs FOR DELETE
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER TABLE audit_logs NO FORCE ROW LEVEL SECURITY;
REVOKE ALL ON audit_logs FROM :"app_role", :"admin_role";

-- limbeck:commit

DROP POLICY action_logs_admin ON action_logs;
ALTER POLICY action_logs_tenant_select ON action_logs TO PUBLIC
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY action_logs_tenant_insert ON action_logs TO PUBLIC
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY action_logs_tenant_update ON action_logs TO PUBLIC
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid)
    WITH CHECK (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER POLICY action_logs_tenant_delete ON action_logs TO PUBLIC
    USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid);
ALTER TABLE action_logs NO FORCE ROW LEVEL SECURITY;
REVOKE ALL ON action_logs FROM :"app_role", :"admin_role";

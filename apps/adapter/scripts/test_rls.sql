-- Proves on a database at head that row-level security keeps tenants apart, and leaves nothing behind.
--
--   psql -X -f scripts/test_rls.sql "$DATABASE_URL"
-- and with  -v app_role=... -v admin_role=...  where the roles have other names. It makes two tenants with rows inside a
-- transaction that it rolls back, and says what it has checked. At the first thing that does not hold it stops, with exit
-- code 3. Whoever may take both roles may run it: best the service's own login. docs/ROW_LEVEL_SECURITY.md has more.

\set ON_ERROR_STOP on
\set QUIET on
\set VERBOSITY terse
\pset pager off
\pset format unaligned
\pset tuples_only on
\if :{?app_role}
\else
    \set app_role adapter_app
\endif
\if :{?admin_role}
\else
    \set admin_role adapter_admin
\endif

BEGIN;
SET LOCAL row_security = on;
SET LOCAL test_rls.app_role TO :"app_role";
SET LOCAL test_rls.admin_role TO :"admin_role";
SELECT set_config('test_rls.a', gen_random_uuid()::text, true), set_config('test_rls.b', gen_random_uuid()::text, true)
\gset made_
SET LOCAL test_rls.tables = '{action_logs,audit_logs,idempotency_keys}';
-- How a row of each table is made for a tenant, with its own id.
SET LOCAL test_rls.action_logs =
    'INSERT INTO action_logs (id, tenant_id, action_type, provider_name, status, execution_time_ms)
     VALUES (%L, %L, ''crm_get'', ''test'', ''success'', 1)';
SET LOCAL test_rls.audit_logs =
    'INSERT INTO audit_logs (id, tenant_id, action, resource_type) VALUES (%L, %L, ''test'', ''tenant'')';
SET LOCAL test_rls.idempotency_keys =
    'INSERT INTO idempotency_keys
         (id, tenant_id, idempotency_key, request_method, request_path, request_body_hash, expires_at)
     VALUES (%L, %L, gen_random_uuid()::text, ''POST'', ''/'', ''-'', now())';

SELECT format('row-level security of %I on PostgreSQL %s, as %I, with the roles %I and %I',
    current_database(), current_setting('server_version'), current_user, :'app_role', :'admin_role');

-- The catalog ---------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    app constant text := current_setting('test_rls.app_role');
    admin constant text := current_setting('test_rls.admin_role');
    membership constant text := CASE
        WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER'
    END;
    wanted text;
    fault text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[app, admin] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            RAISE EXCEPTION 'the role % does not exist', quote_ident(wanted);
        ELSIF NOT pg_has_role(current_user, wanted, membership) THEN
            RAISE EXCEPTION 'the login % may not take the role %: GRANT % TO %',
                quote_ident(current_user), quote_ident(wanted), quote_ident(wanted), quote_ident(current_user);
        END IF;
    END LOOP;
    SELECT format('%I is exempt from row-level security, or may become it: %I', r.rolname, above.rolname) INTO fault
    FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles above ON pg_has_role(r.oid, above.oid, 'MEMBER')
    WHERE r.rolname IN (app, admin)
        AND (above.rolsuper OR above.rolbypassrls OR (r.rolname = app AND above.rolname = admin)
            OR above.oid IN (SELECT relowner FROM pg_catalog.pg_class WHERE oid = 'tenants'::regclass));
    IF FOUND THEN
        RAISE EXCEPTION '%', fault;
    END IF;
END $$;
\echo 'ok   the roles own nothing and are exempt from nothing'

DO $$
DECLARE
    fault text;
BEGIN
    -- Tables that a later revision adds are found by their column.
    SELECT format('row-level security of %s is not %s', c.oid::regclass,
        CASE WHEN c.relrowsecurity THEN 'forced' ELSE 'enabled' END)
    INTO fault
    FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity) AND (
        c.oid = 'tenants'::regclass
        OR c.relnamespace = (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = 'tenants'::regclass)
            AND EXISTS (SELECT FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped));
    IF FOUND THEN
        RAISE EXCEPTION '%', fault;
    END IF;
END $$;
\echo 'ok   every table with rows of tenants has row-level security, also for its owner'

DO $$
DECLARE
    app constant text := current_setting('test_rls.app_role');
    fault text;
BEGIN
    -- One policy too many opens what all others close.
    SELECT format('the policy %I of %s is for somebody else than the two roles', p.polname, p.polrelid::regclass)
    INTO fault
    FROM pg_catalog.pg_policy p
    WHERE p.polpermissive
        AND p.polrelid::regclass::text = ANY (current_setting('test_rls.tables')::text[] || 'tenants'::text)
        AND NOT p.polroles <@ ARRAY(
            SELECT oid FROM pg_catalog.pg_roles
            WHERE rolname IN (app, current_setting('test_rls.admin_role')));
    IF FOUND THEN
        RAISE EXCEPTION '%', fault;
    END IF;
    SELECT format('%I may %s %s', app, p.privilege, p.name) INTO fault
    FROM (VALUES
        ('tenants', 'INSERT'), ('tenants', 'DELETE'), ('tenants', 'TRUNCATE'),
        ('action_logs', 'TRUNCATE'), ('idempotency_keys', 'TRUNCATE'),
        ('audit_logs', 'UPDATE'), ('audit_logs', 'DELETE'), ('audit_logs', 'TRUNCATE')
    ) p (name, privilege)
    WHERE has_table_privilege(app, p.name::regclass, p.privilege);
    IF FOUND THEN
        RAISE EXCEPTION '%', fault;
    END IF;
    SELECT format('%I may change %I of tenants', app, a.attname) INTO fault
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = 'tenants'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attname NOT IN ('provider_configs', 'updated_at')
        AND has_column_privilege(app, a.attrelid, a.attnum, 'UPDATE');
    IF FOUND THEN
        RAISE EXCEPTION '%', fault;
    END IF;
END $$;
\echo 'ok   no policy and no privilege is there for anybody or anything else'

-- Two tenants ---------------------------------------------------------------------------------------------------------

SET LOCAL ROLE :"admin_role";
DO $$
DECLARE
    tenant text;
    name text;
BEGIN
    FOREACH tenant IN ARRAY ARRAY[current_setting('test_rls.a'), current_setting('test_rls.b')] LOOP
        INSERT INTO tenants (id, name, slug, api_key_hash)
        VALUES (tenant::uuid, 'test_rls', 'test-rls-' || tenant, 'test_rls ' || tenant);
        -- The first row of a tenant has the tenant's own id, in every table.
        FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] LOOP
            EXECUTE format(current_setting('test_rls.' || name), tenant, tenant);
            EXECUTE format(current_setting('test_rls.' || name), gen_random_uuid(), tenant);
        END LOOP;
    END LOOP;
END $$;
\echo 'ok   the admin role makes tenants, and rows for each'

-- No tenant -----------------------------------------------------------------------------------------------------------

SET LOCAL ROLE :"app_role";
DO $$
DECLARE
    named text;
    name text;
    touched bigint;
    state text;
    work text;
BEGIN
    -- A setting that was local to an earlier transaction is empty afterwards, not NULL.
    FOREACH named IN ARRAY ARRAY[NULL, ''] LOOP
        IF named IS NOT NULL THEN
            PERFORM set_config('app.current_tenant_id', named, true), set_config('app.api_key_hash', named, true);
        END IF;
        FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] || 'tenants'::text LOOP
            EXECUTE format('SELECT count(*) FROM %I', name) INTO touched;
            IF touched <> 0 THEN
                RAISE EXCEPTION 'without a tenant % rows of % are seen', touched, name;
            END IF;
            CONTINUE WHEN name = 'audit_logs';
            EXECUTE format('UPDATE %I SET updated_at = now()', name);
            GET DIAGNOSTICS touched = ROW_COUNT;
            IF touched <> 0 THEN
                RAISE EXCEPTION 'without a tenant % rows of % are changed', touched, name;
            END IF;
            CONTINUE WHEN name = 'tenants';
            EXECUTE format('DELETE FROM %I', name);
            GET DIAGNOSTICS touched = ROW_COUNT;
            IF touched <> 0 THEN
                RAISE EXCEPTION 'without a tenant % rows of % are deleted', touched, name;
            END IF;
        END LOOP;
        FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] LOOP
            BEGIN
                EXECUTE format(current_setting('test_rls.' || name), gen_random_uuid(), current_setting('test_rls.a'));
                state := 'none';
            EXCEPTION WHEN OTHERS THEN
                state := sqlstate;
            END;
            IF state <> '42501' THEN
                RAISE EXCEPTION 'without a tenant a row of % may be made (SQLSTATE %)', name, state;
            END IF;
        END LOOP;
    END LOOP;
    PERFORM set_config('app.current_tenant_id', 'nobody', true);
    FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] || 'tenants'::text LOOP
        BEGIN
            EXECUTE format('SELECT count(*) FROM %I', name) INTO touched;
            state := 'none';
        EXCEPTION WHEN invalid_text_representation THEN
            state := sqlstate;
        END;
        IF state = 'none' THEN
            RAISE EXCEPTION 'a malformed tenant is no error in %', name;
        END IF;
    END LOOP;
END $$;
\echo 'ok   who names no tenant, an empty or a malformed one, sees and changes nothing'

-- One tenant ----------------------------------------------------------------------------------------------------------

SELECT set_config('app.current_tenant_id', current_setting('test_rls.a'), true) \gset made_
DO $$
DECLARE
    a constant text := current_setting('test_rls.a');
    b constant text := current_setting('test_rls.b');
    name text;
    own bigint;
    others bigint;
BEGIN
    FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] LOOP
        EXECUTE format(
            'SELECT count(*) FILTER (WHERE tenant_id = %1$L), count(*) FILTER (WHERE tenant_id <> %1$L) FROM %2$I',
            a, name) INTO own, others;
        IF own <> 2 OR others <> 0 THEN
            RAISE EXCEPTION 'a tenant sees % of its 2 rows of %, and % of others', own, name, others;
        END IF;
        EXECUTE format('SELECT count(*) FROM %I WHERE id = %L', name, b) INTO others;
        IF others <> 0 THEN
            RAISE EXCEPTION 'a tenant finds another''s row of % by its id', name;
        END IF;
    END LOOP;
    SELECT count(*) FILTER (WHERE id = a::uuid), count(*) FILTER (WHERE id <> a::uuid) INTO own, others FROM tenants;
    IF own <> 1 OR others <> 0 THEN
        RAISE EXCEPTION 'a tenant sees itself % times, and % others', own, others;
    END IF;
END $$;
\echo 'ok   a tenant sees its own rows, and none of another'

DO $$
DECLARE
    b constant text := current_setting('test_rls.b');
    name text;
    attempt text;
    touched bigint;
BEGIN
    FOREACH name IN ARRAY ARRAY['action_logs', 'idempotency_keys'] LOOP
        FOREACH attempt IN ARRAY ARRAY[
            format('UPDATE %I SET updated_at = now() WHERE tenant_id = %L', name, b),
            format('UPDATE %I SET updated_at = now() WHERE id = %L', name, b),
            format('DELETE FROM %I WHERE tenant_id = %L', name, b),
            format('DELETE FROM %I WHERE id = %L', name, b),
            format('SELECT FROM %I WHERE id = %L FOR UPDATE', name, b)
        ] LOOP
            EXECUTE attempt;
            GET DIAGNOSTICS touched = ROW_COUNT;
            IF touched <> 0 THEN
                RAISE EXCEPTION 'a tenant reaches % rows of another: %', touched, attempt;
            END IF;
        END LOOP;
    END LOOP;
    UPDATE tenants SET provider_configs = '{"theirs": true}' WHERE id = b::uuid;
    GET DIAGNOSTICS touched = ROW_COUNT;
    IF touched <> 0 THEN
        RAISE EXCEPTION 'a tenant changes another tenant';
    END IF;
END $$;
\echo 'ok   a tenant changes, deletes and locks no row of another'

DO $$
DECLARE
    a constant text := current_setting('test_rls.a');
    b constant text := current_setting('test_rls.b');
    attempts text[] := ARRAY[
        'INSERT INTO tenants (id, name, slug, api_key_hash) VALUES (gen_random_uuid(), ''-'', ''test-rls-new'', ''-'')',
        format('DELETE FROM tenants WHERE id = %L', a),
        format('UPDATE tenants SET api_key_hash = ''stolen'' WHERE id = %L', a),
        format('UPDATE audit_logs SET action = ''nothing'' WHERE tenant_id = %L', a),
        format('DELETE FROM audit_logs WHERE tenant_id = %L', a)
    ];
    name text;
    attempt text;
    state text;
BEGIN
    FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] LOOP
        attempts := attempts || format(current_setting('test_rls.' || name), gen_random_uuid(), b);
        CONTINUE WHEN name = 'audit_logs';
        attempts := attempts
            || format('UPDATE %I SET tenant_id = %L WHERE id = %L', name, b, a)
            -- What reads no column is up to the policy for UPDATE alone.
            || format('UPDATE %I SET tenant_id = %L', name, b)
            -- A row that is there, and is another's.
            || (format(current_setting('test_rls.' || name), b, a)
                || ' ON CONFLICT (id) DO UPDATE SET tenant_id = excluded.tenant_id');
    END LOOP;
    FOREACH attempt IN ARRAY attempts LOOP
        BEGIN
            EXECUTE attempt;
            state := 'none';
        EXCEPTION WHEN insufficient_privilege THEN
            state := sqlstate;
        END;
        IF state = 'none' THEN
            RAISE EXCEPTION 'a tenant may do what it must not: %', attempt;
        END IF;
    END LOOP;
END $$;
\echo 'ok   a tenant writes no row for another, gives none away, takes none over, and leaves the audit log as it is'

DO $$
DECLARE
    a constant text := current_setting('test_rls.a');
    name text;
    attempt text;
    touched bigint;
BEGIN
    FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] LOOP
        EXECUTE format(current_setting('test_rls.' || name), gen_random_uuid(), a);
        CONTINUE WHEN name = 'audit_logs';
        FOREACH attempt IN ARRAY ARRAY[
            format('UPDATE %I SET updated_at = now() WHERE id = %L', name, a),
            format('DELETE FROM %I WHERE id = %L', name, a)
        ] LOOP
            EXECUTE attempt;
            GET DIAGNOSTICS touched = ROW_COUNT;
            IF touched <> 1 THEN
                RAISE EXCEPTION 'a tenant cannot do with its own row what it should: %', attempt;
            END IF;
        END LOOP;
    END LOOP;
    UPDATE tenants SET provider_configs = '{"own": true}' WHERE id = a::uuid;
    GET DIAGNOSTICS touched = ROW_COUNT;
    IF touched <> 1 THEN
        RAISE EXCEPTION 'a tenant cannot set its own configuration';
    END IF;
END $$;
\echo 'ok   a tenant does with its own rows what it should'

-- Keys ----------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    a constant text := current_setting('test_rls.a');
    b constant text := current_setting('test_rls.b');
    seen text;
BEGIN
    PERFORM set_config('app.current_tenant_id', '', true);
    PERFORM set_config('app.api_key_hash', 'test_rls ' || b, true);
    SELECT string_agg(id::text, ' ') INTO seen FROM tenants;
    IF seen IS DISTINCT FROM b THEN
        RAISE EXCEPTION 'the hash of a key finds % instead of its tenant', coalesce(seen, 'nothing');
    END IF;
    UPDATE tenants SET updated_at = now();
    IF FOUND THEN
        RAISE EXCEPTION 'who only knows the hash of a key changes its tenant';
    END IF;
    PERFORM set_config('app.api_key_hash', 'test_rls', true);
    IF EXISTS (SELECT FROM tenants) THEN
        RAISE EXCEPTION 'the hash of no key finds a tenant';
    END IF;
END $$;
\echo 'ok   the hash of a key finds its tenant and no other'

-- Whoever forgets to take a role, and the other tenant at the end -----------------------------------------------------

RESET ROLE;
SELECT rolsuper OR rolbypassrls AS exempt FROM pg_catalog.pg_roles WHERE rolname = current_user \gset
\if :exempt
    SELECT format('note %I is a superuser or has BYPASSRLS: nothing binds it unless it takes a role', current_user);
\else
    DO $$
    DECLARE
        name text;
        touched bigint;
    BEGIN
        FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] || 'tenants'::text LOOP
            BEGIN
                EXECUTE format('SELECT count(*) FROM %I', name) INTO touched;
            EXCEPTION WHEN insufficient_privilege THEN
                touched := 0;
            END;
            IF touched <> 0 THEN
                RAISE EXCEPTION 'the login %, without a role, sees % rows of %', current_user, touched, name;
            END IF;
        END LOOP;
    END $$;
    \echo 'ok   the login sees nothing unless it takes a role'
\endif

SET LOCAL ROLE :"admin_role";
DO $$
DECLARE
    b constant text := current_setting('test_rls.b');
    name text;
    intact bigint;
BEGIN
    FOREACH name IN ARRAY current_setting('test_rls.tables')::text[] LOOP
        EXECUTE format('SELECT count(*) FROM %I WHERE tenant_id = %L', name, b) INTO intact;
        IF intact <> 2 THEN
            RAISE EXCEPTION 'the other tenant has % of its 2 rows of %', intact, name;
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM tenants WHERE id = b::uuid AND provider_configs = '{}') THEN
        RAISE EXCEPTION 'the other tenant is not what it was';
    END IF;
    DELETE FROM tenants WHERE id = b::uuid;
    EXECUTE format('SELECT count(*) FROM action_logs WHERE tenant_id = %L', b) INTO intact;
    IF intact <> 0 THEN
        RAISE EXCEPTION 'the rows of a deleted tenant stay';
    END IF;
END $$;
\echo 'ok   the other tenant is as it was, and the admin role deletes it with its rows'

ROLLBACK;
\echo 'Row-level security holds. Nothing was kept.'

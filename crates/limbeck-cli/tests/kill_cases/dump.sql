-- Everything in a database that an undisturbed and a disturbed run must agree on, as text. What differs between
-- any two runs (object ids, times, the journal's ids and clients) is left out.
CREATE SCHEMA harness;
CREATE FUNCTION harness.dump() RETURNS text LANGUAGE plpgsql SET search_path = harness, pg_catalog AS $$
DECLARE
    answer text;
    part text;
    tab regclass;
BEGIN
    WITH places AS (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'limbeck')),
    relations AS (SELECT * FROM pg_class WHERE relnamespace IN (SELECT oid FROM places)),
    lines (line) AS (
        SELECT concat_ws(' ', 'relation', oid::regclass, relkind, relpersistence, relispartition, reloptions,
                         pg_get_expr(relpartbound, oid)) FROM relations
        UNION ALL
        SELECT concat_ws(' ', 'column', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
                         attisdropped, pg_get_expr(adbin, adrelid))
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid IN (SELECT oid FROM relations) AND attnum > 0
        UNION ALL
        SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), 'valid', indisvalid, 'ready', indisready, 'live', indislive,
                         'clustered', indisclustered, 'replica identity', indisreplident)
        FROM pg_index WHERE indrelid IN (SELECT oid FROM relations)
        UNION ALL
        SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), 'validated', convalidated)
        FROM pg_constraint WHERE connamespace IN (SELECT oid FROM places)
        UNION ALL
        SELECT concat_ws(' ', 'enum', enumtypid::regtype,
                         row_number() OVER (PARTITION BY enumtypid ORDER BY enumsortorder), enumlabel) FROM pg_enum
        UNION ALL
        -- The whole row, less its object ids: `inhdetachpending` came with PostgreSQL 14.
        SELECT concat_ws(' ', 'inherits', inhrelid::regclass, inhparent::regclass,
                         to_jsonb(i) - 'inhrelid' - 'inhparent') FROM pg_inherits i
        UNION ALL
        SELECT concat_ws(' ', 'comment', objoid::regclass, objsubid, description) FROM pg_description
        WHERE classoid = 'pg_class'::regclass AND objoid IN (SELECT oid FROM relations)
    )
    SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") INTO answer FROM lines;
    FOR tab IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname = 'public' AND relkind = 'r' ORDER BY c.oid::regclass::text COLLATE "C"
    LOOP
        EXECUTE format('SELECT string_agg(%L || t::text, E''\n'' ORDER BY t::text COLLATE "C") FROM %s t', tab || ': ', tab) INTO part;
        answer := concat_ws(E'\n', answer, part);
    END LOOP;
    IF to_regclass('limbeck.journal') IS NOT NULL THEN
        EXECUTE 'SELECT string_agg(''journal '' || (to_jsonb(j) - ''id'' - ''started_at'' - ''finished_at'' - ''client'')::text, E''\n''
                 ORDER BY id) FROM limbeck.journal j' INTO part;
        answer := concat_ws(E'\n', answer, part);
    END IF;
    RETURN answer;
END $$;

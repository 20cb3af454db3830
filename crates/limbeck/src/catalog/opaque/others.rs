use super::super::Section;
use super::super::reader::class;
use super::super::scope::{FIRST_OWN, no_member, stands_alone};
use super::{read, select};

/// Languages that no extension brought.
pub(in super::super) const LANGUAGES: Section = Section {
    sql: |scope| {
        format!(
            "{}, NULL::text AS schema, l.lanname::text AS name, NULL::text AS arguments, \
             ARRAY[concat('CREATE ', CASE WHEN l.lanpltrusted THEN 'TRUSTED ' END, 'LANGUAGE ', quote_ident(l.lanname), \
             CASE WHEN l.lanplcallfoid <> 0 THEN ' HANDLER ' || l.lanplcallfoid::regproc::text END, \
             CASE WHEN l.laninline <> 0 THEN ' INLINE ' || l.laninline::regproc::text END, \
             CASE WHEN l.lanvalidator <> 0 THEN ' VALIDATOR ' || l.lanvalidator::regproc::text END)] AS create_statements, \
             format('DROP LANGUAGE %I', l.lanname) AS drop_statement FROM pg_language l \
             WHERE {} AND l.oid >= {FIRST_OWN} AND {}",
            select(class::LANGUAGE, "l.oid", "'language'"),
            scope.globals,
            no_member(class::LANGUAGE, "l.oid")
        )
    },
    read,
};

/// Casts, without those that a range type brings.
pub(in super::super) const CASTS: Section = Section {
    sql: |scope| {
        format!(
            "{}, NULL::text AS schema, t.types AS name, NULL::text AS arguments, \
             ARRAY[concat('CREATE CAST (', t.types, ')', CASE c.castmethod WHEN 'b' THEN ' WITHOUT FUNCTION' \
             WHEN 'i' THEN ' WITH INOUT' ELSE ' WITH FUNCTION ' || c.castfunc::regprocedure::text END, \
             CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)] AS create_statements, \
             format('DROP CAST (%s)', t.types) AS drop_statement FROM pg_cast c \
             CROSS JOIN LATERAL (SELECT format('%s AS %s', format_type(c.castsource, NULL), \
             format_type(c.casttarget, NULL)) AS types) t WHERE {} AND c.oid >= {FIRST_OWN} AND {}",
            select(class::CAST, "c.oid", "'cast'"),
            scope.globals,
            stands_alone(class::CAST, "c.oid")
        )
    },
    read,
};

/// Event triggers.
pub(in super::super) const EVENTS: Section = Section {
    sql: |scope| {
        format!(
            "{}, NULL::text AS schema, t.evtname::text AS name, NULL::text AS arguments, \
             ARRAY[concat(format('CREATE EVENT TRIGGER %I ON %I', t.evtname, t.evtevent), \
             ' WHEN TAG IN (' || (SELECT string_agg(quote_literal(g.tag), ', ') FROM unnest(t.evttags) g(tag)) || ')', \
             format(' EXECUTE FUNCTION %s()', t.evtfoid::regproc)), \
             CASE WHEN t.evtenabled <> 'O' THEN format('ALTER EVENT TRIGGER %I %s', t.evtname, CASE t.evtenabled \
             WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END) END] AS create_statements, \
             format('DROP EVENT TRIGGER %I', t.evtname) AS drop_statement FROM pg_event_trigger t WHERE {} AND {}",
            select(class::EVENT_TRIGGER, "t.oid", "'event'"),
            scope.globals,
            no_member(class::EVENT_TRIGGER, "t.oid")
        )
    },
    read,
};

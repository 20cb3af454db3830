use super::super::Section;
use super::super::reader::class;
use super::super::scope::no_member;
use super::{read, select};

/// Text search dictionaries and configurations.
pub(in super::super) const TEXT_SEARCH: Section = Section {
    sql: |scope| {
        format!(
            "{}, n.nspname::text AS schema, d.dictname::text AS name, NULL::text AS arguments, \
             ARRAY[concat(format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = %I.%I', n.nspname, d.dictname, \
             tn.nspname, t.tmplname), ', ' || d.dictinitoption, ')')] AS create_statements, \
             format('DROP TEXT SEARCH DICTIONARY %I.%I', n.nspname, d.dictname) AS drop_statement \
             FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace \
             JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace \
             WHERE {schemas} AND {} UNION ALL {}, n.nspname::text, c.cfgname::text, NULL, \
             format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)', n.nspname, c.cfgname, pn.nspname, p.prsname) \
             || (SELECT array_agg(format('ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s', n.nspname, \
             c.cfgname, m.alias, m.dictionaries) ORDER BY m.alias) FROM (SELECT k.alias, \
             string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS dictionaries FROM pg_ts_config_map m \
             JOIN ts_token_type(c.cfgparser) k ON k.tokid = m.maptokentype WHERE m.mapcfg = c.oid GROUP BY k.alias) m), \
             format('DROP TEXT SEARCH CONFIGURATION %I.%I', n.nspname, c.cfgname) \
             FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace JOIN pg_ts_parser p ON p.oid = c.cfgparser \
             JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE {schemas} AND {}",
            select(class::TEXT_SEARCH_DICTIONARY, "d.oid", "'dictionary'"),
            no_member(class::TEXT_SEARCH_DICTIONARY, "d.oid"),
            select(class::TEXT_SEARCH_CONFIGURATION, "c.oid", "'configuration'"),
            no_member(class::TEXT_SEARCH_CONFIGURATION, "c.oid"),
            schemas = scope.schemas
        )
    },
    read,
};

use super::super::Section;
use super::super::reader::class;
use super::{read, select};

/// Publications: row filters, lists of columns and whole schemas came with 15, generated columns with 18.
pub(in super::super) const PUBLICATIONS: Section = Section {
    sql: |scope| {
        let columns = scope.since(
            15,
            "(SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')' FROM pg_attribute a \
             WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs))",
            "NULL",
        );
        let filter = scope.since(15, "' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')'", "NULL");
        let schemas = scope.since(
            15,
            "(SELECT array_agg(format('ALTER PUBLICATION %I ADD TABLES IN SCHEMA %I', p.pubname, n.nspname) \
             ORDER BY n.nspname) FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid \
             WHERE s.pnpubid = p.oid)",
            "NULL::text[]",
        );
        let generated = scope.since(
            18,
            "CASE WHEN p.pubgencols = 's' THEN ', publish_generated_columns = stored' END",
            "NULL",
        );
        format!(
            "{}, NULL::text AS schema, p.pubname::text AS name, NULL::text AS arguments, \
             concat('CREATE PUBLICATION ', quote_ident(p.pubname), CASE WHEN p.puballtables THEN ' FOR ALL TABLES' END, \
             ' WITH (publish = ', quote_literal(concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, \
             CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END, \
             CASE WHEN p.pubtruncate THEN 'truncate' END)), \
             CASE WHEN p.pubviaroot THEN ', publish_via_partition_root = true' END, {generated}, ')') \
             || (SELECT array_agg(concat(format('ALTER PUBLICATION %I ADD TABLE ONLY %I.%I', p.pubname, n.nspname, \
             c.relname), {columns}, {filter}) ORDER BY n.nspname, c.relname) FROM pg_publication_rel r \
             JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid) \
             || {schemas} AS create_statements, format('DROP PUBLICATION %I', p.pubname) AS drop_statement \
             FROM pg_publication p WHERE {}",
            select(class::PUBLICATION, "p.oid", "'publication'"),
            scope.globals
        )
    },
    read,
};

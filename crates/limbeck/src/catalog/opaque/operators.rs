use super::super::Section;
use super::super::reader::class;
use super::super::scope::{no_member, stands_alone};
use super::{read, select};

/// Operators, without the shells that stand for a commutator which nobody made.
pub(in super::super) const OPERATORS: Section = Section {
    sql: |scope| {
        let other = |oid: &str| {
            format!(
                "(SELECT format('OPERATOR(%I.%s)', xn.nspname, x.oprname) FROM pg_operator x \
                 JOIN pg_namespace xn ON xn.oid = x.oprnamespace WHERE x.oid = {oid})"
            )
        };
        let head = select(class::OPERATOR, "o.oid", "'operator'");
        let (commutator, negator) = (other("o.oprcom"), other("o.oprnegate"));
        let (schemas, member) = (&scope.schemas, no_member(class::OPERATOR, "o.oid"));
        format!(
            "{head}, n.nspname::text AS schema, o.oprname::text AS name, s.arguments, ARRAY[concat(\
             format('CREATE OPERATOR %I.%s (FUNCTION = %s', n.nspname, o.oprname, o.oprcode), \
             CASE WHEN o.oprleft <> 0 THEN ', LEFTARG = ' || format_type(o.oprleft, NULL) END, \
             CASE WHEN o.oprright <> 0 THEN ', RIGHTARG = ' || format_type(o.oprright, NULL) END, \
             ', COMMUTATOR = ' || {commutator}, ', NEGATOR = ' || {negator}, \
             CASE WHEN o.oprrest <> 0 THEN ', RESTRICT = ' || o.oprrest::text END, \
             CASE WHEN o.oprjoin <> 0 THEN ', JOIN = ' || o.oprjoin::text END, \
             CASE WHEN o.oprcanhash THEN ', HASHES' END, CASE WHEN o.oprcanmerge THEN ', MERGES' END, ')')] \
             AS create_statements, format('DROP OPERATOR %I.%s (%s)', n.nspname, o.oprname, s.arguments) AS drop_statement \
             FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace CROSS JOIN LATERAL (SELECT concat_ws(', ', \
             CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) ELSE 'NONE' END, \
             CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) ELSE 'NONE' END) AS arguments) s \
             WHERE o.oprcode <> 0 AND {schemas} AND {member}"
        )
    },
    read,
};

/// Operator families with what was added to them, and operator classes with what they were made with.
pub(in super::super) const FAMILIES: Section = Section {
    sql: |scope| {
        let family = select(class::OPERATOR_FAMILY, "f.oid", "'family'");
        let operator_class = select(class::OPERATOR_CLASS, "c.oid", "'class'");
        let (of_family, of_class) =
            (items(class::OPERATOR_FAMILY, "f.oid"), items(class::OPERATOR_CLASS, "c.oid"));
        format!(
            "{family}, n.nspname::text AS schema, f.opfname::text AS name, a.amname::text AS arguments, \
             ARRAY[format('CREATE OPERATOR FAMILY %I.%I USING %I', n.nspname, f.opfname, a.amname), \
             format('ALTER OPERATOR FAMILY %I.%I USING %I ADD ', n.nspname, f.opfname, a.amname) || {of_family}] \
             AS create_statements, \
             format('DROP OPERATOR FAMILY %I.%I USING %I', n.nspname, f.opfname, a.amname) AS drop_statement \
             FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am a ON a.oid = f.opfmethod \
             WHERE {schemas} AND {} UNION ALL {operator_class}, n.nspname::text, c.opcname::text, a.amname::text, \
             ARRAY[concat(format('CREATE OPERATOR CLASS %I.%I ', n.nspname, c.opcname), \
             CASE WHEN c.opcdefault THEN 'DEFAULT ' END, format('FOR TYPE %s USING %I FAMILY %I.%I AS ', \
             format_type(c.opcintype, NULL), a.amname, fn.nspname, f.opfname), concat_ws(', ', \
             CASE WHEN c.opckeytype <> 0 THEN 'STORAGE ' || format_type(c.opckeytype, NULL) \
             WHEN {of_class} IS NULL THEN 'STORAGE ' || format_type(c.opcintype, NULL) END, {of_class}))], \
             format('DROP OPERATOR CLASS %I.%I USING %I', n.nspname, c.opcname, a.amname) \
             FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am a ON a.oid = c.opcmethod \
             JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace \
             WHERE {schemas} AND {}",
            no_member(class::OPERATOR_FAMILY, "f.oid"),
            stands_alone(class::OPERATOR_CLASS, "c.oid"),
            schemas = scope.schemas
        )
    },
    read,
};

/// `OPERATOR n ..., FUNCTION n ...`: what `pg_depend` ties to this class or family.
fn items(owner_class: i64, owner: &str) -> String {
    let tied = |class: i64, oid: &str| {
        format!(
            "EXISTS (SELECT FROM pg_depend d WHERE d.classid = {class} AND d.objid = {oid} \
             AND d.refclassid = {owner_class} AND d.refobjid = {owner})"
        )
    };
    format!(
        "(SELECT string_agg(i.item, ', ' ORDER BY i.rank, i.number, i.item) FROM (\
         SELECT 1 AS rank, o.amopstrategy AS number, format('OPERATOR %s %s', o.amopstrategy, o.amopopr::regoperator) || \
         coalesce((SELECT format(' FOR ORDER BY %I.%I', sn.nspname, sf.opfname) FROM pg_opfamily sf \
         JOIN pg_namespace sn ON sn.oid = sf.opfnamespace WHERE sf.oid = o.amopsortfamily), '') AS item \
         FROM pg_amop o WHERE {} UNION ALL \
         SELECT 2, p.amprocnum, format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL), \
         format_type(p.amprocrighttype, NULL), p.amproc::regprocedure) FROM pg_amproc p WHERE {}) i)",
        tied(2602, "o.oid"),
        tied(2603, "p.oid")
    )
}

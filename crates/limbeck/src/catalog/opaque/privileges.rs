use super::super::Section;
use super::super::reader::class;
use super::{read, select};

/// Default privileges: one object for each role that makes things, schema, kind of thing and role that is granted
/// something, or from which PostgreSQL's own grant is taken.
pub(in super::super) const DEFAULT_PRIVILEGES: Section = Section {
    sql: |scope| {
        // In a schema the entries add to the global ones; global ones replace what PostgreSQL grants by itself.
        let own = "acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's'::\"char\" ELSE d.defaclobjtype END, d.defaclrole)";
        format!(
            "{}, NULL::text AS schema, g.place || ' ' || g.what AS name, NULL::text AS arguments, \
             ARRAY[format('ALTER DEFAULT PRIVILEGES %s %s', g.place, g.what)] AS create_statements, \
             format('ALTER DEFAULT PRIVILEGES %s %s', g.place, g.undo) AS drop_statement \
             FROM (SELECT e.oid, e.place, format('%s %s ON %s %s %s%s', e.verb, e.list, e.things, e.direction, e.grantee, \
             CASE WHEN e.verb = 'GRANT' AND e.is_grantable THEN ' WITH GRANT OPTION' END) AS what, \
             format('%s %s ON %s %s %s', CASE e.verb WHEN 'GRANT' THEN 'REVOKE' ELSE 'GRANT' END, e.list, e.things, \
             CASE e.direction WHEN 'TO' THEN 'FROM' ELSE 'TO' END, e.grantee) AS undo \
             FROM (SELECT d.oid, concat('FOR ROLE ', quote_ident(o.rolname), ' IN SCHEMA ' || quote_ident(n.nspname)) AS place, \
             CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' \
             WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS things, a.verb, \
             CASE a.verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END AS direction, a.is_grantable, \
             coalesce(quote_ident(r.rolname), 'PUBLIC') AS grantee, \
             string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS list \
             FROM pg_default_acl d JOIN pg_roles o ON o.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace \
             CROSS JOIN LATERAL (SELECT 'GRANT' AS verb, x.* FROM (SELECT grantee, privilege_type, is_grantable \
             FROM aclexplode(d.defaclacl) EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode({own}) \
             WHERE d.defaclnamespace = 0) x UNION ALL \
             SELECT 'REVOKE', x.* FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode({own}) \
             WHERE d.defaclnamespace = 0 EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(d.defaclacl)) \
             x) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE {} AND {} \
             GROUP BY d.oid, o.rolname, n.nspname, d.defaclobjtype, a.verb, a.is_grantable, r.rolname) e) g",
            select(class::DEFAULT_ACL, "g.oid", "'privileges'"),
            if scope.globals == "true" { "true" } else { "n.oid IS NOT NULL" },
            "(n.oid IS NULL OR ".to_owned() + &scope.schemas + ")"
        )
    },
    read,
};

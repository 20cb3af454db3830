//! Default privileges. What they grant is read with the grants of everything else.

use limbeck_core::schema::{Kind, Object, ObjectId};
use sqlx::Row;

use super::Section;
use super::reader::class;

/// Those that grant something to others than the role whose things they are about, or take from others what PostgreSQL
/// grants by itself.
pub(super) const DEFAULT_PRIVILEGES: Section = Section {
    sql: |scope| {
        format!(
            "SELECT d.oid::int8 AS oid, n.nspname::text AS schema, CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' \
             WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' \
             ELSE 'LARGE OBJECTS' END AS things, \
             CASE WHEN o.rolname <> {} THEN o.rolname::text ELSE '' END AS role \
             FROM pg_default_acl d JOIN pg_roles o ON o.oid = d.defaclrole \
             LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE {} AND {}",
            scope.migrator,
            if scope.globals == "true" {
                format!("(n.oid IS NULL OR {})", scope.schemas)
            } else {
                scope.schemas.clone()
            },
            departs("<>")
        )
    },
    read: |reader, rows| {
        for row in rows {
            let id = ObjectId {
                schema: row.try_get("schema")?,
                arguments: row.try_get("role")?,
                ..ObjectId::global(Kind::DefaultPrivileges, row.try_get::<String, _>("things")?)
            };
            reader.add((class::DEFAULT_ACL, row.try_get("oid")?), id, Object::DefaultPrivileges);
        }
        Ok(())
    },
};

/// Whether what default privileges say of others (`<>`) or of their own role (`=`) is not what would be without them. In a
/// schema they only add; elsewhere they stand for what PostgreSQL grants by itself.
pub(super) fn departs(whom: &str) -> String {
    let list = |acl: &str| {
        format!(
            "(SELECT array_agg(s.one ORDER BY s.one) FROM (SELECT (x.grantee, x.privilege_type, x.is_grantable)::text AS one \
             FROM aclexplode({acl}) x WHERE x.grantee {whom} d.defaclrole) s)"
        )
    };
    let usual =
        "acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's'::\"char\" ELSE d.defaclobjtype END, d.defaclrole)";
    format!(
        "{} IS DISTINCT FROM CASE WHEN d.defaclnamespace = 0 THEN {} END",
        list("d.defaclacl"),
        list(usual)
    )
}

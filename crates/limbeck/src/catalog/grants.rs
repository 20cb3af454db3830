//! Who may do what.

use std::collections::HashSet;

use limbeck_core::schema::Grant;
use sqlx::Row;

use super::Section;
use super::reader::{Address, class};

/// One row for each privilege, and at least one for each object whose privileges were ever changed: where they were
/// not, they are those that PostgreSQL gives by itself, and the reader has them.
pub(super) const GRANTS: Section = Section {
    sql: |_| {
        let catalogs = [
            (class::CLASS, "pg_class", "relowner", "relacl"),
            (class::PROC, "pg_proc", "proowner", "proacl"),
            (class::TYPE, "pg_type", "typowner", "typacl"),
            (class::NAMESPACE, "pg_namespace", "nspowner", "nspacl"),
            (class::LANGUAGE, "pg_language", "lanowner", "lanacl"),
            (class::FOREIGN_DATA_WRAPPER, "pg_foreign_data_wrapper", "fdwowner", "fdwacl"),
            (class::FOREIGN_SERVER, "pg_foreign_server", "srvowner", "srvacl"),
            (class::DEFAULT_ACL, "pg_default_acl", "defaclrole", "defaclacl"),
        ];
        let list = |(class, catalog, owner, acl): &(i64, &str, &str, &str)| {
            format!(
                "SELECT {class} AS class, oid, 0 AS number, {owner} AS owner, {acl} AS acl FROM {catalog} \
                 WHERE {acl} IS NOT NULL"
            )
        };
        format!(
            "SELECT o.class::int8 AS class, o.oid::int8 AS oid, o.number::int2 AS number, r.rolname::text AS grantee, \
             x.privilege_type AS privilege, x.is_grantable AS is_grantable FROM ({} UNION ALL \
             SELECT {}, a.attrelid, a.attnum, c.relowner, a.attacl FROM pg_attribute a \
             JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped) o \
             LEFT JOIN LATERAL aclexplode(o.acl) x ON x.grantee <> o.owner LEFT JOIN pg_roles r ON r.oid = x.grantee",
            catalogs.iter().map(list).collect::<Vec<_>>().join(" UNION ALL "),
            class::CLASS
        )
    },
    read: |reader, rows| {
        let mut seen: HashSet<Address> = HashSet::new();
        for row in rows {
            let address = (row.try_get("class")?, row.try_get("oid")?);
            let number: i16 = row.try_get("number")?;
            let column = reader.column(address.1, number).map(str::to_owned);
            let Some(grants) = reader.grants(address) else { continue };
            if number == 0 && seen.insert(address) {
                grants.retain(|grant| grant.column.is_some());
            }
            if let Some(privilege) = row.try_get("privilege")? {
                let (grantee, grantable) = (row.try_get("grantee")?, row.try_get("is_grantable")?);
                grants.insert(Grant { grantee, privilege, column, grantable });
            }
        }
        Ok(())
    },
};

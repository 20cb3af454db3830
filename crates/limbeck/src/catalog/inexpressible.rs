//! What a database holds that a schema value cannot say: looked for, so that it is never left out in silence.

use sqlx::Row;

use super::Section;
use super::privileges::departs;
use super::reader::class;
use super::relations::has_options;
use super::scope::{FIRST_OWN, Scope, no_member};

pub(super) const INEXPRESSIBLE: Section = Section {
    sql: |scope| {
        let mut queries = objects(scope);
        queries.extend(partitions(scope));
        queries.extend(details(scope));
        queries.join(" UNION ALL ")
    },
    read: |reader, rows| {
        for row in rows {
            reader.inexpressible.insert(row.try_get("what")?);
        }
        Ok(())
    },
};

/// The server's words for an object: `access method bloom`.
fn words(class: i64, oid: &str, before: &str) -> String {
    format!("(SELECT {before} || i.type || ' ' || i.identity FROM pg_identify_object({class}, {oid}, 0) i)")
}

/// Whole objects of kinds that have no value.
fn objects(scope: &Scope) -> Vec<String> {
    let Scope { schemas, globals, .. } = scope;
    let global = [(2601, "pg_am"), (3576, "pg_transform")].map(|(class, catalog)| {
        format!(
            "SELECT {} AS what FROM {catalog} o WHERE {globals} AND o.oid >= {FIRST_OWN} AND {}",
            words(class, "o.oid", "''"),
            no_member(class, "o.oid")
        )
    });
    let named = [
        (2607, "pg_conversion", "connamespace"),
        (3601, "pg_ts_parser", "prsnamespace"),
        (3764, "pg_ts_template", "tmplnamespace"),
    ];
    let named = named.map(|(class, catalog, schema)| {
        format!(
            "SELECT {} FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{schema} WHERE {schemas} AND {}",
            words(class, "o.oid", "''"),
            no_member(class, "o.oid")
        )
    });
    let others = [
        // Base types and shells; arrays, row types and multiranges come with what they are of.
        format!(
            "SELECT {} FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {schemas} \
             AND (t.typtype = 'p' OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)) \
             AND {}",
            words(class::TYPE, "t.oid", "''"),
            no_member(class::TYPE, "t.oid")
        ),
        format!(
            "SELECT 'subscription ' || s.subname FROM pg_subscription s WHERE {globals} \
             AND s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())"
        ),
        format!(
            "SELECT 'user mapping for ' || m.usename || ' on server ' || m.srvname FROM pg_user_mappings m WHERE {globals}"
        ),
        format!(
            "SELECT {} FROM pg_proc p WHERE {globals} AND p.pronamespace = 'pg_catalog'::regnamespace \
             AND p.oid >= {FIRST_OWN} AND {}",
            words(class::PROC, "p.oid", "''"),
            no_member(class::PROC, "p.oid")
        ),
    ];
    global.into_iter().chain(named).chain(others).collect()
}

/// Where a partition departs from its parent in what is only read of the parent.
fn partitions(scope: &Scope) -> Vec<String> {
    let schemas = &scope.schemas;
    let pending = scope.since(14, "i.inhdetachpending", "false");
    vec![
        format!(
            "SELECT 'another firing of ' || i.type || ' ' || i.identity FROM pg_trigger t \
             JOIN pg_trigger p ON p.oid = t.tgparentid JOIN pg_class c ON c.oid = t.tgrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL pg_identify_object({}, t.oid, 0) i \
             WHERE t.tgenabled <> p.tgenabled AND p.tgconstraint = 0 AND {schemas}",
            class::TRIGGER
        ),
        format!(
            "SELECT 'attachment to an incomplete index of ' || c.oid::regclass::text FROM pg_inherits i \
             JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_index p ON p.indexrelid = i.inhparent WHERE NOT p.indisvalid AND {schemas}"
        ),
        format!(
            "SELECT 'unfinished detachment of ' || c.oid::regclass::text FROM pg_inherits i \
             JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE {pending} AND {schemas}"
        ),
    ]
}

/// Comments, privileges and settings of what is only a part of a value.
fn details(scope: &Scope) -> Vec<String> {
    let Scope { schemas, .. } = scope;
    let mut queries = vec![
        // Of NOT NULL, a partition's share of an index or constraint.
        format!(
            "SELECT 'comment on ' || i.type || ' ' || i.identity FROM pg_description d \
             CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i WHERE d.objoid >= {FIRST_OWN} \
             AND (d.classoid = {constraint} AND EXISTS (SELECT FROM pg_constraint k JOIN pg_namespace n \
             ON n.oid = k.connamespace WHERE k.oid = d.objoid AND {schemas} AND (k.contype = 'n' \
             OR k.conparentid <> 0 OR k.coninhcount > 0 AND NOT k.conislocal)) \
             OR d.classoid = {relation} AND d.objsubid = 0 AND EXISTS (SELECT FROM pg_class c JOIN pg_namespace n \
             ON n.oid = c.relnamespace WHERE c.oid = d.objoid AND {schemas} AND c.relkind IN ('i', 'I') \
             AND c.relispartition))",
            constraint = class::CONSTRAINT,
            relation = class::CLASS
        ),
        format!(
            "SELECT 'default privileges that concern their own role, of ' || pg_get_userbyid(d.defaclrole) \
             FROM pg_default_acl d WHERE {} AND {}",
            departs("="),
            scope.globals
        ),
        "SELECT 'security label on ' || l.objtype || ' ' || l.objname FROM pg_seclabels l \
         WHERE l.classoid NOT IN ('pg_database'::regclass, 'pg_authid'::regclass, 'pg_tablespace'::regclass)"
            .to_owned(),
        format!(
            "SELECT 'settings of columns of ' || c.oid::regclass::text FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {schemas} AND EXISTS (SELECT FROM pg_attribute a \
             JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             AND (c.relkind IN ('f', 'm') AND {} OR c.relkind = 'm' \
             AND (a.attstattarget >= 0 OR a.attstorage <> t.typstorage)))",
            has_options("a")
        ),
        format!(
            "SELECT 'clustering of ' || c.oid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indisclustered AND c.relkind = 'm' AND {schemas}"
        ),
        "SELECT 'absence of the schema public' WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public')"
            .to_owned(),
    ];
    queries.extend(members(scope));
    if scope.version >= 180_000 {
        queries.push(format!(
            "SELECT 'NO INHERIT of ' || i.type || ' ' || i.identity FROM pg_constraint k \
             JOIN pg_namespace n ON n.oid = k.connamespace CROSS JOIN LATERAL pg_identify_object({}, k.oid, 0) i \
             WHERE k.contype = 'n' AND k.connoinherit AND {schemas}",
            class::CONSTRAINT
        ));
    }
    queries
}

/// Privileges on members of extensions that are no longer what the extension gave.
fn members(scope: &Scope) -> Vec<String> {
    let catalogs = [
        (class::CLASS, "pg_class", "relacl"),
        (class::PROC, "pg_proc", "proacl"),
        (class::TYPE, "pg_type", "typacl"),
    ];
    let query = |(class, catalog, acl): (i64, &str, &str)| {
        format!(
            "SELECT {} FROM {catalog} o JOIN pg_depend e ON e.classid = {class} AND e.objid = o.oid AND e.deptype = 'e' \
             LEFT JOIN pg_init_privs p ON p.classoid = {class} AND p.objoid = o.oid AND p.objsubid = 0 \
             WHERE {} AND o.oid >= {FIRST_OWN} AND o.{acl} IS DISTINCT FROM p.initprivs",
            words(class, "o.oid", "'changed privileges on an extension''s '"),
            scope.globals
        )
    };
    catalogs.map(query).into()
}

//! What the role may do, and whether row-level security means anything to it.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Check, Context, Finding, count, some_of};
use crate::quote::ident;

pub(super) const CREATE: Check = Check {
    name: "privileges",
    sql: |_| {
        "SELECT current_user::text AS usename, current_schema()::text AS schema, \
         coalesce(has_schema_privilege(current_schema()::name::text, 'CREATE'), false) AS may_create, \
         current_setting('search_path') AS path"
            .to_owned()
    },
    read: create,
};

/// From PostgreSQL 15 on, only the database's owner may create in `public`.
fn create(rows: &[PgRow], _: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let user: String = row.try_get("usename")?;
    let schema: Option<String> = row.try_get("schema")?;
    let Some(schema) = schema else {
        let path: String = row.try_get("path")?;
        let what = format!(
            "no schema of the role {user}'s search path ({path}) exists, so CREATE TABLE has no place"
        );
        return Ok(vec![
            Finding::error(CREATE.name, what).help("CREATE SCHEMA ..., or ALTER ROLE ... SET search_path"),
        ]);
    };
    Ok(vec![if row.try_get("may_create")? {
        Finding::fine(CREATE.name, format!("the role {user} may create tables in {schema}"))
    } else {
        let grant = format!("GRANT CREATE ON SCHEMA {} TO {}", ident(&schema), ident(&user));
        let what = format!(
            "the role {user} may not create tables in the schema {schema}, where its search path leads"
        );
        Finding::warning(CREATE.name, what)
            .help(format!("{grant}; or migrate as another role, with LIMBECK_URL or `role`"))
    }])
}

pub(super) const ROW_SECURITY: Check = Check {
    name: "row-security",
    sql: |_| {
        "SELECT current_user::text AS usename, r.rolsuper OR r.rolbypassrls AS bypasses, \
         array(SELECT c.oid::regclass::text FROM pg_catalog.pg_class c WHERE c.relrowsecurity ORDER BY 1) AS tables, \
         array(SELECT c.oid::regclass::text FROM pg_catalog.pg_class c WHERE c.relrowsecurity \
         AND NOT c.relforcerowsecurity AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1) AS owned \
         FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"
            .to_owned()
    },
    read: row_security,
};

fn row_security(rows: &[PgRow], context: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let user: String = row.try_get("usename")?;
    let tables: Vec<String> = row.try_get("tables")?;
    let owned: Vec<String> = row.try_get("owned")?;
    let bypasses: bool = row.try_get("bypasses")?;
    if tables.is_empty() {
        return Ok(vec![Finding::fine(ROW_SECURITY.name, "no table has row-level security")]);
    }
    let rely = count(tables.len(), "table");
    let way_out = format!(
        "let the service connect as a role that is no superuser, has no BYPASSRLS and owns no table (`CREATE ROLE \
         app LOGIN`), and give limbeck the credentials of {user} in LIMBECK_URL"
    );
    let what = if bypasses {
        format!(
            "the role {user} bypasses row-level security (superuser or BYPASSRLS), which protects {rely}: {}",
            some_of(&tables, tables.len())
        )
    } else if owned.is_empty() {
        return Ok(vec![Finding::fine(
            ROW_SECURITY.name,
            format!("{rely}, and the role {user} is subject to all"),
        )]);
    } else {
        format!(
            "the role {user} owns {}, and so their row-level security does not apply to it",
            some_of(&owned, owned.len())
        )
    };
    Ok(vec![if context.patient.only_migrates() {
        Finding::fine(ROW_SECURITY.name, format!("{rely}; the role {user} bypasses it, and only migrates"))
    } else if context.patient.is_local() {
        Finding::note(ROW_SECURITY.name, format!("{what}; test policies with SET ROLE"))
    } else if bypasses {
        Finding::warning(ROW_SECURITY.name, what).help(way_out)
    } else {
        let force =
            format!("ALTER TABLE {} FORCE ROW LEVEL SECURITY", owned.first().map_or("...", String::as_str));
        Finding::warning(ROW_SECURITY.name, what).help(format!("{force}, and so on; or {way_out}"))
    }])
}

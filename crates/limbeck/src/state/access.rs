//! What the role may do with limbeck's own tables: asked beforehand, so that a refusal names the table and
//! the grant that is missing instead of a schema's name in PostgreSQL's words.

use limbeck_core::{Code, Problem};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::version_table::VersionTable;
use crate::quote::ident;

/// The columns of [`Access`], in a query where `c` is the version table, `v` its schema, `j` the journal and
/// `s` its schema; each of them may be missing.
pub(crate) const COLUMNS: &str = "current_user::text AS usename, current_database()::text AS database, \
     v.oid IS NOT NULL AS has_versions_schema, s.oid IS NOT NULL AS has_journal_schema, \
     coalesce(has_schema_privilege(v.oid, 'CREATE'), true) AS may_create_versions, \
     coalesce(has_schema_privilege(s.oid, 'CREATE'), has_database_privilege(current_database(), 'CREATE')) \
     AS may_create_journal, \
     coalesce(has_table_privilege(c.oid, 'SELECT'), true) AS may_read_versions, \
     j.oid IS NULL OR has_schema_privilege(s.oid, 'USAGE') AND has_table_privilege(j.oid, 'SELECT') \
     AS may_read_journal, coalesce(pg_has_role(j.relowner, 'USAGE'), true) AS may_alter_journal, \
     coalesce(pg_get_userbyid(j.relowner)::text, '') AS journal_owner";

/// The role's rights.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) has_journal_schema: bool,
    has_versions_schema: bool,
    user: String,
    database: String,
    may_create_versions: bool,
    may_create_journal: bool,
    may_read_versions: bool,
    may_read_journal: bool,
    may_alter_journal: bool,
    journal_owner: String,
}

impl Access {
    pub(crate) fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            has_versions_schema: row.try_get("has_versions_schema")?,
            has_journal_schema: row.try_get("has_journal_schema")?,
            user: row.try_get("usename")?,
            database: row.try_get("database")?,
            may_create_versions: row.try_get("may_create_versions")?,
            may_create_journal: row.try_get("may_create_journal")?,
            may_read_versions: row.try_get("may_read_versions")?,
            may_read_journal: row.try_get("may_read_journal")?,
            may_alter_journal: row.try_get("may_alter_journal")?,
            journal_owner: row.try_get("journal_owner")?,
        })
    }

    /// What limbeck has in the database may be read.
    pub(crate) fn check_reading(&self, versions: &VersionTable, journal_schema: &str) -> Result<(), Problem> {
        let user = ident(&self.user);
        if !self.may_read_versions {
            let table = versions.quoted();
            return Err(self
                .may_not(&format!("read the version table {}", versions.key()))
                .help(format!("GRANT SELECT ON {table} TO {user}")));
        }
        if !self.may_read_journal {
            let schema = ident(journal_schema);
            return Err(self.may_not(&format!("read limbeck's journal {journal_schema}.journal")).help(
                format!(
                    "GRANT USAGE ON SCHEMA {schema} TO {user}; GRANT SELECT ON {schema}.journal TO {user}"
                ),
            ));
        }
        Ok(())
    }

    /// The version table, which is missing, may be created.
    pub(crate) fn check_creating_versions(&self, versions: &VersionTable) -> Result<(), Problem> {
        let (schema, user) = (ident(&versions.schema), ident(&self.user));
        if !self.has_versions_schema {
            let message = format!("there is no schema `{}` for the version table", versions.schema);
            return Err(Problem::new(Code::DatabaseState, message)
                .note("nothing was changed")
                .help(format!("CREATE SCHEMA {schema}, or correct `version_table_schema` in limbeck.toml")));
        }
        if self.may_create_versions {
            return Ok(());
        }
        Err(self.may_not(&format!("create the version table {}", versions.key())).help(format!(
            "GRANT CREATE ON SCHEMA {schema} TO {user}; or name another schema with `version_table_schema` in \
             limbeck.toml; or migrate as another role: `role` in limbeck.toml, or credentials in LIMBECK_URL"
        )))
    }

    /// The journal, which is missing, may be created, with its schema.
    pub(crate) fn check_creating_journal(&self, schema: &str) -> Result<(), Problem> {
        if self.may_create_journal {
            return Ok(());
        }
        let (name, schema) = (schema, ident(schema));
        let (user, database) = (ident(&self.user), ident(&self.database));
        let otherwise =
            "or name a schema where the role may create tables with `journal_schema` in limbeck.toml";
        Err(match self.has_journal_schema {
            true => self
                .may_not(&format!("create limbeck's journal in the schema {name}"))
                .help(format!("GRANT CREATE, USAGE ON SCHEMA {schema} TO {user}; {otherwise}")),
            false => self.may_not(&format!("create the schema {name}, where limbeck keeps its journal")).help(
                format!(
                    "CREATE SCHEMA {schema} AUTHORIZATION {user}, once, as an administrator; or GRANT CREATE ON \
                     DATABASE {database} TO {user}; {otherwise}"
                ),
            ),
        })
    }

    /// The journal, which an older limbeck made, may get the columns that it lacks.
    pub(crate) fn check_widening_journal(&self, schema: &str) -> Result<(), Problem> {
        if self.may_alter_journal {
            return Ok(());
        }
        let (user, owner) = (ident(&self.user), ident(&self.journal_owner));
        let table = format!("{}.journal", ident(schema));
        Err(self
            .may_not(&format!("add the columns that {schema}.journal, which an older limbeck made, lacks"))
            .help(format!(
                "`limbeck ensure_version` as its owner {owner}, once; or ALTER TABLE {table} OWNER TO {user}"
            )))
    }

    fn may_not(&self, what: &str) -> Problem {
        Problem::new(Code::Permission, format!("the role `{}` may not {what}", self.user))
            .note("nothing was changed")
    }
}

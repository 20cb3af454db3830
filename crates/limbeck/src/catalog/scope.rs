//! What the queries have in common: the server's version, and which objects are looked at.

use super::Filter;
use crate::quote::{literal, text_array};

/// For the texts of the queries.
pub(super) struct Scope {
    /// `server_version_num`.
    pub(super) version: u32,
    /// A condition on `n`, an object's row of `pg_namespace`.
    pub(super) schemas: String,
    /// A condition on what lives in no schema: `true` or `false`.
    pub(super) globals: &'static str,
    /// The name of the role that migrates.
    pub(super) migrator: String,
}

impl Scope {
    pub(super) fn new(version: u32, filter: &Filter) -> Self {
        let list = |names: &std::collections::BTreeSet<String>| text_array(names.iter().map(String::as_str));
        let mut schemas = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'".to_owned();
        if !filter.without_schemas.is_empty() {
            schemas.push_str(&format!(" AND n.nspname <> ALL ({})", list(&filter.without_schemas)));
        }
        if let Some(only) = &filter.only {
            schemas.push_str(&format!(" AND n.nspname = ANY ({})", list(only)));
        }
        let globals = if filter.only.is_some() { "false" } else { "true" };
        Self { version, schemas, globals, migrator: migrator(filter) }
    }

    /// A text where the server is at least of this major version, else another one.
    pub(super) fn since<'a>(&self, major: u32, then: &'a str, otherwise: &'a str) -> &'a str {
        if self.version >= major * 10_000 { then } else { otherwise }
    }
}

/// The name of the role that migrates: the version table's owner, or, where there is none, the session's role.
pub(super) fn migrator(filter: &Filter) -> String {
    let Some(table) = &filter.version_table else { return "current_user".to_owned() };
    format!(
        "coalesce((SELECT pg_get_userbyid(vc.relowner) FROM pg_class vc JOIN pg_namespace vn ON vn.oid = vc.relnamespace \
         WHERE vn.nspname = {} AND vc.relname = {}), current_user)",
        literal(&table.schema),
        literal(&table.name)
    )
}

/// Neither made by an extension nor by PostgreSQL for another object, as constructors of range types are.
pub(super) fn stands_alone(class: i64, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = {class} AND e.objid = {oid} AND e.deptype IN ('e', 'i'))"
    )
}

/// Not made by an extension.
pub(super) fn no_member(class: i64, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = {class} AND e.objid = {oid} AND e.deptype = 'e')"
    )
}

/// The first oid of what is not PostgreSQL's own (`FirstNormalObjectId`).
pub(super) const FIRST_OWN: i64 = 16_384;

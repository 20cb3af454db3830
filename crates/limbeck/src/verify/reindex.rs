//! REINDEX ... CONCURRENTLY: builds a copy `..._ccnew` beside each index, and gives it the index's name, whose old self
//! becomes `..._ccold` until it is dropped. Left in the middle, either copy stays, invalid, and may be dropped (manual,
//! "Rebuilding Indexes Concurrently").

use limbeck_core::sql::{ObjectName, ReindexScope};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Finding, Leads, Verifier, qualified, relation};
use crate::quote::literal;

/// What the statement says.
#[derive(Debug)]
pub(super) struct Reindex {
    pub(super) scope: ReindexScope,
    /// Without a name, all of the database.
    pub(super) name: Option<ObjectName>,
}

/// An index that REINDEX CONCURRENTLY may have left.
const LEFT: &str = "NOT i.indisvalid AND r.relname ~ '_cc(new|old)[0-9]*$'";

impl Reindex {
    /// A query of the tables (`oid`) whose indexes are rebuilt, without their TOAST tables.
    fn tables(&self) -> String {
        let parts =
            |oid: &str| format!("SELECT {oid} AS oid UNION SELECT relid::oid FROM pg_partition_tree({oid})");
        match (self.scope, &self.name) {
            (ReindexScope::Index, Some(name)) => format!(
                "SELECT i.indrelid AS oid FROM pg_catalog.pg_index i JOIN ({}) part ON part.oid = i.indexrelid",
                parts(&relation(name))
            ),
            (ReindexScope::Table, Some(name)) => parts(&relation(name)),
            (ReindexScope::Schema, Some(name)) => format!(
                "SELECT r.oid FROM pg_catalog.pg_class r WHERE r.relkind IN ('r', 'm') \
                 AND r.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {})",
                literal(&name.name)
            ),
            _ => "SELECT r.oid FROM pg_catalog.pg_class r WHERE r.relkind IN ('r', 'm') AND r.oid >= 16384"
                .to_owned(),
        }
    }

    /// Which of their indexes are rebuilt.
    fn chosen(&self) -> String {
        match (self.scope, &self.name) {
            (ReindexScope::Index, Some(name)) => {
                let oid = relation(name);
                format!(
                    "(i.indexrelid = {oid} OR i.indexrelid IN (SELECT relid FROM pg_partition_tree({oid})))"
                )
            }
            _ => "true".to_owned(),
        }
    }
}

impl Verifier for Reindex {
    /// The tables; the valid indexes, each of which is replaced by another; and what other runs have left.
    fn before(&self) -> String {
        format!(
            "(WITH main AS ({tables}), tables AS (SELECT oid FROM main UNION SELECT r.reltoastrelid \
             FROM pg_catalog.pg_class r JOIN main ON main.oid = r.oid WHERE r.reltoastrelid <> 0) \
             SELECT jsonb_build_object('tables', (SELECT coalesce(jsonb_agg(oid ORDER BY oid), '[]') FROM tables), \
             'indexes', coalesce(jsonb_agg(i.indexrelid ORDER BY i.indexrelid) FILTER (WHERE i.indisvalid \
             AND r.relkind = 'i' AND {chosen}), '[]'), \
             'left', coalesce(jsonb_agg(i.indexrelid ORDER BY i.indexrelid) FILTER (WHERE {LEFT}), '[]')) \
             FROM pg_catalog.pg_index i JOIN tables ON tables.oid = i.indrelid \
             JOIN pg_catalog.pg_class r ON r.oid = i.indexrelid)",
            tables = self.tables(),
            chosen = self.chosen(),
        )
    }

    fn question(&self, noted: &str) -> String {
        format!(
            "WITH noted AS (SELECT {noted} AS c), copy AS (SELECT i.indexrelid AS oid, {name} AS name \
             FROM noted JOIN pg_catalog.pg_index i ON noted.c->'tables' ? i.indrelid::text \
             JOIN pg_catalog.pg_class r ON r.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
             WHERE {LEFT} AND NOT noted.c->'left' ? r.oid::text) \
             SELECT jsonb_array_length(noted.c->'indexes') AS before, (SELECT count(*)::int4 FROM pg_catalog.pg_index i \
             WHERE noted.c->'indexes' ? i.indexrelid::text AND i.indexrelid NOT IN (SELECT oid FROM copy)) AS same, \
             copy.name FROM noted LEFT JOIN copy ON true ORDER BY copy.name",
            name = qualified("n", "r"),
        )
    }

    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        let Some(row) = rows.first() else { return Ok(Finding::Unknown) };
        let left: Vec<Option<String>> =
            rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?;
        let left: Vec<String> = left.into_iter().flatten().collect();
        if !left.is_empty() {
            let drop = left.iter().map(|name| format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"));
            return Ok(Finding::Half {
                found: format!("copies of indexes were left invalid: {}", left.join(", ")),
                mend: drop.collect(),
                leads: Leads::Back,
            });
        }
        let (before, same): (i32, i32) = (row.try_get("before")?, row.try_get("same")?);
        Ok(match before {
            1.. if same == 0 => Finding::Done { found: "every index was replaced by a new one".to_owned() },
            _ => Finding::NotDone { found: format!("{same} of {before} indexes are still the old ones") },
        })
    }
}

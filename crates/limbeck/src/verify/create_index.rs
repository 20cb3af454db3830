//! CREATE INDEX CONCURRENTLY: two waits in three transactions. Left in the middle, or refused after the first one, it
//! leaves an invalid index, over which IF NOT EXISTS skips (manual, "Building Indexes Concurrently").

use limbeck_core::sql::{Existing, ObjectName};
use limbeck_core::{Code, Problem};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Finding, Leads, Verifier, qualified, relation};
use crate::quote::literal;

/// The table that stands for the statement's own while PostgreSQL prints what the definition means.
const MODEL: &str = "pg_temp.limbeck_model";

/// What the statement says.
#[derive(Debug)]
pub(super) struct CreateIndex {
    /// The index; without a name it is known by its definition.
    pub(super) index: Option<String>,
    pub(super) table: ObjectName,
    pub(super) existing: Existing,
    pub(super) unique: bool,
    pub(super) definition: String,
}

impl Verifier for CreateIndex {
    /// The table, the relation that has the index's name already, and all of the table's indexes.
    fn before(&self) -> String {
        let name = crate::quote::literal_or_null(self.index.as_deref());
        format!(
            "(SELECT jsonb_build_object('table', t.oid, 'taken', (SELECT r.oid FROM pg_catalog.pg_class r, \
             pg_catalog.pg_class b WHERE b.oid = t.oid AND r.relnamespace = b.relnamespace AND r.relname = {name}), \
             'indexes', (SELECT coalesce(jsonb_agg(indexrelid ORDER BY indexrelid), '[]') FROM pg_catalog.pg_index \
             WHERE indrelid = t.oid)) FROM (SELECT {} AS oid) t)",
            relation(&self.table)
        )
    }

    fn question(&self, noted: &str) -> String {
        // REINDEX CONCURRENTLY has copies of its own at work, which are named so.
        let (chosen, older) = match &self.index {
            Some(index) => (
                format!("r.relname = {}", literal(index)),
                "coalesce(r.oid = (noted.c->>'taken')::oid, false)",
            ),
            None => (
                "i.indrelid = b.oid AND NOT noted.c->'indexes' ? r.oid::text AND r.relname !~ '_cc(new|old)[0-9]*$'"
                    .to_owned(),
                "false",
            ),
        };
        // What the definition means is what PostgreSQL prints after the table's name.
        let means = |index: &str| {
            format!(
                "({index}.indisunique, substr(pg_get_indexdef({index}.indexrelid), \
                 strpos(pg_get_indexdef({index}.indexrelid), ' USING ')))"
            )
        };
        format!(
            "SELECT {name} AS name, {table} AS table_name, {older} AS older, \
             i.indrelid IS NOT DISTINCT FROM b.oid AS on_table, \
             coalesce(i.indisvalid AND i.indisready AND i.indislive, false) AS valid, \
             (SELECT {model} = {own} FROM pg_catalog.pg_index m WHERE m.indrelid = to_regclass('{MODEL}')) AS same, \
             (SELECT min(p.pid) FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = r.oid) AS builder \
             FROM (SELECT {noted} AS c) noted JOIN pg_catalog.pg_class b ON b.oid = (noted.c->>'table')::oid \
             JOIN pg_catalog.pg_class r ON r.relnamespace = b.relnamespace \
             JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
             LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid WHERE {chosen} ORDER BY r.oid",
            name = qualified("n", "r"),
            table = qualified("n", "b"),
            model = means("m"),
            own = means("i"),
        )
    }

    /// An empty table like the statement's, with the index that it describes.
    fn model(&self) -> Vec<String> {
        let unique = if self.unique { "UNIQUE " } else { "" };
        vec![
            format!("CREATE TEMPORARY TABLE limbeck_model (LIKE {})", self.table),
            format!("CREATE {unique}INDEX ON {MODEL} {}", self.definition),
        ]
    }

    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        let found: Vec<Found> = rows.iter().map(Found::read).collect::<Result<_, _>>()?;
        Ok(match &self.index {
            Some(_) => found.first().map_or_else(nothing, |found| self.named(found)),
            None => unnamed(&found),
        })
    }

    fn doubts_success(&self) -> bool {
        self.existing == Existing::IsKept
    }
}

/// A relation that may be the statement's index.
struct Found {
    name: String,
    table: String,
    /// Whether it was there before the statement.
    older: bool,
    on_table: bool,
    valid: bool,
    /// Whether it is what the statement describes, where that can be told.
    same: Option<bool>,
    /// The session that builds it at this moment.
    builder: Option<i32>,
}

impl Found {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            table: row.try_get("table_name")?,
            older: row.try_get("older")?,
            on_table: row.try_get("on_table")?,
            valid: row.try_get("valid")?,
            same: row.try_get("same")?,
            builder: row.try_get("builder")?,
        })
    }

    fn is_valid(&self) -> Finding {
        Finding::Done { found: format!("the index {} is there and valid", self.name) }
    }

    fn is_left(&self) -> Finding {
        let Self { name, .. } = self;
        Finding::Half {
            found: format!("the index {name} was left invalid"),
            mend: vec![format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")],
            leads: Leads::Back,
        }
    }

    fn is_being_built(&self, pid: i32) -> Finding {
        let message = format!("session {pid} is building the index {} at this moment", self.name);
        Finding::Foreign(in_the_way(message).help("run the command again when it has ended"))
    }

    fn is_no_index(&self) -> Finding {
        let message = format!("{} is there already, and is no index of {}", self.name, self.table);
        Finding::Foreign(in_the_way(message).help("choose another name for the index, or rename what has it"))
    }

    fn is_another(&self) -> Finding {
        let Self { name, .. } = self;
        let message = format!("the index {name} is there already, and is not what this statement describes");
        Finding::Foreign(in_the_way(message).help(format!(
            "`\\d {name}` shows it; choose another name for the new index, or `DROP INDEX CONCURRENTLY {name}`, then \
             run the command again"
        )))
    }

    fn is_invalid_and_older(&self) -> Finding {
        let Self { name, .. } = self;
        let message = format!("the index {name} is there already, and is invalid");
        Finding::Foreign(
            in_the_way(message)
                .note("it was there before this statement, so limbeck does not touch it")
                .help(format!("`DROP INDEX CONCURRENTLY {name}`, then run the command again")),
        )
    }
}

impl CreateIndex {
    /// What has the index's name.
    fn named(&self, found: &Found) -> Finding {
        match found {
            Found { on_table: false, .. } => found.is_no_index(),
            Found { valid: false, builder: Some(pid), .. } => found.is_being_built(*pid),
            Found { same: Some(false), .. } => found.is_another(),
            Found { older: true, valid: false, .. } => found.is_invalid_and_older(),
            Found { older: true, .. } if self.existing == Existing::Fails => {
                Finding::NotDone { found: format!("the index {} was there before the statement", found.name) }
            }
            Found { valid: true, .. } => found.is_valid(),
            Found { valid: false, .. } => found.is_left(),
        }
    }
}

/// Which of the table's new indexes is the one that PostgreSQL was to name.
fn unnamed(found: &[Found]) -> Finding {
    if found.iter().any(|found| found.same.is_none()) {
        return Finding::Unknown;
    }
    let mut same: Vec<&Found> = found.iter().filter(|found| found.same == Some(true)).collect();
    same.sort_by_key(|found| !found.valid);
    match same.first() {
        None => nothing(),
        Some(Found { valid: false, builder: Some(pid), .. }) => same[0].is_being_built(*pid),
        Some(found) if found.valid => found.is_valid(),
        Some(found) => found.is_left(),
    }
}

fn nothing() -> Finding {
    Finding::NotDone { found: "the index is not there".to_owned() }
}

fn in_the_way(message: String) -> Problem {
    Problem::new(Code::InTheWay, message)
}

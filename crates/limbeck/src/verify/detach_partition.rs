//! ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY (from PostgreSQL 14 on): two transactions. Left between them, the
//! partition is "pending detach", and only FINALIZE leads on. FINALIZE itself is done or not.

use limbeck_core::sql::ObjectName;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Finding, Leads, Verifier, qualified, relation};

/// What the statement says; both forms ask the same.
#[derive(Debug)]
pub(super) struct Detach {
    pub(super) table: ObjectName,
    pub(super) partition: ObjectName,
}

/// Whether an entry of pg_inherits is pending. PostgreSQL 13 has no such column, and must still read the query.
const PENDING: &str = "coalesce((to_jsonb(i)->>'inhdetachpending')::bool, false)";

impl Verifier for Detach {
    /// Both tables, and how they stood; `pending` is null where they were not attached.
    fn before(&self) -> String {
        format!(
            "(SELECT jsonb_build_object('table', t.oid, 'partition', p.oid, 'pending', (SELECT {PENDING} \
             FROM pg_catalog.pg_inherits i WHERE i.inhparent = t.oid AND i.inhrelid = p.oid)) \
             FROM (SELECT {} AS oid) t, (SELECT {} AS oid) p)",
            relation(&self.table),
            relation(&self.partition)
        )
    }

    fn question(&self, noted: &str) -> String {
        format!(
            "SELECT (noted.c->>'pending')::bool AS was_pending, i.inhrelid IS NOT NULL AS attached, {PENDING} AS pending, \
             {parent} AS parent, {partition} AS partition FROM (SELECT {noted} AS c) noted \
             LEFT JOIN pg_catalog.pg_inherits i ON i.inhparent = (noted.c->>'table')::oid \
             AND i.inhrelid = (noted.c->>'partition')::oid \
             LEFT JOIN pg_catalog.pg_class t ON t.oid = i.inhparent \
             LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace \
             LEFT JOIN pg_catalog.pg_class p ON p.oid = i.inhrelid \
             LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace",
            parent = named("tn", "t"),
            partition = named("pn", "p"),
        )
    }

    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        let Some(row) = rows.first() else { return Ok(Finding::Unknown) };
        let Some(was_pending) = row.try_get::<Option<bool>, _>("was_pending")? else {
            return Ok(Finding::NotDone { found: "it was not a partition before the statement".to_owned() });
        };
        if !row.try_get::<bool, _>("attached")? {
            return Ok(Finding::Done { found: "the partition is detached".to_owned() });
        }
        let (parent, partition): (String, String) = (row.try_get("parent")?, row.try_get("partition")?);
        Ok(match row.try_get("pending")? {
            true if !was_pending => Finding::Half {
                found: format!("the partition {partition} is pending detach"),
                mend: vec![format!("ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE")],
                leads: Leads::On,
            },
            true => Finding::NotDone {
                found: format!("the partition {partition} was pending detach before the statement, and is"),
            },
            false => Finding::NotDone { found: format!("the partition {partition} is attached") },
        })
    }
}

/// A relation's name, or NULL where there is none.
fn named(namespace: &str, class: &str) -> String {
    format!("CASE WHEN {class}.oid IS NOT NULL THEN {} END", qualified(namespace, class))
}

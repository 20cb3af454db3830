//! What interrupted or forgotten work leaves behind in a database.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Check, Finding, duration};

pub(super) const INDEXES: Check = Check {
    name: "invalid-indexes",
    sql: |_| {
        "SELECT i.indexrelid::regclass::text AS index, i.indrelid::regclass::text AS \"table\", \
         c.relname ~ '_cc(new|old)[0-9]*$' AS is_leftover, c.relkind = 'I' AS is_partitioned, \
         p.pid IS NOT NULL AS is_being_built FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.index_relid = i.indexrelid \
         WHERE NOT i.indisvalid ORDER BY 1"
            .to_owned()
    },
    read: |rows, _| all(INDEXES.name, rows, index, "none"),
};

fn index(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let (index, table): (String, String) = (row.try_get("index")?, row.try_get("table")?);
    let check = INDEXES.name;
    if row.try_get("is_being_built")? {
        return Ok(Finding::note(check, format!("{index} on {table} is being built at this moment")));
    }
    let what = format!("{index} on {table}: queries do not use it, and every write pays for it");
    Ok(if row.try_get("is_partitioned")? {
        let what = format!("{index} on {table} lacks the index of at least one partition");
        Finding::warning(check, what)
            .help(format!("ALTER INDEX {index} ATTACH PARTITION ..., for each that is missing"))
    } else if row.try_get("is_leftover")? {
        Finding::warning(check, format!("{what}; REINDEX CONCURRENTLY was interrupted and left it"))
            .help(format!("DROP INDEX CONCURRENTLY {index}"))
    } else {
        Finding::warning(check, what)
            .help(format!("REINDEX INDEX CONCURRENTLY {index}; or DROP INDEX CONCURRENTLY {index}"))
    })
}

/// `conenforced` came with PostgreSQL 18; what is not enforced is never validated, and is meant so.
pub(super) const CONSTRAINTS: Check = Check {
    name: "constraints",
    sql: |_| {
        "SELECT quote_ident(c.conname) AS name, c.conrelid::regclass::text AS \"table\" \
         FROM pg_catalog.pg_constraint c WHERE NOT c.convalidated AND c.conrelid <> 0 AND c.conparentid = 0 \
         AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) ORDER BY 2, 1"
            .to_owned()
    },
    read: |rows, _| all(CONSTRAINTS.name, rows, constraint, "all are validated"),
};

fn constraint(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let (name, table): (String, String) = (row.try_get("name")?, row.try_get("table")?);
    Ok(Finding::warning(CONSTRAINTS.name, format!("{name} of {table} is NOT VALID: older rows may break it"))
        .help(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")))
}

/// `inhdetachpending` came with PostgreSQL 14, as did DETACH PARTITION CONCURRENTLY.
pub(super) const PARTITIONS: Check = Check {
    name: "partitions",
    sql: |_| {
        "SELECT i.inhparent::regclass::text AS \"table\", i.inhrelid::regclass::text AS partition \
         FROM pg_catalog.pg_inherits i WHERE coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false) ORDER BY 2"
            .to_owned()
    },
    read: |rows, _| all(PARTITIONS.name, rows, partition, "none is half detached"),
};

fn partition(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let (table, partition): (String, String) = (row.try_get("table")?, row.try_get("partition")?);
    let what =
        format!("{partition} is half detached from {table}: DETACH PARTITION CONCURRENTLY was interrupted");
    Ok(Finding::warning(PARTITIONS.name, what)
        .help(format!("ALTER TABLE {table} DETACH PARTITION {partition} FINALIZE")))
}

pub(super) const PREPARED: Check = Check {
    name: "prepared-transactions",
    sql: |_| {
        "SELECT quote_literal(gid) AS gid, owner::text AS owner, \
         greatest(extract(epoch FROM clock_timestamp() - prepared), 0)::int8 AS age \
         FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() ORDER BY prepared"
            .to_owned()
    },
    read: |rows, _| all(PREPARED.name, rows, prepared, "none"),
};

fn prepared(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let (gid, owner): (String, String) = (row.try_get("gid")?, row.try_get("owner")?);
    let what = format!(
        "{gid} of {owner} is {} old; its locks stay, and CREATE INDEX CONCURRENTLY waits for it",
        duration(row.try_get("age")?)
    );
    Ok(Finding::warning(PREPARED.name, what)
        .help(format!("ROLLBACK PREPARED {gid}, or COMMIT PREPARED {gid}, as {owner} or a superuser")))
}

/// One finding per row, or one that says there is none.
fn all(
    check: &'static str,
    rows: &[PgRow],
    finding: fn(&PgRow) -> Result<Finding, sqlx::Error>,
    none: &str,
) -> Result<Vec<Finding>, sqlx::Error> {
    let findings: Vec<Finding> = rows.iter().map(finding).collect::<Result<_, _>>()?;
    Ok(if findings.is_empty() { vec![Finding::fine(check, none)] } else { findings })
}

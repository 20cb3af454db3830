//! What other sessions do at this moment that a run would have to wait for. Their statements are not shown:
//! these may hold data.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Check, Context, Finding, count, duration, some_of};
use crate::state::lock;

/// A transaction that does nothing, and one that works, for longer than this are worth a word, in seconds.
const IDLE_LIMIT: i64 = 30;
const BUSY_LIMIT: i64 = 300;

pub(super) const MIGRATING: Check = Check {
    name: "migration",
    sql: |context| match &context.versions {
        Some(versions) => lock::holder_query(lock::key(versions)),
        None => "SELECT WHERE false".to_owned(),
    },
    read: |rows, _| {
        let Some(row) = rows.first() else {
            return Ok(vec![Finding::fine(MIGRATING.name, "none is running")]);
        };
        let who = lock::read_holder(row)?;
        let what =
            format!("one is running now: session {} ({}, user {})", who.pid, who.application, who.user);
        Ok(vec![
            Finding::note(MIGRATING.name, what)
                .help(format!("wait for it; if it hangs, SELECT pg_terminate_backend({})", who.pid)),
        ])
    },
};

pub(super) const TRANSACTIONS: Check = Check {
    name: "transactions",
    sql: |context| {
        // The session that migrates is told of by itself.
        let migrating = context.versions.as_ref().map_or_else(
            || "SELECT 0 AS pid WHERE false".to_owned(),
            |versions| lock::holder_query(lock::key(versions)),
        );
        format!(
            "SELECT hidden.count AS hidden, current_user::text AS usename, t.* FROM \
             (SELECT count(*) AS count FROM pg_catalog.pg_stat_activity WHERE datname = current_database() \
             AND query = '<insufficient privilege>') hidden LEFT JOIN \
             (SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.usename::text, '') AS other, \
             coalesce(a.state, '') LIKE 'idle in transaction%' AS is_idle, coalesce(l.is_strong, false) AS is_strong, \
             extract(epoch FROM clock_timestamp() - a.xact_start)::int8 AS age, \
             extract(epoch FROM clock_timestamp() - a.state_change)::int8 AS since, \
             coalesce(l.tables, '{{}}') AS tables FROM pg_catalog.pg_stat_activity a LEFT JOIN \
             (SELECT l.pid, array_agg(DISTINCT l.relation::regclass::text ORDER BY l.relation::regclass::text) AS tables, \
             bool_or(l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) AS is_strong \
             FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm') \
             WHERE l.locktype = 'relation' AND l.granted AND c.oid >= 16384 AND l.database = \
             (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) GROUP BY l.pid) l ON l.pid = a.pid \
             WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL \
             AND NOT EXISTS (SELECT FROM ({migrating}) m WHERE m.pid = a.pid)) t \
             ON t.is_strong OR t.is_idle AND t.since >= {IDLE_LIMIT} OR t.age >= {BUSY_LIMIT} ORDER BY t.age DESC"
        )
    },
    read: transactions,
};

fn transactions(rows: &[PgRow], _: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = Vec::new();
    for row in rows {
        if row.try_get::<Option<i32>, _>("pid")?.is_some() {
            findings.push(transaction(row)?);
        }
    }
    let hidden: i64 = rows.first().map(|row| row.try_get("hidden")).transpose()?.unwrap_or_default();
    if hidden > 0 {
        let user: String = rows[0].try_get("usename")?;
        let sessions = count(usize::try_from(hidden).unwrap_or_default(), "session");
        findings.push(
            Finding::note(TRANSACTIONS.name, format!("{sessions} of other roles cannot be looked into"))
                .help(format!("GRANT pg_read_all_stats TO {}", crate::quote::ident(&user))),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::fine(TRANSACTIONS.name, "none that a run would have to wait for"));
    }
    Ok(findings)
}

fn transaction(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let pid: i32 = row.try_get("pid")?;
    let (application, user): (String, String) = (row.try_get("application")?, row.try_get("other")?);
    let tables: Vec<String> = row.try_get("tables")?;
    let age = duration(row.try_get("age")?);
    let doing = match row.try_get("is_idle")? {
        true => format!("idle in a transaction that is {age} old"),
        false => format!("in a transaction that is {age} old"),
    };
    let holds = match (tables.is_empty(), row.try_get("is_strong")?) {
        (true, _) => "CREATE INDEX CONCURRENTLY would wait for it".to_owned(),
        (false, true) => format!("it has locked {}", some_of(&tables, tables.len())),
        (false, false) => format!("changes of {} would wait for it", some_of(&tables, tables.len())),
    };
    Ok(Finding::warning(
        TRANSACTIONS.name,
        format!("session {pid} ({application}, user {user}) is {doing}; {holds}"),
    )
    .help(format!("let it end, or SELECT pg_terminate_backend({pid})")))
}

pub(super) const WAITING: Check = Check {
    name: "waiting",
    sql: |_| {
        "SELECT a.pid, coalesce(a.application_name, '') AS application, pg_blocking_pids(a.pid)::text[] AS blockers \
         FROM pg_catalog.pg_stat_activity a WHERE a.datname = current_database() AND a.wait_event_type = 'Lock' \
         AND a.pid <> pg_backend_pid() ORDER BY a.pid"
            .to_owned()
    },
    read: waiting,
};

fn waiting(rows: &[PgRow], _: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = Vec::new();
    for row in rows {
        let (pid, application): (i32, String) = (row.try_get("pid")?, row.try_get("application")?);
        let blockers: Vec<String> = row.try_get("blockers")?;
        let what = format!(
            "session {pid} ({application}) waits for a lock of session {}",
            blockers.join(", session ")
        );
        findings.push(
            Finding::warning(WAITING.name, what)
                .help(format!("SELECT * FROM pg_stat_activity WHERE pid IN ({})", blockers.join(", "))),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::fine(WAITING.name, "no session waits for a lock"));
    }
    Ok(findings)
}

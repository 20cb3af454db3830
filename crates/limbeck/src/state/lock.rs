//! One migration at a time per database and version table: a session advisory lock on the connection
//! that executes.
//!
//! It is taken by polling `pg_try_advisory_lock`: a waiter inside `pg_advisory_lock` holds a snapshot,
//! which the holder's CREATE INDEX CONCURRENTLY would wait for, for ever.

use std::time::{Duration, Instant};

use limbeck_core::{Code, Problem};
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::pooling;
use super::session::Session;
use super::version_table::VersionTable;
use crate::connect::Connector;
use crate::error::Error;
use crate::event::{Event, Holder};
use crate::execute::cancel::Cancel;
use crate::execute::failure;

/// How often a waiter asks for the lock.
const POLL: Duration = Duration::from_millis(100);
/// How often it says whom it waits for.
const SAY: Duration = Duration::from_secs(5);

/// The lock's key: the first eight bytes, big-endian, of SHA-256 over `limbeck:lock:1:<schema>.<table>`.
/// Frozen: two releases of limbeck that derive different keys would not exclude each other.
pub(crate) fn key(table: &VersionTable) -> i64 {
    hashed(&format!("limbeck:lock:1:{}", table.key()))
}

/// A key for an advisory lock: the first eight bytes of the name's SHA-256.
pub(super) fn hashed(name: &str) -> i64 {
    let digest = Sha256::digest(name.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

/// Takes the lock, or says after `patience` who has it; then looks again at what whoever had it may have changed.
/// It is given free when the connection closes. A pooler, behind which it would guard nothing, is refused first.
pub(crate) async fn acquire(
    session: &mut Session<'_>,
    connector: Option<&dyn Connector>,
    patience: Duration,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<(), Error> {
    pooling::refuse(session, connector, cancel).await?;
    let key = key(&session.versions);
    let begin = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        if try_lock(session, key).await? {
            return session.look_again().await;
        }
        let holder = holder(session, key).await?;
        if begin.elapsed() >= patience {
            return Err(timed_out(patience, holder.as_ref()).into());
        }
        if said.is_none_or(|at| at.elapsed() >= SAY) {
            emit(Event::Waiting { holder: holder.as_ref(), waited: begin.elapsed() });
            said = Some(Instant::now());
        }
        cancel.sleep(POLL).await?;
    }
}

async fn try_lock(session: &mut Session<'_>, key: i64) -> Result<bool, Error> {
    let sets = session.query(&format!("SELECT pg_try_advisory_lock({key})")).await?;
    let row = sets.iter().flatten().next();
    row.map_or(Ok(false), |row| row.try_get(0)).map_err(|e| failure::database(&e).into())
}

/// Asks who holds the lock. `pg_locks` shows a 64-bit key in two halves.
pub(crate) async fn holder(session: &mut Session<'_>, key: i64) -> Result<Option<Holder>, Error> {
    let sets = session.query(&holder_query(key)).await?;
    let Some(row) = sets.iter().flatten().next() else { return Ok(None) };
    read_holder(row).map(Some).map_err(|e: sqlx::Error| failure::database(&e).into())
}

/// The question who holds a lock; [`read_holder`] reads the answer, of one row or none.
pub(crate) fn holder_query(key: i64) -> String {
    let bytes = key.to_be_bytes();
    let half = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    format!(
        "SELECT l.pid, coalesce(a.application_name, '') AS application, coalesce(a.usename::text, '') AS usename, \
         coalesce(host(a.client_addr), '') AS address FROM pg_catalog.pg_locks l \
         LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
         AND l.classid = {} AND l.objid = {} AND l.objsubid = 1",
        half(0),
        half(4)
    )
}

/// A row of [`holder_query`].
pub(crate) fn read_holder(row: &PgRow) -> Result<Holder, sqlx::Error> {
    Ok(Holder {
        pid: row.try_get("pid")?,
        application: row.try_get("application")?,
        user: row.try_get("usename")?,
        address: row.try_get("address")?,
    })
}

fn timed_out(patience: Duration, holder: Option<&Holder>) -> Problem {
    let who = holder.map_or_else(
        || "another session".to_owned(),
        |h| format!("session {} ({}, user {})", h.pid, h.application, h.user),
    );
    Problem::new(
        Code::LockTimeout,
        format!("{who} has held the migration lock of this database for more than {} s", patience.as_secs()),
    )
    .help("wait for it to end, allow more time with `--lock-wait`, or end it with `SELECT pg_terminate_backend(PID)`")
}

#[cfg(test)]
mod tests {
    use super::{VersionTable, key};

    /// The derivation is part of the protocol between releases.
    #[test]
    fn key_is_frozen() {
        let table = VersionTable { schema: "public".into(), name: "alembic_version".into() };
        assert_eq!(key(&table), FROZEN);
    }

    const FROZEN: i64 = 35_922_883_684_130_727;
}

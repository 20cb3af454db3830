//! A pooler that lends backends for a transaction or a statement (PgBouncer's `pool_mode = transaction`, say)
//! is noticed before anything is locked: behind one, a session's lock stays with a backend that others use by
//! then, and guards nothing.
//!
//! A server's backend belongs to one session for as long as that lasts, so two sessions that meet in the same
//! backend, or one whose backend changes, prove such a pooler. The opposite is no proof, but poolers lend what
//! was given back last (or, some, in turn), so that two idle sessions meet within a few questions.

use std::time::Duration;

use limbeck_core::{Code, Problem};
use sqlx::Connection as _;
use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::session::{Session, simple_query};
use crate::connect::Connector;
use crate::error::Error;
use crate::execute::cancel::{Cancel, cancelled};
use crate::execute::failure;

/// How often the two sessions take turns. The second one asks once more in every round: in step with a pooler
/// that lends its backends in turn, each session would see the same one every time.
const ROUNDS: usize = 3;

/// How long the second session may take to answer. Behind a pooler that lends whole sessions it may have to
/// wait for the first one's end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which backend answered. Its process id alone could come from two servers behind one list of hosts.
#[derive(Debug, PartialEq, Eq)]
struct Backend {
    pid: i32,
    /// When its server started.
    server: String,
    /// A server for one session alone (the embedded one): a second one would wait for the first one's end.
    is_standalone: bool,
}

/// Refuses a connection through a pooler that lends backends for less than a session.
///
/// Without a second connection (none is to be had, or there is no `connector`), only a backend that changes
/// under the first one is noticed.
///
/// # Errors
/// There is such a pooler, the connection fails, or the run is cancelled.
pub(crate) async fn refuse(
    session: &mut Session<'_>,
    connector: Option<&dyn Connector>,
    cancel: &Cancel,
) -> Result<(), Error> {
    tokio::select! {
        outcome = compare(session, connector) => outcome,
        () = cancel.requested() => Err(cancelled().into()),
    }
}

async fn compare(session: &mut Session<'_>, connector: Option<&dyn Connector>) -> Result<(), Error> {
    let own = backend(session.connection).await.map_err(|error| failure::database(&error))?;
    if own.pid != session.facts.backend_pid {
        return Err(shared().into());
    }
    if own.is_standalone {
        return Ok(());
    }
    let mut second = second(connector).await;
    for round in 0..ROUNDS {
        for _ in 0..=round {
            if meets(&mut second, &own).await {
                return Err(shared().into());
            }
        }
        if backend(session.connection).await.map_err(|error| failure::database(&error))? != own {
            return Err(shared().into());
        }
    }
    if let Some(connection) = second {
        // A failing good-bye changes nothing.
        let _ = tokio::time::timeout(PATIENCE, connection.close()).await;
    }
    Ok(())
}

/// A second connection, where one is to be had soon. A role may be allowed only one, and a server may be full:
/// neither says anything about a pooler.
async fn second(connector: Option<&dyn Connector>) -> Option<PgConnection> {
    let connect = connector?.connect(crate::APPLICATION);
    tokio::time::timeout(PATIENCE, connect).await.ok()?.ok()
}

/// Whether the second session is in the first one's backend. If it does not answer, it is given up.
async fn meets(second: &mut Option<PgConnection>, own: &Backend) -> bool {
    let Some(connection) = second else { return false };
    match tokio::time::timeout(PATIENCE, backend(connection)).await {
        Ok(Ok(found)) => found == *own,
        Ok(Err(_)) | Err(_) => {
            *second = None;
            false
        }
    }
}

async fn backend(connection: &mut PgConnection) -> Result<Backend, sqlx::Error> {
    // A role that was taken may not see what its session's user is doing: then the type is null.
    let sql = "SELECT pid, pg_catalog.pg_postmaster_start_time()::text AS server, \
               coalesce(backend_type = 'standalone backend', false) AS standalone \
               FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())";
    let sets = simple_query(connection, sql).await?;
    let row = sets.iter().flatten().next().ok_or(sqlx::Error::RowNotFound)?;
    Ok(Backend {
        pid: row.try_get("pid")?,
        server: row.try_get("server")?,
        is_standalone: row.try_get("standalone")?,
    })
}

/// What is said of such a pooler.
pub(crate) fn shared() -> Problem {
    Problem::new(
        Code::Pooler,
        "this connection goes through a pooler that shares backends between sessions (PgBouncer's \
         `pool_mode = transaction` or `statement`), so that a lock would not keep a second migration out",
    )
    .note("nothing was locked or changed")
    .help(
        "migrate over a direct connection: set LIMBECK_URL (or `--url`, or `url` in limbeck.toml) to \
         PostgreSQL's own host and port, mostly 5432, and leave DATABASE_URL for the service as it is; or use \
         a pool with `pool_mode = session`",
    )
}

//! The start-up sequence of a service: wait for the database, migrate, validate.

use std::time::Duration;

use limbeck_core::{Code, Problem};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::config::Ahead;
use crate::connect::Connector;
use crate::connect::{ConnectSpec, RetryPolicy, WaitError, wait_for_database};
use crate::error::Error;
use crate::migrator::{Control, Job, Migrator, Report};
use crate::validate;

/// What is asked of a start.
#[derive(Debug, Clone)]
pub struct Startup<'a> {
    /// How long to wait for the database.
    pub policy: RetryPolicy,
    /// Where to migrate to.
    pub target: &'a str,
    /// What to do about a database that is ahead.
    pub when_ahead: Ahead,
    /// Tables that must be there afterwards, each with its schema or found by the search path.
    pub required_tables: &'a [String],
}

/// What happens before and after the migration's own [`Event`](crate::Event)s.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stage<'a> {
    /// The database could not be reached this time.
    Attempt {
        /// Which attempt, from 1.
        number: u32,
        /// Of how many.
        of: u32,
        /// Why it failed.
        reason: &'a str,
        /// When the next one follows; `None` after the last.
        next_in: Option<Duration>,
    },
    /// The database answers.
    Connected,
}

/// A database that is ready, or nearly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What the migration did.
    pub report: Report,
    /// Required tables that are not there.
    pub missing_tables: Vec<String>,
}

/// Why a service must not start.
#[derive(Debug, Clone, PartialEq)]
pub enum NotReady {
    /// There is no database.
    NoDatabase(Error),
    /// The migration failed.
    Migration(Error),
}

/// Waits, migrates, validates: on one connection, which is closed at the end.
///
/// # Errors
/// [`NotReady`]. Tables that are missing are no error here: the caller decides.
pub async fn prepare(
    migrator: &Migrator,
    spec: &ConnectSpec,
    startup: &Startup<'_>,
    control: &mut Control<'_>,
    stage: &mut (dyn FnMut(Stage<'_>) + Send),
) -> Result<Ready, NotReady> {
    let waiting = wait_for_database(spec, crate::APPLICATION, startup.policy, |attempt| {
        stage(Stage::Attempt {
            number: attempt.number,
            of: attempt.of,
            reason: attempt.error.message(),
            next_in: attempt.next_in,
        });
    });
    let mut connection = tokio::select! {
        connection = waiting => connection.map_err(no_database)?,
        () = control.cancel.requested() => {
            return Err(NotReady::NoDatabase(crate::execute::cancel::cancelled().into()));
        }
    };
    stage(Stage::Connected);
    let outcome = on_connection(migrator, spec, startup, &mut connection, control).await;
    let _ = connection.close().await;
    outcome
}

async fn on_connection(
    migrator: &Migrator,
    connector: &dyn Connector,
    startup: &Startup<'_>,
    connection: &mut PgConnection,
    control: &mut Control<'_>,
) -> Result<Ready, NotReady> {
    let job = Job::Upgrade(startup.target);
    let report =
        migrator.run_on(connection, Some(connector), job, control).await.map_err(NotReady::Migration)?;
    if startup.when_ahead == Ahead::Refuse && !report.ahead.is_empty() {
        return Err(NotReady::Migration(refused(&report).into()));
    }
    let missing_tables =
        validate::missing_tables(connection, startup.required_tables).await.map_err(NotReady::Migration)?;
    Ok(Ready { report, missing_tables })
}

fn no_database(error: WaitError) -> NotReady {
    NotReady::NoDatabase(Problem::from(error).into())
}

fn refused(report: &Report) -> Problem {
    let rows: Vec<&str> = report.ahead.iter().map(AsRef::as_ref).collect();
    Problem::new(
        Code::Ahead,
        format!("the database is ahead of these revisions: {} comes from a newer release", rows.join(", ")),
    )
    .help("deploy the newer release, or allow it with `[start] ahead = \"continue\"` in limbeck.toml")
}

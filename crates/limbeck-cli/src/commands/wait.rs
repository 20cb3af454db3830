use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use limbeck::connect::{ConnectError, RetryPolicy, WaitError, process_env, wait_for_database};
use limbeck::connect::Connection;
use limbeck::{Migrator, Status};
use limbeck_core::revision::RevisionId;
use limbeck_core::{Code, Problem};

use crate::app::App;
use crate::database::Database;
use crate::exit::Failure;
use crate::output;

/// Wait for the database, or for another process's migration
///
/// DB_MAX_RETRIES (default 30) and DB_RETRY_INTERVAL (seconds, default 2) say how often and how far apart.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// What to wait for
    #[arg(long = "for", value_enum, default_value_t)]
    goal: Goal,
    /// Give up after this many seconds [default: what DB_MAX_RETRIES and DB_RETRY_INTERVAL amount to]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Goal {
    /// The database answers
    #[default]
    Database,
    /// None of this project's revisions is pending
    Heads,
}

impl Wait {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let policy = RetryPolicy::from_env(&process_env)?;
        let patience = self.timeout.map_or(policy.interval() * policy.attempts(), Duration::from_secs);
        let deadline = Instant::now() + patience;
        let migrator = match self.goal {
            Goal::Database => None,
            Goal::Heads => Some(app.migrator(|_| {})?),
        };
        tokio::select! {
            outcome = self.database(app, policy, deadline) => outcome?,
            () = app.cancelled() => return Err(cancelled()),
        }
        match migrator {
            None => Ok(()),
            Some(migrator) => heads(app, &migrator, policy.interval(), deadline).await,
        }
    }

    /// With `--timeout` the time counts, however long an attempt takes; without it the attempts do.
    async fn database(&self, app: &App, policy: RetryPolicy, deadline: Instant) -> Result<(), Failure> {
        let database = app.database().await?;
        let connection = match self.timeout {
            Some(seconds) => within(database, seconds, policy.interval(), deadline).await?,
            None => wait_for_database(database.spec(), "limbeck", policy, |attempt| {
                let (number, of, why) = (attempt.number, attempt.of, attempt.error.message());
                output::progress(&format!("attempt {number} of {of}: {why}"));
            })
            .await
            .map_err(Problem::from)?,
        };
        Database::disconnect(connection).await;
        Ok(())
    }
}

/// How long the first attempt may take, however little time was given: `--timeout 0` asks once.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);

async fn within(
    database: &Database,
    seconds: u64,
    interval: Duration,
    deadline: Instant,
) -> Result<Connection, Problem> {
    let once = RetryPolicy::new(1, interval);
    let mut last = None;
    let mut limit = deadline.saturating_duration_since(Instant::now()).max(FIRST_ATTEMPT);
    for number in 1.. {
        let attempt = wait_for_database(database.spec(), "limbeck", once, |_| {});
        match tokio::time::timeout(limit, attempt).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(WaitError::GaveUp { last: error, .. })) => {
                output::progress(&format!("attempt {number}: {}", error.message()));
                last = Some(error);
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => break,
        }
        if Instant::now() + interval >= deadline {
            break;
        }
        tokio::time::sleep(interval).await;
        limit = deadline.saturating_duration_since(Instant::now());
    }
    Err(no_answer(last, seconds))
}

fn no_answer(last: Option<ConnectError>, seconds: u64) -> Problem {
    let sentence = format!("Failed to connect to PostgreSQL within {seconds} s");
    let help = "wait longer with --timeout, or check the URL";
    match last.map(Problem::from) {
        None => Problem::new(Code::ConnectUnreachable, format!("{sentence}: no answer")).help(help),
        Some(last) => Problem::new(last.code(), format!("{sentence}: {}", last.message()))
            .help(last.help_text().unwrap_or(help)),
    }
}

fn cancelled() -> Failure {
    Problem::new(Code::Cancelled, "cancelled").into()
}

/// Asks until nothing is pending. A question that fails because the database restarts is asked again.
async fn heads(app: &App, migrator: &Migrator, interval: Duration, deadline: Instant) -> Result<(), Failure> {
    let mut said = String::new();
    loop {
        let status = app.status(migrator).await;
        let waiting_for = match &status {
            Ok(status) if status.is_ready() => return Ok(()),
            Ok(status) => waiting_for(status),
            Err(error) if may_heal(error.code()) => format!("{error}"),
            Err(_) => return status.map(drop).map_err(Failure::from),
        };
        if Instant::now() >= deadline {
            status?;
            return Err(Problem::new(Code::LockTimeout, "the database is not at this project's heads")
                .note(waiting_for)
                .help("run `limbeck upgrade head` somewhere, or wait longer with --timeout")
                .into());
        }
        if waiting_for != said {
            output::progress(&format!("waiting for the migration; {waiting_for}"));
            said = waiting_for;
        }
        tokio::select! {
            () = tokio::time::sleep(interval.min(Duration::from_secs(1))) => {}
            () = app.cancelled() => return Err(cancelled()),
        }
    }
}

fn waiting_for(status: &Status) -> String {
    let pending: Vec<&str> = status.pending().iter().map(RevisionId::as_str).collect();
    match status.running() {
        Some(running) if pending.is_empty() => format!("half done: {}", running.revision),
        _ => format!("pending: {}", pending.join(", ")),
    }
}

fn may_heal(code: Code) -> bool {
    matches!(
        code,
        Code::ConnectUnreachable
            | Code::ConnectBusy
            | Code::ConnectReadOnly
            | Code::ConnectionLost
            | Code::LockTimeout
    )
}

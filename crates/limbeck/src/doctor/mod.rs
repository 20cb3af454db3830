//! `limbeck doctor`: looks at everything that a run needs, and says what is wrong and what mends it.
//!
//! It changes nothing. Every check is a small function that answers with [`Finding`]s; those that ask the
//! catalog are entries of `CHECKS`, and all their questions go to the server as one message. Nothing here
//! takes a lock that another session could hold for long: no table but the version table and the journal is
//! read.

mod activity;
mod leftovers;
mod rights;
mod room;
mod server;
mod setup;
mod state;

use limbeck_core::Problem;
use sqlx::postgres::{PgConnection, PgRow};

use crate::config::Config;
use crate::connect::{ConnectSpec, Origin};
use crate::execute::failure;
use crate::migrator::Migrator;
use crate::state::session::simple_query;
use crate::state::version_table::VersionTable;

pub use setup::{configuration, database, other_database, revisions, unreachable};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Looked at, and as it should be.
    Fine,
    /// Worth knowing; nothing needs to be done.
    Note,
    /// Runs work, and somebody should look.
    Warning,
    /// A run or the service would fail.
    Error,
}

impl Severity {
    /// The word that reports show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at; a stable word that scripts may match on.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What there is, as a sentence.
    pub what: String,
    /// The command that mends it, or another way out.
    pub help: Option<String>,
}

impl Finding {
    fn new(check: &'static str, severity: Severity, what: impl Into<String>) -> Self {
        Self { check, severity, what: what.into(), help: None }
    }

    fn fine(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Severity::Fine, what)
    }

    fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Severity::Note, what)
    }

    fn warning(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, what)
    }

    fn error(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Severity::Error, what)
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A problem that any command would fail with.
    pub fn of_problem(check: &'static str, problem: &Problem) -> Self {
        let place = problem.place().map(|place| format!("{place}: ")).unwrap_or_default();
        let notes = problem.notes().iter().filter(|note| *note != "nothing was changed");
        let notes: String = notes.map(|note| format!("; {note}")).collect();
        let finding = Self::error(check, format!("{place}{}{notes}", problem.message()));
        Self { help: problem.help_text().map(str::to_owned), ..finding }
    }
}

/// Who is examined, as far as it could be found out.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// How the database is reached.
    pub spec: &'a ConnectSpec,
    /// The revisions, where they can be read.
    pub migrator: Option<&'a Migrator>,
}

impl Patient<'_> {
    /// Whether these credentials are for migrating only, and the service has others.
    fn only_migrates(&self) -> bool {
        let origin = self.spec.came_from();
        self.config.role.is_some() || *origin == Origin::Variable("LIMBECK_URL".to_owned())
    }

    /// Whether it is the project's own database, for development.
    fn is_local(&self) -> bool {
        *self.spec.came_from() == Origin::Local
    }
}

/// What the checks know.
struct Context<'a> {
    patient: Patient<'a>,
    /// The version table, where the session's state could be read.
    versions: Option<VersionTable>,
}

/// A question to the catalog, and what its answer means.
struct Check {
    name: &'static str,
    sql: fn(&Context<'_>) -> String,
    read: fn(&[PgRow], &Context<'_>) -> Result<Vec<Finding>, sqlx::Error>,
}

/// All questions, in the order of the report.
const CHECKS: &[Check] = &[
    server::VERSION,
    server::TLS,
    rights::CREATE,
    rights::ROW_SECURITY,
    state::TABLES,
    leftovers::INDEXES,
    leftovers::CONSTRAINTS,
    leftovers::PARTITIONS,
    leftovers::PREPARED,
    activity::MIGRATING,
    activity::TRANSACTIONS,
    activity::WAITING,
    room::WRAPAROUND,
    room::DISK,
];

/// How the doctor connects: no question may wait long, since whoever asks a doctor wants to hear that a table is
/// locked, and not to wait too. The settings come with the connection: behind a pooler, what a session sets
/// would stay behind for others.
pub fn impatient(spec: &ConnectSpec) -> ConnectSpec {
    spec.clone().wish("statement_timeout", "10s").wish("lock_timeout", "2s")
}

/// Examines a database on a connection of its own, made as [`impatient`] says. A question that cannot be answered
/// is a finding.
pub async fn examine(connection: &mut PgConnection, patient: &Patient<'_>) -> Vec<Finding> {
    let (versions, state) = state::examine(connection, patient).await;
    let context = Context { patient: *patient, versions };
    let mut findings = ask(connection, &context).await;
    // The report goes from the server to the revisions; the leftovers come after both.
    let is_leftover = |finding: &Finding| finding.check == leftovers::INDEXES.name;
    let at = findings.iter().position(is_leftover).unwrap_or(findings.len());
    findings.splice(at..at, state);
    findings
}

/// Asks all at once; where one question fails, each by itself, so that the others are answered.
async fn ask(connection: &mut PgConnection, context: &Context<'_>) -> Vec<Finding> {
    let questions: Vec<String> = CHECKS.iter().map(|check| (check.sql)(context)).collect();
    if let Ok(answers) = simple_query(connection, &questions.join(";\n")).await
        && answers.len() == CHECKS.len()
    {
        let read = CHECKS.iter().zip(&answers);
        return read.flat_map(|(check, rows)| understood(check, rows, context)).collect();
    }
    let mut findings = Vec::new();
    for (check, question) in CHECKS.iter().zip(&questions) {
        findings.extend(match simple_query(connection, question).await {
            Ok(answer) => understood(check, answer.first().map_or(&[][..], Vec::as_slice), context),
            Err(error) => vec![unanswered(check, &error)],
        });
    }
    findings
}

fn understood(check: &Check, rows: &[PgRow], context: &Context<'_>) -> Vec<Finding> {
    (check.read)(rows, context).unwrap_or_else(|error| vec![unanswered(check, &error)])
}

/// Not to know is worth a note, and is no fault of the database.
fn unanswered(check: &Check, error: &sqlx::Error) -> Finding {
    let problem = failure::database(error);
    Finding::note(check.name, format!("could not be looked at: {}", problem.message()))
}

/// `a, b, c and 4 more`.
fn some_of(names: &[String], total: usize) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match total.saturating_sub(SHOWN.min(names.len())) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `1 revision`, `2 revisions`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Seconds as people say them.
fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

//! How the migrations stand, for the page for operators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use limbeck::log::{Log, LogEntry, LogFilter};
use limbeck::{HistoryEntry, Holder, Migrator, Running, Status};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::health;
use crate::problem::{Kind, Problem, ProblemBody};
use crate::state::App;

/// So many entries of the journal are shown.
const ENTRIES: u32 = 50;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(read))
}

/// How the database stands to this release's revisions.
#[derive(Debug, Serialize, ToSchema)]
struct Migrations {
    database: Database,
    /// Newest first, each before its parents and dependencies.
    revisions: Vec<Revision>,
    /// The newest entries, newest first.
    journal: Vec<Entry>,
}

/// The state of the database.
#[derive(Debug, Serialize, ToSchema)]
struct Database {
    /// The version table's rows.
    rows: Vec<String>,
    /// Whether none of this release's revisions is pending or half done.
    ready: bool,
    /// What is not applied, oldest first.
    pending: Vec<String>,
    /// Rows of a newer release.
    ahead: Vec<String>,
    /// The revision that began and did not end.
    running: Option<Unfinished>,
    /// The session that migrates at this moment. What it has not committed yet shows nowhere else.
    migrating: Option<Session>,
}

/// A revision that began and did not end.
#[derive(Debug, Serialize, ToSchema)]
struct Unfinished {
    revision: String,
    /// `upgrade` or `downgrade`.
    direction: String,
    /// How many segments are committed.
    committed: usize,
    /// Of how many.
    segments: usize,
    /// The statement outside a transaction that was about to run.
    intent: Option<String>,
    /// Whether an operator must say what became of that statement (`limbeck resolve`).
    needs_verdict: bool,
    /// How many rows the batch statement after these segments has touched.
    batch_rows: u64,
}

/// A session that migrates.
#[derive(Debug, Serialize, ToSchema)]
struct Session {
    pid: i32,
    /// `limbeck <revision>` while it works on one.
    application: String,
    user: String,
}

/// A revision of this release.
#[derive(Debug, Serialize, ToSchema)]
struct Revision {
    id: String,
    message: String,
    parents: Vec<String>,
    depends_on: Vec<String>,
    labels: Vec<String>,
    /// Whether the database has it.
    applied: bool,
    /// Whether no revision has it as a parent.
    head: bool,
}

/// One thing that was done.
#[derive(Debug, Serialize, ToSchema)]
struct Entry {
    /// Later ones are greater.
    id: i64,
    revision: String,
    message: String,
    /// `upgrade`, `downgrade`; `stamp`, `unstamp`, `repair` where only the bookkeeping changed.
    direction: String,
    /// `done`, `running`, `void` (given up).
    state: String,
    /// When it began.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    database_user: String,
    /// `limbeck <version> on <host>`.
    client: String,
    /// Why, where an operator said so.
    note: Option<String>,
}

/// Says what is applied, pending and running, and what was done last.
#[utoipa::path(
    get,
    path = "/api/v1/admin/migrations",
    operation_id = "read_migrations",
    tag = "admin",
    security(("admin" = [])),
    responses(
        (status = 200, description = "How the migrations stand", body = Migrations),
        (status = 503, description = "The database cannot say", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn read(State(app): State<Arc<App>>) -> Result<Json<Migrations>, Problem> {
    let look = async {
        let mut connection = app.db.connection().await.map_err(unreachable)?;
        look(app.probe.migrator(), &mut connection).await.map_err(|why| unknown(&why))
    };
    match tokio::time::timeout(health::PATIENCE, look).await {
        Ok(migrations) => Ok(Json(migrations?)),
        Err(_) => Err(Problem::new(Kind::DatabaseUnavailable, health::no_answer())),
    }
}

async fn look(migrator: &Migrator, connection: &mut PgConnection) -> Result<Migrations, limbeck::Error> {
    let status = migrator.status(connection).await?;
    let migrating = migrator.migrating(connection).await?;
    let log = migrator.log(connection, LogFilter { limit: Some(ENTRIES), ..LogFilter::default() }).await?;
    let entries = match log {
        Log::NoJournal => Vec::new(),
        Log::Entries(entries) => entries,
    };
    Ok(Migrations {
        revisions: migrator.history(&status)?.into_iter().map(Revision::from).collect(),
        database: Database::of(&status, migrating),
        journal: entries.into_iter().map(Entry::from).collect(),
    })
}

fn unreachable(why: sqlx::Error) -> Problem {
    Problem::new(Kind::DatabaseUnavailable, format!("the database cannot be reached: {why}"))
}

/// Operators may read what limbeck says: it names no secrets, and the way out.
fn unknown(why: &limbeck::Error) -> Problem {
    let help = why.problems().first().and_then(|problem| problem.help_text());
    let help = help.map(|help| format!("; {help}")).unwrap_or_default();
    Problem::new(Kind::Status(StatusCode::SERVICE_UNAVAILABLE), format!("{why}{help}"))
}

impl Database {
    fn of(status: &Status, migrating: Option<Holder>) -> Self {
        let ids = |ids: &[_]| ids.iter().map(ToString::to_string).collect();
        Self {
            rows: status.rows().to_vec(),
            ready: status.is_ready(),
            pending: ids(status.pending()),
            ahead: ids(status.ahead()),
            running: status.running().map(Unfinished::of),
            migrating: migrating.map(Session::from),
        }
    }
}

impl Unfinished {
    fn of(running: &Running) -> Self {
        Self {
            needs_verdict: running.needs_verdict(),
            revision: running.revision.clone(),
            direction: running.direction.clone(),
            committed: running.committed,
            segments: running.segments,
            intent: running.intent.clone(),
            batch_rows: running.batch_rows,
        }
    }
}

impl From<Holder> for Session {
    fn from(holder: Holder) -> Self {
        let Holder { pid, application, user, .. } = holder;
        Self { pid, application, user }
    }
}

impl From<HistoryEntry> for Revision {
    fn from(entry: HistoryEntry) -> Self {
        let ids = |ids: &[_]| ids.iter().map(ToString::to_string).collect();
        Self {
            id: entry.id.to_string(),
            parents: ids(&entry.parents),
            depends_on: ids(&entry.depends_on),
            message: entry.message,
            labels: entry.labels,
            applied: entry.applied,
            head: entry.head,
        }
    }
}

impl From<LogEntry> for Entry {
    fn from(entry: LogEntry) -> Self {
        // The journal's times are in UTC, with a space before the hours.
        let rfc3339 = |time: String| format!("{}Z", time.replacen(' ', "T", 1));
        Self {
            id: entry.id,
            revision: entry.revision,
            message: entry.message,
            direction: entry.direction,
            state: entry.state,
            started_at: rfc3339(entry.started_at),
            finished_at: entry.finished_at.map(rfc3339),
            database_user: entry.database_user,
            client: entry.client,
            note: entry.note,
        }
    }
}

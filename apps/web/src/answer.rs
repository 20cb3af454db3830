//! What the adapter answers. Unknown fields are left alone: a newer adapter may say more.

use serde::Deserialize;
use serde_json::Value;

/// `GET /api/v1/admin/migrations`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Migrations {
    pub(crate) database: Database,
    /// Newest first, each before its parents.
    pub(crate) revisions: Vec<Revision>,
    /// The newest entries, newest first.
    pub(crate) journal: Vec<Entry>,
}

/// How the database stands to the release's revisions.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Database {
    /// The version table's rows.
    pub(crate) rows: Vec<String>,
    pub(crate) ready: bool,
    /// Oldest first.
    pub(crate) pending: Vec<String>,
    /// Rows of a newer release.
    pub(crate) ahead: Vec<String>,
    /// A revision that began and did not end.
    pub(crate) running: Option<Running>,
    /// The session that migrates at this moment.
    #[serde(default)]
    pub(crate) migrating: Option<Session>,
}

/// A revision that began and did not end.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Running {
    pub(crate) revision: String,
    pub(crate) direction: String,
    /// How many of its segments are committed, and of how many.
    pub(crate) committed: u64,
    pub(crate) segments: u64,
    /// The statement outside a transaction that was about to run.
    #[serde(default)]
    pub(crate) intent: Option<String>,
    /// Whether nobody but an operator can tell what became of it.
    #[serde(default)]
    pub(crate) needs_verdict: bool,
    /// How many rows the batch statement has touched.
    #[serde(default)]
    pub(crate) batch_rows: u64,
}

/// A session that holds the migration lock.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Session {
    pub(crate) pid: i64,
    pub(crate) application: String,
    pub(crate) user: String,
}

/// A revision of the release.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Revision {
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) parents: Vec<String>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) applied: bool,
    pub(crate) head: bool,
}

/// An entry of the journal.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Entry {
    pub(crate) revision: String,
    pub(crate) message: String,
    pub(crate) direction: String,
    pub(crate) state: String,
    /// RFC 3339, in UTC.
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
    pub(crate) database_user: String,
    pub(crate) client: String,
    pub(crate) note: Option<String>,
}

/// `GET /health/detailed`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Health {
    pub(crate) parts: Vec<HealthPart>,
}

/// A part of the service.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HealthPart {
    pub(crate) name: String,
    /// `up`, `degraded`, `down`.
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) latency_ms: Option<f64>,
    #[serde(default)]
    pub(crate) detail: Value,
}

/// RFC 9457, as far as a page shows it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Problem {
    /// What kind of problem it is, as a URI.
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) correlation_id: String,
}

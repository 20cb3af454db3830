//! `GET /health`, `/health/live`, `/health/ready` and `/health/detailed`.
//!
//! Healthy and alive mean: the process answers. Ready means: the database is reachable, none of this release's
//! revisions is pending, and the process was not told to stop. A database that is ahead of this release (a newer one
//! has migrated it, or this one is a roll-back) is ready.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use limbeck::Migrator;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::Connection as _;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::db::Db;
use crate::state::App;

/// How long the database may take to answer; probes usually give up sooner than after five seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Compares the database with this release.
pub(crate) struct Probe {
    migrator: Migrator,
    last: Mutex<Option<Readiness>>,
    stopping: AtomicBool,
}

/// The answer, in words that are the same while nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready { ahead: Vec<String> },
    Pending { pending: Vec<String>, ahead: Vec<String> },
    Unknown { why: String },
    Stopping,
}

/// A part of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Part {
    /// Its name.
    name: &'static str,
    /// `up`; `down`, and the service cannot do without; `degraded`, and it can.
    state: &'static str,
    /// How long it took to find out, in milliseconds.
    latency_ms: f64,
    /// What there is to say about it.
    #[schema(value_type = Object)]
    detail: Value,
}

/// Every part of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detailed {
    /// `up`, or `down` if a part is.
    state: &'static str,
    /// This release's version.
    version: &'static str,
    /// The parts.
    parts: Vec<Part>,
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(detailed))
}

/// Whether the process answers.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses((status = 200, description = "It does", body = Object))
)]
async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether the process answers, under the name that orchestrators know.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "operations",
    responses((status = 200, description = "It does", body = Object))
)]
async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether requests may be sent here: the database is there, and no migration is pending.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operations",
    responses(
        (status = 200, description = "Ready; ahead lists what a newer release has applied", body = Object),
        (status = 503, description = "Not ready, and why", body = Object)
    )
)]
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let readiness = app.probe.ask(&app.db).await;
    app.probe.note(&readiness);
    (readiness.status(), Json(readiness.body()))
}

/// The state of every part, and how long it took to answer.
#[utoipa::path(
    get,
    path = "/health/detailed",
    tag = "operations",
    responses(
        (status = 200, description = "All that is needed is up", body = Detailed),
        (status = 503, description = "A part that is needed is down", body = Detailed)
    )
)]
async fn detailed(State(app): State<Arc<App>>) -> (StatusCode, Json<Detailed>) {
    let parts = vec![database(&app.db).await, migrations(&app).await, pool(&app.db)];
    let down = parts.iter().any(|part| part.state == "down");
    let (status, state) =
        if down { (StatusCode::SERVICE_UNAVAILABLE, "down") } else { (StatusCode::OK, "up") };
    (status, Json(Detailed { state, version: env!("CARGO_PKG_VERSION"), parts }))
}

async fn database(db: &Db) -> Part {
    let begun = Instant::now();
    let asked = tokio::time::timeout(PATIENCE, async { db.connection().await?.ping().await }).await;
    let (state, detail) = match asked {
        Ok(Ok(())) => ("up", json!({})),
        Ok(Err(why)) => ("down", json!({ "reason": why.to_string() })),
        Err(_) => ("down", json!({ "reason": no_answer() })),
    };
    Part::new("database", state, begun, detail)
}

async fn migrations(app: &App) -> Part {
    let begun = Instant::now();
    let readiness = app.probe.ask(&app.db).await;
    let state = if readiness.status() == StatusCode::OK { "up" } else { "down" };
    Part::new("migrations", state, begun, readiness.body())
}

fn pool(db: &Db) -> Part {
    let begun = Instant::now();
    let pool = db.status();
    let state = if pool.waiting > 0 { "degraded" } else { "up" };
    let detail = json!({ "max": pool.max, "open": pool.size, "idle": pool.idle, "waiting": pool.waiting });
    Part::new("pool", state, begun, detail)
}

impl Part {
    /// What was found out since `begun`.
    pub(crate) fn new(name: &'static str, state: &'static str, begun: Instant, detail: Value) -> Self {
        Self { name, state, latency_ms: begun.elapsed().as_secs_f64() * 1000.0, detail }
    }
}

/// What is said when that time is over.
pub(crate) fn no_answer() -> String {
    format!("the database did not answer within {PATIENCE:?}")
}

impl Probe {
    /// Compares with these revisions.
    pub(crate) fn new(migrator: Migrator) -> Self {
        Self { migrator, last: Mutex::new(None), stopping: AtomicBool::new(false) }
    }

    /// This release's revisions.
    pub(crate) fn migrator(&self) -> &Migrator {
        &self.migrator
    }

    /// From now on nobody shall send requests here.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Asks the database.
    pub(crate) async fn ask(&self, db: &Db) -> Readiness {
        if self.stopping.load(Ordering::Relaxed) {
            return Readiness::Stopping;
        }
        match tokio::time::timeout(PATIENCE, self.compare(db)).await {
            Ok(Ok(readiness)) => readiness,
            Ok(Err(why)) => Readiness::Unknown { why },
            Err(_) => Readiness::Unknown { why: no_answer() },
        }
    }

    async fn compare(&self, db: &Db) -> Result<Readiness, String> {
        let mut connection =
            db.connection().await.map_err(|why| format!("the database cannot be reached: {why}"))?;
        let status = self.migrator.status(&mut connection).await.map_err(|why| why.to_string())?;
        let names = |ids: &[_]| ids.iter().map(ToString::to_string).collect::<Vec<String>>();
        let (pending, ahead) = (names(status.pending()), names(status.ahead()));
        Ok(match status.is_ready() {
            true => Readiness::Ready { ahead },
            false => Readiness::Pending { pending, ahead },
        })
    }

    /// Logs a change; probes come every few seconds and mostly say the same.
    fn note(&self, readiness: &Readiness) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() == Some(readiness) {
            return;
        }
        match readiness {
            Readiness::Ready { ahead } if ahead.is_empty() => tracing::info!("ready"),
            Readiness::Ready { ahead } => {
                tracing::info!(ahead = ahead.join(", "), "ready; a newer release's migrations are applied");
            }
            Readiness::Pending { pending, .. } => {
                tracing::warn!(pending = pending.join(", "), "not ready: migrations are pending");
            }
            Readiness::Unknown { why } => tracing::warn!("not ready: {why}"),
            Readiness::Stopping => tracing::info!("not ready: it is stopping"),
        }
        *last = Some(readiness.clone());
    }
}

impl Readiness {
    /// How many revisions are pending, if the database could be asked.
    pub(crate) fn pending(&self) -> Option<usize> {
        match self {
            Self::Ready { .. } => Some(0),
            Self::Pending { pending, .. } => Some(pending.len()),
            Self::Unknown { .. } | Self::Stopping => None,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Ready { .. } => StatusCode::OK,
            Self::Pending { .. } | Self::Unknown { .. } | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(&self) -> Value {
        match self {
            Self::Ready { ahead } => json!({ "status": "ready", "pending": [], "ahead": ahead }),
            Self::Pending { pending, ahead } => json!({
                "status": "not ready",
                "reason": format!("pending: {}", pending.join(", ")),
                "pending": pending,
                "ahead": ahead,
            }),
            Self::Unknown { why } => json!({ "status": "not ready", "reason": why }),
            Self::Stopping => json!({ "status": "not ready", "reason": "it is stopping" }),
        }
    }
}

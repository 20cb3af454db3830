//! `GET /health` and `GET /health/ready`.
//!
//! Healthy means: the process answers. Ready means: the database is reachable and none of this release's
//! revisions is pending. A database that is ahead of this release (a newer one has migrated it, or this one is
//! a roll-back) is ready.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use limbeck::Migrator;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, PgPool};

/// How long the database may take to answer; probes usually give up sooner than after five seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// What readiness is asked of.
pub(crate) struct Probe {
    pool: PgPool,
    migrator: Migrator,
    last: Mutex<Option<Readiness>>,
}

/// The answer, in words that are the same while nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Readiness {
    Ready { ahead: Vec<String> },
    Pending { pending: Vec<String>, ahead: Vec<String> },
    Unknown { why: String },
}

/// The routes.
pub(crate) fn routes(pool: PgPool, migrator: Migrator) -> Router {
    let probe = Arc::new(Probe { pool, migrator, last: Mutex::new(None) });
    Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/health/ready", get(ready))
        .with_state(probe)
}

async fn ready(State(probe): State<Arc<Probe>>) -> (StatusCode, Json<Value>) {
    let readiness = probe.ask().await;
    probe.note(&readiness);
    let status = match readiness {
        Readiness::Ready { .. } => StatusCode::OK,
        Readiness::Pending { .. } | Readiness::Unknown { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(readiness.body()))
}

impl Probe {
    async fn ask(&self) -> Readiness {
        match tokio::time::timeout(PATIENCE, self.compare()).await {
            Ok(Ok(readiness)) => readiness,
            Ok(Err(why)) => Readiness::Unknown { why },
            Err(_) => Readiness::Unknown { why: format!("the database did not answer within {PATIENCE:?}") },
        }
    }

    async fn compare(&self) -> Result<Readiness, String> {
        let mut connection = match self.pool.acquire().await {
            Ok(connection) => connection,
            Err(why) => return Err(format!("the database cannot be reached: {}", self.cause(why).await)),
        };
        let status = self.migrator.status(&mut connection).await.map_err(|why| why.to_string())?;
        let names = |ids: &[_]| ids.iter().map(ToString::to_string).collect::<Vec<String>>();
        let (pending, ahead) = (names(status.pending()), names(status.ahead()));
        Ok(match status.is_ready() {
            true => Readiness::Ready { ahead },
            false => Readiness::Pending { pending, ahead },
        })
    }

    /// A pool goes on trying, and when its time is over it no longer says what was wrong: ask once more.
    async fn cause(&self, why: sqlx::Error) -> sqlx::Error {
        match why {
            sqlx::Error::PoolTimedOut => {
                PgConnection::connect_with(&self.pool.connect_options()).await.err().unwrap_or(why)
            }
            other => other,
        }
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
        }
        *last = Some(readiness.clone());
    }
}

impl Readiness {
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
        }
    }
}

//! What is done every minute besides answering requests: entries of actions whose process was killed are ended, and
//! what is over of the idempotency keys is removed.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::{Instant, MissedTickBehavior};

use crate::idempotency;
use crate::problem::Problem;
use crate::state::App;

const EVERY: Duration = Duration::from_secs(60);

/// Rows that one statement ends.
const BATCH: i64 = 500;

/// What is looked at again each time, beyond what has come of age since: rows that were locked, or not yet committed.
const OVERLAP: Duration = Duration::from_secs(600);

/// How far the first look goes back: nothing ran for longer, or somebody looked.
const FIRST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Ends up to `$3` entries with an age from `$1` to `$2`. Row-level security keeps the planner from using an index for
/// the status (comparing enumerations is not leakproof): so it is told to walk each tenant's by time. Entries that
/// another process is ending are passed over.
const INTERRUPTED: &str = "UPDATE action_logs
    SET status = 'failure', error_message = 'interrupted: the service ended before the action did', updated_at = now()
    WHERE id IN (
        SELECT unfinished.id
        FROM tenants
        CROSS JOIN LATERAL (
            SELECT id FROM action_logs
            WHERE tenant_id = tenants.id AND status IN ('pending', 'retry')
              AND created_at < now() - make_interval(secs => $1)
              AND created_at >= now() - make_interval(secs => $2)
            ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED
        ) AS unfinished
        LIMIT $3
    )";

/// Sweeps at once and then every minute, for as long as it is polled.
pub(crate) async fn sweep(app: Arc<App>) {
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut done: Option<Instant> = None;
    // While the database is away, it is said once.
    let mut failing = false;
    loop {
        let now = timer.tick().await;
        match once(&app, done.map_or(FIRST, |done| now - done + OVERLAP)).await {
            Ok(()) => (done, failing) = (Some(now), false),
            Err(why) if failing => tracing::debug!(cause = why.cause(), "sweeping failed again"),
            Err(why) => {
                tracing::warn!(cause = why.cause(), "sweeping failed; it is tried again every minute");
                failing = true;
            }
        }
    }
}

async fn once(app: &App, window: Duration) -> Result<(), Problem> {
    let interrupted = end_interrupted(app, window).await?;
    if interrupted > 0 {
        tracing::warn!(actions = interrupted, "actions of a process that was killed were ended as failures");
    }
    let expired = idempotency::remove_expired(app).await?;
    if expired > 0 {
        tracing::info!(keys = expired, "expired idempotency keys were removed");
    }
    Ok(())
}

/// Ends entries that are older than any action may become, but by no more than the window.
async fn end_interrupted(app: &App, window: Duration) -> Result<u64, Problem> {
    let age = 2 * idempotency::lease(app);
    let mut total = 0;
    loop {
        let ended = app
            .db
            .admin(|mut transaction| async move {
                let ended = batch(&mut transaction, age, age + window).await?;
                transaction.commit(ended).await
            })
            .await?;
        total += ended;
        if ended < BATCH.unsigned_abs() {
            return Ok(total);
        }
    }
}

async fn batch(connection: &mut PgConnection, least: Duration, most: Duration) -> sqlx::Result<u64> {
    let query = sqlx::query(INTERRUPTED).bind(least.as_secs_f64()).bind(most.as_secs_f64()).bind(BATCH);
    Ok(query.execute(connection).await?.rows_affected())
}

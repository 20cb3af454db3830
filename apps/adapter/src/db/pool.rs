//! Connections, kept for a while.
//!
//! sqlx's own pool asks the server for a sign of life whenever a connection is given back; with transactions as
//! short as ours that is a message too many. This one asks only where a connection has been idle.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// Connections are given back soon, since the embedded database serves one at a time.
const IDLE: Duration = Duration::from_secs(1);

/// A connection that was used this recently is taken to be alive; the first statement would tell.
const FRESH: Duration = Duration::from_millis(250);

/// How long one may wait for a connection, and for making one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a key is valid, for tenants' transactions to `EXECUTE` with the tenant's id and the key's hash: planning
/// it each time, with its row-level security, takes longer than all else in their first message.
pub(super) const CHECK: &str = "adapter_check";

const PREPARE_CHECK: &str = "PREPARE adapter_check (uuid, text) AS
    SELECT 1 FROM tenants WHERE id = $1 AND api_key_hash = $2 AND is_active";

/// The pool.
pub(crate) type Pool = managed::Pool<Connector>;

/// A connection of the pool.
pub(crate) type Pooled = Object<Connector>;

/// Makes connections.
#[derive(Debug)]
pub(crate) struct Connector {
    options: PgConnectOptions,
    begun: Instant,
    /// Connections that were made before are not used again; in microseconds after `begun`.
    outdated: AtomicU64,
}

impl Connector {
    /// Lets every connection there is be replaced by a new one.
    pub(super) fn renew(&self) {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.outdated.fetch_max(now, Ordering::Relaxed);
    }

    fn is_outdated(&self, made: Instant) -> bool {
        let since = Duration::from_micros(self.outdated.load(Ordering::Relaxed));
        made.saturating_duration_since(self.begun) < since
    }
}

impl managed::Manager for Connector {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        match connection.execute(sqlx::raw_sql(PREPARE_CHECK)).await {
            // A migration has still to make the table; limbeck's questions need none.
            Ok(_) | Err(sqlx::Error::Database(_)) => Ok(connection),
            Err(why) => Err(why),
        }
    }

    async fn recycle(&self, connection: &mut PgConnection, use_: &Metrics) -> RecycleResult<sqlx::Error> {
        if self.is_outdated(use_.created) {
            return Err(RecycleError::message("its statements are out of date"));
        }
        if use_.last_used() > FRESH {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// Connects when a request needs it, so the service starts while the database is down.
pub(crate) fn lazy(options: PgConnectOptions, size: usize) -> Result<Pool, managed::BuildError> {
    Pool::builder(Connector { options, begun: Instant::now(), outdated: AtomicU64::new(0) })
        .max_size(size)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .recycle_timeout(Some(PATIENCE))
        // The others become idle, and go.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .build()
}

/// Closes idle connections, for as long as it is polled.
pub(crate) async fn reap(pool: Pool) {
    loop {
        tokio::time::sleep(IDLE / 2).await;
        close(pool.retain(|_, use_| use_.last_used() < IDLE).removed).await;
    }
}

/// Closes all connections that nobody uses, and hands out no more.
pub(crate) async fn shut(pool: &Pool) {
    close(pool.retain(|_, _| false).removed).await;
    pool.close();
}

async fn close(connections: Vec<PgConnection>) {
    for connection in connections {
        // It is given up either way; this only says goodbye to the server.
        _ = tokio::time::timeout(PATIENCE, connection.close()).await;
    }
}

/// Why there is no connection, as an error of sqlx.
pub(crate) fn error(why: PoolError<sqlx::Error>) -> sqlx::Error {
    match why {
        PoolError::Backend(why) => why,
        PoolError::Timeout(managed::TimeoutType::Wait) => sqlx::Error::PoolTimedOut,
        PoolError::Timeout(_) => {
            std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no connection within {PATIENCE:?}"))
                .into()
        }
        _ => sqlx::Error::PoolClosed,
    }
}

//! Connections, kept for a while.
//!
//! sqlx's own pool asks the server for a sign of life whenever a connection is given back; with transactions as
//! short as ours that is a message too many. This one asks only where a connection has been idle.

use std::future::Future;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

/// Connections are given back soon, since the embedded database serves one at a time.
const IDLE: Duration = Duration::from_secs(1);

/// A connection that was used this recently is taken to be alive; the first statement would tell.
const FRESH: Duration = Duration::from_millis(250);

/// How long one may wait for a connection, and for making one.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pool.
pub(crate) type Pool = managed::Pool<Connector>;

/// A connection of the pool.
pub(crate) type Pooled = Object<Connector>;

/// Makes connections.
#[derive(Debug)]
pub(crate) struct Connector(PgConnectOptions);

impl managed::Manager for Connector {
    type Type = PgConnection;
    type Error = sqlx::Error;

    fn create(&self) -> impl Future<Output = Result<PgConnection, sqlx::Error>> + Send {
        PgConnection::connect_with(&self.0)
    }

    async fn recycle(&self, connection: &mut PgConnection, use_: &Metrics) -> RecycleResult<sqlx::Error> {
        if use_.last_used() > FRESH {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// Connects when a request needs it, so the service starts while the database is down.
pub(crate) fn lazy(options: PgConnectOptions, size: usize) -> Result<Pool, managed::BuildError> {
    Pool::builder(Connector(options))
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

pub(super) async fn close(connections: Vec<PgConnection>) {
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

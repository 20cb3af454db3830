//! Listens, answers, and stops in time.

use std::future::IntoFuture as _;
use std::str::FromStr as _;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::options::Options;
use crate::{Failure, health, migrations};

/// How long requests that are under way may go on after SIGTERM. Docker kills after ten seconds.
const GRACE: Duration = Duration::from_secs(8);

/// No answer takes longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(options: &Options, url: &str) -> Result<(), Failure> {
    // From here on a signal ends the service, also while it starts.
    let stop = Stop::listen()?;
    let pool = pool(url)?;
    let routes = health::routes(pool.clone(), migrations::migrator()?)
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REQUEST_TIMEOUT))
        // Readiness logs its own changes; a 503 to every probe is not an error each.
        .layer(TraceLayer::new_for_http().on_failure(()));
    let listener = listen(&options.host, options.port).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    until_stopped(listener, routes, stop).await?;
    // Says goodbye to the server; if that hangs, the end of the process will do.
    _ = tokio::time::timeout(Duration::from_secs(1), pool.close()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Connects when a request needs it, so the service starts while the database is down; and gives connections
/// back soon, since the embedded database serves one at a time.
fn pool(url: &str) -> Result<PgPool, Failure> {
    let options = connect_options(url)?;
    Ok(PgPoolOptions::new()
        .min_connections(0)
        .max_connections(10)
        .idle_timeout(Duration::from_secs(1))
        .acquire_timeout(Duration::from_secs(2))
        .connect_lazy_with(options))
}

/// How the service connects.
pub(crate) fn connect_options(url: &str) -> Result<PgConnectOptions, Failure> {
    let options = PgConnectOptions::from_str(&without_driver(url))
        .map_err(|why| format!("DATABASE_URL is malformed: {why}"))?;
    Ok(options.application_name("adapter"))
}

/// SQLAlchemy's `postgresql+asyncpg://`, as `postgresql://`.
fn without_driver(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.split('+').next().unwrap_or(scheme)),
        None => url.to_owned(),
    }
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, Failure> {
    TcpListener::bind((host, port)).await.map_err(|why| {
        format!("cannot listen on {host} port {port}: {why}; --host and --port (ADAPTER_HOST, ADAPTER_PORT) choose another")
            .into()
    })
}

async fn until_stopped(listener: TcpListener, routes: Router, mut stop: Stop) -> Result<(), Failure> {
    let (begin, begun) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async { _ = begun.await });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        name = stop.next() => tracing::info!(signal = name, "stopping: no new requests"),
    }
    _ = begin.send(());
    tokio::select! {
        ended = server => ended?,
        () = tokio::time::sleep(GRACE) => tracing::warn!("requests were cut off after {GRACE:?}"),
        name = stop.next() => tracing::warn!(signal = name, "requests were cut off by a second signal"),
    }
    Ok(())
}

/// SIGTERM and SIGINT.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_driver;

    #[test]
    fn accepts_sqlalchemys_urls() {
        assert_eq!(without_driver("postgresql+asyncpg://u:p+q@h/d"), "postgresql://u:p+q@h/d");
        assert_eq!(without_driver("postgres://h/d"), "postgres://h/d");
        assert_eq!(without_driver("nonsense"), "nonsense");
    }
}

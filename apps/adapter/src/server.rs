//! Listens, answers, and stops in time.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::options::Options;
use crate::state::App;
use crate::{Failure, actions, router};

/// How long requests that are under way may go on after SIGTERM. Docker kills after ten seconds.
const GRACE: Duration = Duration::from_secs(8);

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(options: Options, connect: PgConnectOptions) -> Result<(), Failure> {
    // From here on a signal ends the service, also while it starts.
    let stop = Stop::listen()?;
    let app = Arc::new(App::new(options, connect)?);
    let listener = listen(&app.options.host, app.options.port).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let chores = tokio::spawn(app.db.reap());
    let sweep = tokio::spawn(actions::sweep::sweep(Arc::clone(&app)));
    until_stopped(listener, router::router(&app), stop).await?;
    chores.abort();
    sweep.abort();
    // Says goodbye to the server; if that hangs, the end of the process will do.
    _ = tokio::time::timeout(Duration::from_secs(1), app.db.close()).await;
    tracing::info!("stopped");
    Ok(())
}

/// How the service connects.
pub(crate) fn connect_options(url: &str) -> Result<PgConnectOptions, Failure> {
    let options = PgConnectOptions::from_str(&without_driver(url))
        .map_err(|why| format!("DATABASE_URL is malformed: {why}"))?;
    // Logging every statement takes time even where nobody reads it; failed ones are logged as problems.
    Ok(options.application_name("adapter").disable_statement_logging())
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
    // Answers are small and wait for nothing.
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
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

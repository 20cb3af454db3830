//! Listens, answers, and stops in time.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use limbeck::connect::{ConnectSpec, DatabaseUrl, pool_options, process_env};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::options::Options;
use crate::state::App;
use crate::{Failure, actions, models, router};

/// How long requests that are under way may go on after SIGTERM. Docker kills after ten seconds.
const GRACE: Duration = Duration::from_secs(8);

/// How long to wait before the database is asked again whether it can be compared with the models.
const COMPARISON: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(options: Options, connect: PgConnectOptions) -> Result<(), Failure> {
    // From here on a signal ends the service, also while it starts.
    let stop = Stop::listen()?;
    let app = Arc::new(App::new(options, connect)?);
    let listener = listen(&app.options.host, app.options.port).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let chores = tokio::spawn(app.db.reap());
    let sweep = tokio::spawn(actions::sweep::sweep(Arc::clone(&app)));
    let comparison = tokio::spawn(compare(Arc::clone(&app)));
    until_stopped(listener, &app, stop).await?;
    chores.abort();
    sweep.abort();
    comparison.abort();
    // Says goodbye to the server; if that hangs, the end of the process will do.
    _ = tokio::time::timeout(Duration::from_secs(1), app.db.close()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Compares the database with the models once, as soon as it can be asked. Nothing but the log depends on it: the service
/// also starts on a schema that somebody has to mend while it runs.
async fn compare(app: Arc<App>) {
    let mismatches = loop {
        if app.probe.ask(&app.db).await.pending() == Some(0)
            && let Ok(mut connection) = app.db.connection().await
        {
            break models::mismatches(&mut connection).await;
        }
        tokio::time::sleep(COMPARISON).await;
    };
    match mismatches {
        Ok(mismatches) => models::report(&mismatches),
        Err(why) => tracing::warn!("the database cannot be compared with the models: {why}"),
    }
}

/// How the service connects: by any URL that limbeck takes, or what starts the service would know databases that the
/// service itself does not.
pub(crate) fn connect_options(url: &str) -> Result<PgConnectOptions, Failure> {
    let spec = DatabaseUrl::parse(url).and_then(|url| ConnectSpec::new(&url, &process_env));
    let spec = spec.map_err(|why| format!("DATABASE_URL: {why:#}"))?;
    pool_options(&spec, "adapter").ok_or_else(|| "DATABASE_URL names no host".into())
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, Failure> {
    TcpListener::bind((host, port)).await.map_err(|why| {
        format!("cannot listen on {host} port {port}: {why}; --host and --port (ADAPTER_HOST, ADAPTER_PORT) choose another")
            .into()
    })
}

async fn until_stopped(listener: TcpListener, app: &Arc<App>, mut stop: Stop) -> Result<(), Failure> {
    let (begin, begun) = tokio::sync::oneshot::channel::<()>();
    // Answers are small and wait for nothing.
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    let routes = router::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async { _ = begun.await });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        name = stop.next() => tracing::info!(signal = name, "stopping"),
    }
    app.probe.stop();
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        () = tokio::time::sleep(app.options.drain) => {}
        // Whoever asks twice does not want to wait for proxies.
        _ = stop.next() => {}
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
    use super::connect_options;

    #[test]
    fn every_url_that_starts_the_service_is_taken() {
        let options = connect_options("postgresql+asyncpg://u:p+q@h/d").expect("SQLAlchemy's");
        assert_eq!(
            (options.get_host(), options.get_username(), options.get_database()),
            ("h", "u", Some("d"))
        );
        let options = connect_options("postgresql://u@/d?host=/run/here&port=5433").expect("libpq's");
        assert_eq!((options.get_socket(), options.get_port()), (Some(&"/run/here".into()), 5433));
        let why = connect_options("nonsense").expect_err("it is none").to_string();
        assert!(why.starts_with("DATABASE_URL: ") && why.contains("help: "), "{why}");
    }
}

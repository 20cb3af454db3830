//! Listens, answers, and stops in time.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::Failure;
use crate::adapter::Adapter;
use crate::options::Options;
use crate::page::{Refresh, StatePage, TroublePage};
use crate::parts::Parts;
use crate::trouble::cause;

/// How long requests that are under way may go on after SIGTERM: one is a look at the adapter, which has an end.
const GRACE: Duration = Duration::from_secs(8);

const STYLE: &str = include_str!("../templates/style.css");

/// Nothing but the style sheet and the icon, which are the program's own.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer says.
const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(options: &Options) -> Result<(), Failure> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let adapter = Adapter::new(options.adapter_url()?, options.admin_key()?)?;
    let (host, port) = (&options.host, options.port);
    let listener = TcpListener::bind((host.as_str(), port)).await.map_err(|why| {
        format!("cannot listen on {host} port {port}: {why}; --host and --port (WEB_HOST, WEB_PORT) choose another")
    })?;
    tracing::info!(address = %listener.local_addr()?, adapter = adapter.address(), "listening");
    let (stop, stopped) = tokio::sync::watch::channel(());
    let server = axum::serve(listener, routes(adapter)).with_graceful_shutdown({
        let mut stopped = stopped.clone();
        async move { _ = stopped.changed().await }
    });
    let signalled = async {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
        stop.send_replace(());
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! { ended = async { server.await } => ended?, () = signalled => tracing::warn!("requests were cut off") }
    tracing::info!("stopped");
    Ok(())
}

fn routes(adapter: Adapter) -> Router {
    let routes = Router::new()
        .route("/", get(state))
        .route("/style.css", get(|| async { ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is one page here: /\n") })
        .with_state(Arc::new(adapter));
    HEADERS.into_iter().fold(routes, |routes, (name, value)| {
        routes.layer(SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value)))
    })
}

async fn state(State(adapter): State<Arc<Adapter>>, RawQuery(query): RawQuery) -> Response {
    let refresh = Refresh::of(query.as_deref());
    let (migrations, health) = tokio::join!(adapter.migrations(), adapter.health());
    let parts = Parts::of(health);
    match migrations {
        Ok(migrations) => {
            html(StatusCode::OK, &StatePage::new(&migrations, parts, adapter.address(), refresh))
        }
        Err(trouble) => {
            tracing::warn!(adapter = adapter.address(), "{} {}", trouble.sentence(), trouble.seen());
            html(trouble.status(), &TroublePage::new(&trouble, parts, adapter.address(), refresh))
        }
    }
}

fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(why) => {
            tracing::error!("the page cannot be written: {}", cause(&why));
            (StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be written; the log says why.\n")
                .into_response()
        }
    }
}

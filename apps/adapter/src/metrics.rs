//! `GET /metrics`, in Prometheus' text format.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::problem::{Kind, Problem};
use crate::state::App;

/// Upper bounds in seconds: from an idempotent replay to a provider that takes its time.
const BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    pool: IntGaugeVec,
    pending: IntGauge,
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let requests = Opts::new("adapter_http_requests_total", "Answered requests.");
        let latency =
            HistogramOpts::new("adapter_http_request_duration_seconds", "Time until the answer was there.");
        let pool = Opts::new("adapter_db_connections", "Connections to the database, by state.");
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(requests, &["method", "route", "status"])?,
            latency: HistogramVec::new(latency.buckets(BUCKETS.to_vec()), &["method", "route"])?,
            pool: IntGaugeVec::new(pool, &["state"])?,
            pending: IntGauge::new(
                "adapter_migrations_pending",
                "Revisions of this release that the database lacks; -1 while it cannot be asked.",
            )?,
        };
        for part in metrics.collectors() {
            metrics.registry.register(part)?;
        }
        Ok(metrics)
    }

    /// For counters of other parts of the service.
    #[expect(dead_code, reason = "the actions count what they do")]
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts a request.
    pub(crate) fn request(
        &self,
        method: &Method,
        route: Option<&MatchedPath>,
        status: StatusCode,
        took: Duration,
    ) {
        // Labels are few whatever clients send: routes as they are written in the source, known methods.
        let (method, route) = (known(method), route.map_or("none", MatchedPath::as_str));
        self.requests.with_label_values(&[method, route, status.as_str()]).inc();
        self.latency.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    fn collectors(&self) -> [Box<dyn prometheus::core::Collector>; 4] {
        [
            Box::new(self.requests.clone()),
            Box::new(self.latency.clone()),
            Box::new(self.pool.clone()),
            Box::new(self.pending.clone()),
        ]
    }

    async fn refresh(&self, app: &App) {
        let pool = app.db.status();
        let values = [("open", pool.size), ("idle", pool.idle), ("max", pool.max), ("waiting", pool.waiting)];
        for (state, value) in values {
            self.pool.with_label_values(&[state]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let pending = app.probe.ask(&app.db).await.pending();
        self.pending.set(pending.and_then(|number| i64::try_from(number).ok()).unwrap_or(-1));
    }
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counters and gauges, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.metrics.refresh(&app).await;
    let mut text = Vec::new();
    TextEncoder::new()
        .encode(&app.metrics.registry.gather(), &mut text)
        .map_err(|why| Problem::new(Kind::Internal, "the metrics cannot be written").because(why))?;
    let kind = HeaderValue::from_static(prometheus::TEXT_FORMAT);
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

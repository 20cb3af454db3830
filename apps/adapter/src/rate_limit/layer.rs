//! The rate limit as a layer: after that which lets tenants in, before everything that costs something.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Decision;
use crate::auth::TenantAuth;
use crate::problem::{Kind, Problem};
use crate::state::App;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The layer.
pub(crate) async fn layer(
    State(app): State<Arc<App>>,
    who: TenantAuth,
    request: Request,
    next: Next,
) -> Response {
    let Some(decision) = app.limiter.decide(who.id).await else { return next.run(request).await };
    let mut response = match decision.retry_after {
        None => next.run(request).await,
        Some(wait) => refuse(decision, wait).into_response(),
    };
    let values = [
        (LIMIT, u64::from(decision.limit)),
        (REMAINING, u64::from(decision.remaining)),
        (RESET, seconds(decision.reset)),
    ];
    for (name, value) in values {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}

fn refuse(decision: Decision, wait: Duration) -> Problem {
    let text = format!(
        "more than {} requests a minute (ADAPTER_RATE_LIMIT); wait as long as Retry-After says",
        decision.limit
    );
    Problem::new(Kind::RateLimited, text).retry_after(seconds(wait).max(1))
}

/// Rounded up: who waits so long has waited long enough.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

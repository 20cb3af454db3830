//! The outermost layer: an id for every request, a time limit, no panic beyond it, headers, metrics, and bodies
//! for problems.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::problem::{Kind, Problem};
use crate::state::App;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id is replaced by one of our own.
const LONGEST_ID: usize = 128;

/// What browsers are told, unless the answer says something else.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// The id of a request: the client's `X-Request-Id` if it is harmless in logs, else a random one.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(X_REQUEST_ID).filter(|id| is_harmless(id.as_bytes()));
        Self(given.cloned().unwrap_or_else(|| {
            let mut buffer = [0; uuid::fmt::Simple::LENGTH];
            let text = Uuid::new_v4().as_simple().encode_lower(&mut buffer);
            HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-"))
        }))
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    /// The layer has given every request one.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}

/// What is kept of a request while it is answered.
struct Call {
    id: RequestId,
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    begun: Instant,
}

/// The layer.
pub(crate) async fn edge(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let call = Call {
        id: RequestId::of(request.headers()),
        method: request.method().clone(),
        uri: request.uri().clone(),
        route: request.extensions().get().cloned(),
        begun: Instant::now(),
    };
    request.extensions_mut().insert(call.id.clone());
    let span = tracing::debug_span!("request", id = %call.id);
    let mut response = guard(app.options.request_timeout, next.run(request)).instrument(span).await;
    call.finish(&mut response);
    app.metrics.request(&call.method, call.route.as_ref(), response.status(), call.begun.elapsed());
    response
}

/// The answer, or a problem if it panics or takes too long.
async fn guard(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(limit, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let text = "the request could not be answered; the service's log has the reason";
            Problem::new(Kind::Internal, text).because(message(&*panic)).into_response()
        }
        Err(_) => {
            Problem::new(Kind::Timeout, format!("there was no answer within {limit:?}")).into_response()
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("of an unknown kind"))
}

impl Call {
    fn finish(&self, response: &mut Response) {
        if let Some(problem) = problem(response) {
            self.log(&problem);
            problem.render(response, &self.id, &self.uri);
        }
        let headers = response.headers_mut();
        for (name, value) in SECURITY {
            headers.entry(name).or_insert(value);
        }
        headers.insert(X_REQUEST_ID, self.id.0.clone());
    }

    fn log(&self, problem: &Problem) {
        let (status, path) = (problem.status().as_u16(), self.uri.path());
        let (method, id, detail) = (self.method.as_str(), self.id.as_str(), problem.detail());
        let cause = problem.cause().unwrap_or_default();
        match status {
            500 => tracing::error!(correlation_id = id, method, path, status, cause, "{detail}"),
            501.. => tracing::warn!(correlation_id = id, method, path, status, cause, "{detail}"),
            _ => tracing::debug!(correlation_id = id, method, path, status, cause, "{detail}"),
        }
    }
}

/// The problem that a response is. An error without a body of its own kind, as libraries make them, becomes one.
fn problem(response: &mut Response) -> Option<Problem> {
    let given = response.extensions_mut().remove::<Problem>();
    given.or_else(|| bare_error(response).map(Problem::of_status))
}

fn bare_error(response: &Response) -> Option<StatusCode> {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let bare = kind.is_none_or(|kind| kind.starts_with(b"text/plain"));
    ((status.is_client_error() || status.is_server_error()) && bare).then_some(status)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use axum::response::Response;

    use super::{guard, is_harmless, problem};

    #[test]
    fn ids_that_could_harm_are_replaced() {
        for good in ["a", "7f3c-11", "req:1/2", &"x".repeat(128)] {
            assert!(is_harmless(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a\tb", "ä", "\"", "<b>", &"x".repeat(129)] {
            assert!(!is_harmless(bad.as_bytes()), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_without_its_words() {
        let mut response = guard(Duration::from_secs(9), async { panic!("at the {}", "disco") }).await;
        let problem = problem(&mut response).expect("it is one");
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.cause(), Some("panic: at the disco"));
        assert!(!problem.detail().contains("disco"));
    }

    #[tokio::test]
    async fn so_is_an_answer_that_takes_too_long() {
        let mut response = guard(Duration::ZERO, std::future::pending::<Response>()).await;
        assert_eq!(problem(&mut response).expect("it is one").status(), StatusCode::GATEWAY_TIMEOUT);
    }
}

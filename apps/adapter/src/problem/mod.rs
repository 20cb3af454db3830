//! Problem details (RFC 9457): what every error of the API looks like.

mod kind;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use kind::Kind;

use crate::edge::RequestId;

/// The media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An error on its way to the client.
///
/// As a response it is only a status and itself as an extension: the edge of the service, which knows the
/// correlation id, gives it its body ([`Problem::render`]) and logs what it was caused by.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    again: Again,
}

/// Whether the same transaction may go well when it is tried once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// It was rolled back as a whole, for a reason that is gone the next time.
    Yes,
    /// So it was, because a migration has changed what a prepared statement yields.
    WithNewPlans,
    /// It would fail again, or it is not known what became of it.
    No,
}

/// What is wrong with one field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where, for example `name` or `hubspot.base_url`.
    pub(crate) field: String,
    /// What is wrong with it, and what would be right.
    pub(crate) message: String,
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemBody<'a> {
    /// Identifies the kind of problem.
    r#type: String,
    /// The kind of problem, for people.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and the way out.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// The id of the request; the service's log knows it.
    correlation_id: &'a str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem, in words for the client.
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let (errors, headers) = (Vec::new(), Vec::new());
        let inner = Inner { kind, detail: detail.into(), errors, headers, cause: None, again: Again::No };
        Self(Arc::new(inner))
    }

    /// What an error status means that came without words.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(Kind::NotFound, "nothing is here; /docs lists what there is"),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                Kind::MethodNotAllowed,
                "the path does not answer to this method; the header Allow says to which it does",
            ),
            status => Self::new(Kind::Status(status), "the request was refused"),
        }
    }

    /// One field is wrong.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Fields are wrong; there is at least one.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match &*errors {
            [one] if !one.field.is_empty() => format!("{}: {}", one.field, one.message),
            [one] => one.message.clone(),
            several => format!("{} fields are not acceptable", several.len()),
        };
        let mut problem = Self::new(Kind::InvalidBody, detail);
        problem.inner().errors = errors;
        problem
    }

    /// Adds a header to the answer.
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.inner().headers.push((name, value.into()));
        self
    }

    /// The client may try again in so many seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, seconds)
    }

    /// What it was caused by: for the log only.
    pub(crate) fn because(mut self, cause: impl ToString) -> Self {
        self.inner().cause = Some(cause.to_string());
        self
    }

    /// The transaction may be tried once more.
    pub(crate) fn again(mut self, again: Again) -> Self {
        self.inner().again = again;
        self
    }

    /// Whether the transaction may be tried once more.
    pub(crate) fn may_go_well(&self) -> Again {
        self.0.again
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// What it was caused by.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// What the client reads.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The body, for a request with this id and address.
    pub(crate) fn body<'a>(&'a self, id: &'a RequestId, uri: &'a Uri) -> ProblemBody<'a> {
        ProblemBody {
            r#type: self.0.kind.uri(),
            title: self.0.kind.title(),
            status: self.status().as_u16(),
            detail: self.detail(),
            // The query may hold what is not meant for logs.
            instance: uri.path(),
            correlation_id: id.as_str(),
            errors: &self.0.errors,
        }
    }

    /// Gives a response of this problem its body.
    pub(crate) fn render(&self, response: &mut Response, id: &RequestId, uri: &Uri) {
        let text = serde_json::to_vec(&self.body(id, uri)).unwrap_or_default();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(text);
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

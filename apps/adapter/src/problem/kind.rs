//! Every kind of problem that the service answers with, in one table.

use axum::http::StatusCode;

/// What went wrong, as the `type` of a problem says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not understood: a path, a query, a header.
    BadRequest,
    /// The body is not JSON.
    MalformedJson,
    /// The cursor is not one of ours.
    InvalidCursor,
    /// No key, an unknown one, or one that is refused.
    Unauthorized,
    /// The tenant is known and may not.
    TenantInactive,
    /// `ADMIN_API_KEY` is not set.
    AdminOff,
    /// Nothing is there.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Another tenant has the slug.
    SlugTaken,
    /// A request with the same idempotency key is being carried out.
    RequestRunning,
    /// The idempotency key belongs to another request.
    IdempotencyKeyReused,
    /// The tenant made too many requests.
    RateLimited,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body is not said to be JSON.
    UnsupportedMediaType,
    /// The body is JSON, and says something that cannot be.
    InvalidBody,
    /// A bug.
    Internal,
    /// The database cannot be used now.
    DatabaseUnavailable,
    /// It took too long.
    Timeout,
    /// Any other status, as HTTP names it.
    Status(StatusCode),
}

impl Kind {
    /// Status, name in the `type`, title.
    const fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "The request is not understood"),
            Self::MalformedJson => (StatusCode::BAD_REQUEST, "malformed-json", "The body is not valid JSON"),
            Self::InvalidCursor => (StatusCode::BAD_REQUEST, "invalid-cursor", "The cursor is not valid"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A valid key is needed"),
            Self::TenantInactive => (StatusCode::FORBIDDEN, "tenant-inactive", "The tenant is deactivated"),
            Self::AdminOff => (StatusCode::NOT_FOUND, "admin-off", "The admin API is off"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Self::SlugTaken => (StatusCode::CONFLICT, "slug-taken", "The slug is taken"),
            Self::RequestRunning => {
                (StatusCode::CONFLICT, "request-running", "The request is still being carried out")
            }
            Self::IdempotencyKeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The key belongs to another request",
            ),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests"),
            Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is over the limit")
            }
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body must be JSON")
            }
            Self::InvalidBody => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body is not acceptable")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
            Self::DatabaseUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "database-unavailable", "The database is not available")
            }
            Self::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout", "The request took too long"),
            Self::Status(status) => (status, "", ""),
        }
    }

    /// The status of the answer.
    pub(crate) const fn status(self) -> StatusCode {
        self.row().0
    }

    /// The `type`: `about:blank` where the status says all (RFC 9457, 4.2.1).
    pub(crate) fn uri(self) -> String {
        match self.row().1 {
            "" => "about:blank".to_owned(),
            name => format!("urn:problem-type:adapter:{name}"),
        }
    }

    /// The `title`, the same for every problem of a kind.
    pub(crate) fn title(self) -> &'static str {
        match self.row() {
            (status, _, "") => status.canonical_reason().unwrap_or("Error"),
            (_, _, title) => title,
        }
    }
}

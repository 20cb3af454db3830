//! `Idempotency-Key`: a request that comes again is answered as the first time, and not carried out again.
//!
//! * The same key with the same method, path and body gets the stored status and body, and `Idempotent-Replayed:
//!   true`. With anything else it is refused (422); while the first is still being carried out, 409.
//! * Answers of 2xx and 4xx are stored, for `ADAPTER_IDEMPOTENCY_TTL`. An answer of 5xx is not: the key is given back,
//!   so that the request can be tried again.
//! * What is refused before the request is looked at stores nothing: 401, 403, 413, 429.
//! * A process that is killed leaves a key with a lease that ends by itself.

mod key;
mod layer;
mod store;

use std::time::Duration;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use uuid::Uuid;

use key::KeyedRequest;
pub(crate) use layer::layer;
use store::Stored;
pub(crate) use store::{Claim, TRIES, Ticket, answer_sql, bind, claim_sql, read};

use crate::auth::TenantAuth;
use crate::db::{Committed, Transaction};
use crate::problem::{self, Kind, Problem};
use crate::state::App;

/// Says that an answer is an earlier one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long one whose request is being carried out should wait, in seconds.
const RETRY_AFTER: u64 = 1;

/// What a request may take beyond its time limit, to write down its end.
const MARGIN: Duration = Duration::from_secs(10);

/// Rows that one statement removes.
const BATCH: i64 = 1000;

/// After this time, one that is carrying out a request is taken for dead.
pub(crate) fn lease(app: &App) -> Duration {
    app.options.request_timeout + MARGIN
}

/// The ticket of a request that has a key.
///
/// # Errors
///
/// 400 where the header holds no key.
pub(crate) fn ticket(
    app: &App,
    who: &TenantAuth,
    parts: &Parts,
    body: &Bytes,
) -> Result<Option<Ticket>, Problem> {
    let request = KeyedRequest::read(&parts.headers, &parts.method, parts.uri.path(), body);
    let request = request.map_err(|key::Malformed| {
        Problem::new(
            Kind::BadRequest,
            "an Idempotency-Key is one header of 1 to 255 visible ASCII characters",
        )
    })?;
    Ok(request.map(|request| Ticket { id: Uuid::now_v7(), tenant: who.id, request, lease: lease(app) }))
}

/// Takes the key of a request.
async fn take(app: &App, who: &TenantAuth, ticket: &Ticket) -> Result<Claim, Problem> {
    app.db
        .tenant(who, |mut transaction| async move {
            let claim = store::claim(&mut transaction, ticket).await?;
            transaction.commit(claim).await
        })
        .await
}

/// Does what must be done for a tenant whatever has become of its key meanwhile: a request that was let in is written
/// down to its end.
///
/// # Errors
///
/// Those of `work`; 503 without a database.
pub(crate) async fn finish<T, F>(
    app: &App,
    who: &TenantAuth,
    work: impl Fn(Transaction) -> F,
) -> Result<T, Problem>
where
    F: Future<Output = Result<Committed<T>, Problem>>,
{
    match app.db.tenant(who, &work).await {
        Err(problem) if matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            app.db.admin(&work).await
        }
        other => other,
    }
}

/// The answer to a request that cannot be carried out. It is kept with the key: the same request, made again, is
/// answered in the same way.
///
/// # Errors
///
/// 503 without a database.
pub(crate) async fn refuse(
    app: &App,
    who: &TenantAuth,
    ticket: &Ticket,
    why: Problem,
    body: &RawValue,
) -> Result<Response, Problem> {
    let (status, ttl) = (i32::from(why.status().as_u16()), app.options.actions.idempotency_ttl);
    let claim = app.db.tenant(who, |mut transaction| async move {
        let claim = store::claim(&mut transaction, ticket).await?;
        if matches!(claim, Claim::Mine(_)) {
            store::answer(&mut transaction, ticket.id, status, body, ttl).await?;
        }
        transaction.commit(claim).await
    });
    Ok(claim.await?.mine().map_or_else(|answer| answer, |_| why.into_response()))
}

/// Removes what is over, batch by batch; says how much it was.
///
/// # Errors
///
/// 503 without a database.
pub(crate) async fn remove_expired(app: &App) -> Result<u64, Problem> {
    let mut total = 0;
    loop {
        let removed = app
            .db
            .admin(|mut transaction| async move {
                let removed = store::remove_expired(&mut transaction, BATCH).await?;
                transaction.commit(removed).await
            })
            .await?;
        total += removed;
        if removed < BATCH.unsigned_abs() {
            return Ok(total);
        }
    }
}

impl Claim {
    /// When it began, for whom the request is to carry out; the answer, for all others.
    #[expect(clippy::result_large_err, reason = "a response is what it is, and either way the usual one")]
    pub(crate) fn mine(self) -> Result<DateTime<Utc>, Response> {
        match self {
            Self::Mine(at) => Ok(at),
            Self::Done(stored) => Err(stored.into_response()),
            Self::Running => Err(running().into_response()),
            Self::Other => Err(other().into_response()),
        }
    }
}

fn running() -> Problem {
    Problem::new(Kind::RequestRunning, "the request with this Idempotency-Key is still being carried out")
        .retry_after(RETRY_AFTER)
}

fn other() -> Problem {
    Problem::new(
        Kind::IdempotencyKeyReused,
        "the Idempotency-Key was used for a request with another method, path or body; every request needs its own",
    )
}

impl IntoResponse for Stored {
    fn into_response(self) -> Response {
        let status = u16::try_from(self.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::OK);
        let media_type = match status.is_client_error() {
            true => problem::MEDIA_TYPE,
            false => "application/json",
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
            (REPLAYED, HeaderValue::from_static("true")),
        ];
        (status, headers, self.body.to_string()).into_response()
    }
}

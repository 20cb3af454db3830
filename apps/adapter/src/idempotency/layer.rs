//! Idempotency for any route: takes the key, lets the route answer, keeps the answer.
//!
//! Routes that write rows which must come and go with the key do it themselves (`api::actions`).

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::value::RawValue;

use super::{Ticket, finish, store, take, ticket};
use crate::auth::TenantAuth;
use crate::edge::RequestId;
use crate::json::unreadable;
use crate::problem::{Kind, Problem};
use crate::state::App;

/// No answer of a route that changes something is longer.
const LONGEST: usize = 16 * 1024 * 1024;

/// The layer; it comes after that which lets tenants in.
pub(crate) async fn layer(
    State(app): State<Arc<App>>,
    who: TenantAuth,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let changes = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    if !changes || !request.headers().contains_key(super::key::HEADER) {
        return Ok(next.run(request).await);
    }
    let (parts, body) = request.into_parts();
    let body = Request::from_parts(parts.clone(), body);
    let body = Bytes::from_request(body, &()).await.map_err(unreadable)?;
    let Some(ticket) = ticket(&app, &who, &parts, &body)? else {
        return Ok(next.run(Request::from_parts(parts, Body::from(body))).await);
    };
    let request = Request::from_parts(parts, Body::from(body));
    // A client that hangs up does not stop what it has begun.
    tokio::spawn(answer_once(app, who, ticket, request, next))
        .await
        .map_err(|why| Problem::new(Kind::Internal, "the request ended in an unforeseen way").because(why))?
}

async fn answer_once(
    app: Arc<App>,
    who: TenantAuth,
    ticket: Ticket,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Err(answer) = take(&app, &who, &ticket).await?.mine() {
        return Ok(answer);
    }
    let (id, uri) = (request.extensions().get::<RequestId>().cloned(), request.uri().clone());
    let response = next.run(request).await;
    if response.status().is_server_error() {
        give_back(&app, &who, &ticket).await;
        return Ok(response);
    }
    let status = i32::from(response.status().as_u16());
    let problem = response.extensions().get::<Problem>().cloned();
    let (response, body) = match (problem, id) {
        (Some(problem), Some(id)) => {
            let body = serde_json::value::to_raw_value(&problem.body(&id, &uri)).map_err(not_json)?;
            (response, body)
        }
        _ => read(response).await?,
    };
    let (app, body, ttl, ticket) = (&app, &*body, app.options.actions.idempotency_ttl, ticket.id);
    let kept = finish(app, &who, |mut transaction| async move {
        store::answer(&mut transaction, ticket, status, body, ttl).await?;
        transaction.commit(()).await
    });
    if let Err(why) = kept.await {
        // What was asked for has been done. The key is free again when its lease is over.
        tracing::warn!(cause = why.cause(), "the answer to a request with an Idempotency-Key was not stored");
    }
    Ok(response)
}

/// After a failure of the service the request may be tried again.
async fn give_back(app: &App, who: &TenantAuth, ticket: &Ticket) {
    let freed = finish(app, who, |mut transaction| async move {
        store::free(&mut transaction, ticket.id).await?;
        transaction.commit(()).await
    });
    if let Err(why) = freed.await {
        tracing::warn!(cause = why.cause(), "an Idempotency-Key stays taken until its lease is over");
    }
}

/// Reads a body, and puts it back.
async fn read(response: Response) -> Result<(Response, Box<RawValue>), Problem> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LONGEST).await.map_err(not_json)?;
    let text = match bytes.is_empty() {
        true => "null",
        false => std::str::from_utf8(&bytes).map_err(not_json)?,
    };
    let json = RawValue::from_string(text.to_owned()).map_err(not_json)?;
    Ok((Response::from_parts(parts, Body::from(bytes)), json))
}

fn not_json(why: impl ToString) -> Problem {
    Problem::new(Kind::Internal, "the answer cannot be kept; the service's log has the reason").because(why)
}

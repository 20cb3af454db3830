//! `/api/v1/actions`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::carry_out::{Outcome, carry_out, unforeseen};
use crate::actions::list::{self, Filter};
use crate::actions::named::TypeName;
use crate::actions::provider::MAX_NAME;
use crate::actions::store::{Beginning, Entry};
use crate::auth::TenantAuth;
use crate::edge::RequestId;
use crate::idempotency::{self, Ticket};
use crate::json;
use crate::page::{Cursor, Page};
use crate::problem::{Kind, Problem, ProblemBody};
use crate::query::{Id, Query};
use crate::state::App;

/// The routes; whoever comes here is a tenant.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read))
}

/// What is to be done, by whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAction {
    #[schema(inline)]
    action_type: TypeName,
    /// `echo`, or a name of the tenant's provider configurations.
    #[schema(min_length = 1, max_length = 100, example = "echo")]
    provider: String,
    /// What the provider is sent: any JSON object.
    #[schema(value_type = Object, example = json!({ "email": "ada@example.com" }))]
    payload: Map<String, Value>,
    /// What the caller wants to find the action by: any JSON object. `user_id`, `resource_type` and `resource_id` can be
    /// filtered by.
    #[schema(value_type = Option<Object>, example = json!({ "user_id": "u-17" }))]
    metadata: Option<Map<String, Value>>,
}

/// Where the answer to a request belongs to.
struct Asked {
    id: RequestId,
    uri: Uri,
}

/// Run an action
///
/// The provider is called, and once more after a pause where that may help (no connection, 429, 5xx). The answer comes
/// when the action has ended, and is 201 whether it went well or not: `status` says `success`, `failure` (the provider
/// refused, or answered what is not JSON) or `timeout` (no answer in time). An action whose process was killed stays
/// `pending` for a while and then becomes a `failure`.
///
/// With `Idempotency-Key` the same request gets the same answer again, with `Idempotent-Replayed: true`, and is not
/// carried out again. Answers of 2xx and 4xx are kept; after 5xx the key is free again.
#[utoipa::path(
    post, path = "/api/v1/actions", operation_id = "run_action", tag = "actions", security(("tenant" = [])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewAction,
    responses(
        (status = 201, description = "The action has ended; `status` says how", body = Entry),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn create(
    State(app): State<Arc<App>>,
    who: TenantAuth,
    id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = Request::from_parts(parts.clone(), body);
    let body = Bytes::from_request(body, &()).await.map_err(json::unreadable)?;
    let ticket = idempotency::ticket(&app, &who, &parts, &body)?;
    let new = read_new(&parts, &body, who.id);
    let asked = Asked { id, uri: parts.uri };
    // A client that hangs up does not stop what it has begun.
    tokio::spawn(async move { answer(&app, &who, new, ticket, &asked).await }).await.map_err(unforeseen)?
}

async fn answer(
    app: &App,
    who: &TenantAuth,
    new: Result<Beginning, Problem>,
    ticket: Option<Ticket>,
    asked: &Asked,
) -> Result<Response, Problem> {
    let outcome = match new {
        Ok(new) => carry_out(app, who, new, ticket.as_ref()).await?,
        Err(problem) => Outcome::Refused(problem),
    };
    match (outcome, ticket) {
        (Outcome::Answer(answer), _) => Ok(answer),
        (Outcome::Refused(problem), None) => Err(problem),
        (Outcome::Refused(problem), Some(ticket)) => {
            let body = to_raw_value(&problem.body(&asked.id, &asked.uri)).map_err(unforeseen)?;
            idempotency::refuse(app, who, &ticket, problem, &body).await
        }
    }
}

fn read_new(parts: &Parts, body: &[u8], tenant: Uuid) -> Result<Beginning, Problem> {
    json::insist_on_json(&parts.headers)?;
    let new: NewAction = json::parse(body)?;
    if !(1..=MAX_NAME).contains(&new.provider.chars().count()) {
        return Err(Problem::field("provider", format!("a provider's name has 1 to {MAX_NAME} characters")));
    }
    let metadata = new.metadata.as_ref().map(to_raw_value).transpose();
    Ok(Beginning {
        id: Uuid::now_v7(),
        tenant,
        action_type: new.action_type.0,
        provider: new.provider,
        payload: to_raw_value(&new.payload).map_err(unforeseen)?,
        metadata: metadata.map_err(unforeseen)?,
    })
}

/// List actions
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/v1/actions", operation_id = "list_actions", tag = "actions", security(("tenant" = [])),
    params(Filter),
    responses(
        (status = 200, description = "A page", body = Page<Entry>),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn list(
    State(app): State<Arc<App>>,
    who: TenantAuth,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Entry>>, Problem> {
    let (tenant, filter) = (who.id, &filter);
    let page = app.db.tenant(&who, |mut transaction| async move {
        let rows = list::page(&mut transaction, tenant, filter).await?;
        transaction.commit(rows).await
    });
    let key = |entry: &Entry| Cursor { at: entry.created_at, id: entry.id };
    Ok(Json(Page::of(page.await?, filter.limit, key)))
}

/// Read an action
#[utoipa::path(
    get, path = "/api/v1/actions/{id}", operation_id = "read_action", tag = "actions", security(("tenant" = [])),
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The action", body = Entry),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn read(State(app): State<Arc<App>>, who: TenantAuth, Id(id): Id) -> Result<Json<Entry>, Problem> {
    let tenant = who.id;
    let found = app.db.tenant(&who, |mut transaction| async move {
        let found = list::find(&mut transaction, tenant, id).await?;
        transaction.commit(found).await
    });
    found
        .await?
        .map(Json)
        .ok_or_else(|| Problem::new(Kind::NotFound, "the tenant has no action with this id"))
}

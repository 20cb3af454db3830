//! The admin API: tenants and their keys.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::json::Json;
use crate::models::Tenant;
use crate::origin::Origin;
use crate::page::{self, Cursor, Limit, Page};
use crate::problem::{Kind, Problem, ProblemBody};
use crate::query::{Id, Query};
use crate::state::App;
use crate::tenant::key::{self, NewKey};
use crate::tenant::{self, COLUMNS, TenantView, slug};

/// So many slugs with a number are tried before the operator has to choose one.
const ATTEMPTS: u32 = 100;

/// `tenants.name` has room for so many characters.
const LONGEST_NAME: usize = 255;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read))
        .routes(routes!(deactivate))
        .routes(routes!(rotate_key))
}

/// A tenant to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    /// What it is called.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// For addresses. Without one it is made from the name, with a number if that is taken.
    #[schema(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    slug: Option<String>,
    /// Whatever operators want to note.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// A tenant and its key, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct WithKey {
    tenant: TenantView,
    /// What the tenant sends as X-API-Key. It cannot be shown again.
    api_key: String,
}

/// Which tenants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Limit,
    /// The page before said it (next_cursor).
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{32}$")]
    cursor: Option<Cursor>,
    /// Only those that are active, or only those that are not.
    active: Option<bool>,
}

/// Makes a tenant, and shows its key.
#[utoipa::path(
    post,
    path = "/api/v1/admin/tenants",
    operation_id = "create_tenant",
    tag = "admin",
    security(("admin" = [])),
    request_body = NewTenant,
    responses(
        (status = 201, description = "Made", body = WithKey),
        (status = 409, description = "The slug is taken", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn create(
    State(app): State<Arc<App>>,
    origin: Origin,
    Json(new): Json<NewTenant>,
) -> Result<impl IntoResponse, Problem> {
    new.check()?;
    let (new, origin, key) = (&new, &origin, &NewKey::make()?);
    let tenant = app.db.admin(|mut tx| async move {
        let tenant = insert(&mut tx, new, key).await?;
        let after = tenant::audited(&tenant);
        let change = change(tenant.id, "create", "tenant", Value::Null, after);
        audit::record(&mut tx, origin, change).await?;
        tx.commit(tenant).await
    });
    let tenant = tenant.await?;
    let mut headers = HeaderMap::new();
    let location = HeaderValue::from_str(&format!("/api/v1/admin/tenants/{}", tenant.id));
    headers.extend(location.ok().map(|location| (header::LOCATION, location)));
    let body = WithKey { tenant: tenant.into(), api_key: key.text.clone() };
    Ok((StatusCode::CREATED, headers, axum::Json(body)))
}

/// Lists tenants, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/tenants",
    operation_id = "list_tenants",
    tag = "admin",
    security(("admin" = [])),
    params(Which),
    responses(
        (status = 200, description = "A page", body = Page<TenantView>),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn list(
    State(app): State<Arc<App>>,
    Query(which): Query<Which>,
) -> Result<axum::Json<Page<TenantView>>, Problem> {
    let which = &which;
    let rows = app.db.admin(|mut tx| async move {
        let mut query = QueryBuilder::<Postgres>::new("SELECT ");
        query.push(COLUMNS).push(" FROM tenants WHERE true");
        if let Some(active) = which.active {
            query.push(" AND is_active = ").push_bind(active);
        }
        page::push(&mut query, which.cursor, which.limit);
        let rows: Vec<Tenant> = query.build_query_as().fetch_all(&mut *tx).await?;
        tx.commit(rows).await
    });
    Ok(axum::Json(Page::of(rows.await?, which.limit, tenant::cursor)))
}

/// Shows a tenant.
#[utoipa::path(
    get,
    path = "/api/v1/admin/tenants/{id}",
    operation_id = "read_tenant",
    tag = "admin",
    security(("admin" = [])),
    params(("id" = Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, description = "The tenant", body = TenantView),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn read(State(app): State<Arc<App>>, Id(id): Id) -> Result<axum::Json<TenantView>, Problem> {
    let tenant = app.db.admin(|mut tx| async move {
        let tenant = find(&mut tx, id).await?;
        tx.commit(tenant).await
    });
    Ok(axum::Json(tenant.await?.into()))
}

/// Deactivates a tenant: its key is refused from now on. Doing it twice changes nothing more.
#[utoipa::path(
    post,
    path = "/api/v1/admin/tenants/{id}/deactivate",
    operation_id = "deactivate_tenant",
    tag = "admin",
    security(("admin" = [])),
    params(("id" = Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, description = "The tenant, deactivated", body = TenantView),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn deactivate(
    State(app): State<Arc<App>>,
    origin: Origin,
    Id(id): Id,
) -> Result<axum::Json<TenantView>, Problem> {
    let origin = &origin;
    let tenant = app.db.admin(|mut tx| async move {
        let before = find(&mut tx, id).await?;
        if !before.is_active {
            return tx.commit(before).await;
        }
        let tenant = update(&mut tx, id, "is_active = false", None).await?;
        let states = [true, false].map(|is_active| json!({ "is_active": is_active }));
        let [before, after] = states;
        audit::record(&mut tx, origin, change(id, "deactivate", "tenant", before, after)).await?;
        tx.commit(tenant).await
    });
    Ok(axum::Json(tenant.await?.into()))
}

/// Replaces a tenant's key, and shows the new one. The old one is refused from now on.
#[utoipa::path(
    post,
    path = "/api/v1/admin/tenants/{id}/rotate-key",
    operation_id = "rotate_key",
    tag = "admin",
    security(("admin" = [])),
    params(("id" = Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, description = "The tenant and its new key", body = WithKey),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn rotate_key(
    State(app): State<Arc<App>>,
    origin: Origin,
    Id(id): Id,
) -> Result<axum::Json<WithKey>, Problem> {
    let (origin, key) = (&origin, &NewKey::make()?);
    let tenant = app.db.admin(|mut tx| async move {
        let before = find(&mut tx, id).await?;
        let tenant = update(&mut tx, id, "api_key_hash = $2", Some(&key.hash)).await?;
        let [before, after] =
            [&before, &tenant].map(|tenant| json!({ "api_key": key::fingerprint(&tenant.api_key_hash) }));
        audit::record(&mut tx, origin, change(id, "rotate", "api_key", before, after)).await?;
        tx.commit(tenant).await
    });
    Ok(axum::Json(WithKey { tenant: tenant.await?.into(), api_key: key.text.clone() }))
}

impl NewTenant {
    fn check(&self) -> Result<(), Problem> {
        if self.name.trim().is_empty() || self.name.chars().count() > LONGEST_NAME {
            return Err(Problem::field("name", format!("a name has 1 to {LONGEST_NAME} characters")));
        }
        match &self.slug {
            Some(slug) if !slug::is_valid(slug) => Err(Problem::field(
                "slug",
                "a slug is made of words of a-z and 0-9 with one hyphen between them, at most 100 characters",
            )),
            _ => Ok(()),
        }
    }
}

async fn insert(connection: &mut PgConnection, new: &NewTenant, key: &NewKey) -> Result<Tenant, Problem> {
    let id = Uuid::now_v7();
    let wanted = new.slug.clone().unwrap_or_else(|| slug::from_name(&new.name, id));
    if let Some(tenant) = try_insert(connection, id, new, &wanted, key).await? {
        return Ok(tenant);
    }
    // One that was asked for is not replaced by another.
    let attempts = if new.slug.is_some() { 1 } else { ATTEMPTS };
    for number in 2..=attempts {
        let slug = slug::numbered(&wanted, number);
        if let Some(tenant) = try_insert(connection, id, new, &slug, key).await? {
            return Ok(tenant);
        }
    }
    Err(Problem::new(Kind::SlugTaken, format!("another tenant has the slug {wanted:?}; choose another slug")))
}

/// Nothing if the slug is taken, also by somebody who is about to commit.
async fn try_insert(
    connection: &mut PgConnection,
    id: Uuid,
    new: &NewTenant,
    slug: &str,
    key: &NewKey,
) -> Result<Option<Tenant>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(
        "INSERT INTO tenants (id, name, slug, api_key_hash, metadata) VALUES (",
    );
    query.push_bind(id).push(", ").push_bind(&new.name).push(", ").push_bind(slug).push(", ");
    query.push_bind(&key.hash).push(", ").push_bind(new.metadata.clone().map(Value::Object));
    query.push(") ON CONFLICT (slug) DO NOTHING RETURNING ").push(COLUMNS);
    query.build_query_as().fetch_optional(connection).await
}

/// The tenant, locked against other changes.
async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Tenant, Problem> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT ");
    query.push(COLUMNS).push(" FROM tenants WHERE id = ").push_bind(id).push(" FOR UPDATE");
    query.build_query_as().fetch_optional(connection).await?.ok_or_else(no_such_tenant)
}

async fn update(
    connection: &mut PgConnection,
    id: Uuid,
    what: &str,
    value: Option<&str>,
) -> Result<Tenant, sqlx::Error> {
    let sql = format!("UPDATE tenants SET {what}, updated_at = now() WHERE id = $1 RETURNING {COLUMNS}");
    // Built from constants; the values are parameters.
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id);
    match value {
        Some(value) => query.bind(value).fetch_one(connection).await,
        None => query.fetch_one(connection).await,
    }
}

fn change(tenant: Uuid, action: &'static str, resource: &'static str, before: Value, after: Value) -> Change {
    Change { tenant, user: Some(audit::ADMIN), action, resource, before, after }
}

fn no_such_tenant() -> Problem {
    Problem::new(Kind::NotFound, "there is no tenant with this id")
}

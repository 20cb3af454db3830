//! What a tenant sees and sets of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::{Postgres, QueryBuilder};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::{self, Change};
use crate::auth::TenantAuth;
use crate::json::Json;
use crate::models::Tenant;
use crate::origin::Origin;
use crate::problem::{Problem, ProblemBody};
use crate::state::App;
use crate::tenant::{COLUMNS, TenantView, configs};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(configure))
}

/// How a provider is reached. Any other field is kept, and taken to be secret.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderConfig {
    /// `http`, or `echo` for development.
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Where it is, without credentials.
    #[schema(nullable = false, format = "uri", pattern = "^https?://[^@?#]+$", max_length = 2000)]
    base_url: Option<String>,
    /// Headers that every request has; their values are secret.
    #[schema(nullable = false)]
    headers: Option<BTreeMap<String, String>>,
}

/// Shows the tenant whose key it is.
#[utoipa::path(
    get,
    path = "/api/v1/tenant",
    operation_id = "read_own_tenant",
    tag = "tenant",
    security(("tenant" = [])),
    responses(
        (status = 200, description = "The tenant", body = TenantView),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn read(State(app): State<Arc<App>>, who: TenantAuth) -> Result<axum::Json<TenantView>, Problem> {
    let tenant = app.db.tenant(&who, |mut tx| async {
        let mut query = QueryBuilder::<Postgres>::new("SELECT ");
        query.push(COLUMNS).push(" FROM tenants WHERE id = ").push_bind(who.id);
        let tenant: Tenant = query.build_query_as().fetch_one(&mut *tx).await?;
        tx.commit(tenant).await
    });
    Ok(axum::Json(tenant.await?.into()))
}

/// Replaces the configuration of all providers. A value that is *** keeps the one that is stored in its place.
#[utoipa::path(
    put,
    path = "/api/v1/tenant/provider-configs",
    operation_id = "configure_providers",
    tag = "tenant",
    security(("tenant" = [])),
    request_body(content = BTreeMap<String, ProviderConfig>),
    responses(
        (status = 200, description = "The tenant, with secrets masked", body = TenantView),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn configure(
    State(app): State<Arc<App>>,
    who: TenantAuth,
    origin: Origin,
    Json(given): Json<Map<String, Value>>,
) -> Result<axum::Json<TenantView>, Problem> {
    let (given, origin, id) = (&given, &origin, who.id);
    let tenant = app.db.tenant(&who, |mut tx| async move {
        let sql = "SELECT provider_configs FROM tenants WHERE id = $1 FOR UPDATE";
        let before: Value = sqlx::query_scalar(sql).bind(id).fetch_one(&mut *tx).await?;
        let after = configs::accepted(given, &before)?;
        let mut query = QueryBuilder::<Postgres>::new("UPDATE tenants SET provider_configs = ");
        query.push_bind(&after).push(", updated_at = now() WHERE id = ").push_bind(id);
        query.push(" RETURNING ").push(COLUMNS);
        let tenant: Tenant = query.build_query_as().fetch_one(&mut *tx).await?;
        let [before, after] = [&before, &after].map(configs::masked);
        let (action, resource) = ("update", "provider_configs");
        let change = Change { tenant: id, user: None, action, resource, before, after };
        audit::record(&mut tx, origin, change).await?;
        tx.commit(tenant).await
    });
    Ok(axum::Json(tenant.await?.into()))
}

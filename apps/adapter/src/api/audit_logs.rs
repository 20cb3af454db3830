//! What was changed, and by whom.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::TenantAuth;
use crate::page::{self, Cursor, Limit, Moment, Page};
use crate::problem::{Problem, ProblemBody};
use crate::query::Query;
use crate::state::App;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which changes. All that is given must hold.
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
    /// What was done: create, update, deactivate, rotate.
    action: Option<String>,
    /// What it was done to: tenant, api_key, provider_configs.
    resource_type: Option<String>,
    /// Its id.
    resource_id: Option<String>,
    /// Who did it: admin, for the admin API.
    user_id: Option<String>,
    /// Not before.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<Moment>,
    /// Before.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<Moment>,
}

/// A change.
#[derive(Debug, FromRow, Serialize, ToSchema)]
struct AuditEntry {
    id: Uuid,
    user_id: Option<String>,
    action: String,
    resource_type: String,
    resource_id: Option<String>,
    /// `before` and `after`; secrets are masked.
    #[schema(value_type = Option<Object>)]
    changes: Option<Value>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    created_at: DateTime<Utc>,
}

/// Lists changes, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/audit-logs",
    operation_id = "list_audit_logs",
    tag = "tenant",
    security(("tenant" = [])),
    params(Which),
    responses(
        (status = 200, description = "A page", body = Page<AuditEntry>),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn list(
    State(app): State<Arc<App>>,
    who: TenantAuth,
    Query(which): Query<Which>,
) -> Result<Json<Page<AuditEntry>>, Problem> {
    let (id, which) = (who.id, &which);
    let rows = app.db.tenant(&who, |mut tx| async move {
        let rows: Vec<AuditEntry> = which.query(id).build_query_as().fetch_all(&mut *tx).await?;
        tx.commit(rows).await
    });
    Ok(Json(Page::of(rows.await?, which.limit, |row| Cursor { at: row.created_at, id: row.id })))
}

impl Which {
    /// Only what is asked for is in the text, so that PostgreSQL plans for it.
    fn query(&self, tenant: Uuid) -> QueryBuilder<Postgres> {
        let mut query = QueryBuilder::new(
            "SELECT id, user_id, action, resource_type, resource_id, changes, ip_address, user_agent, metadata,
                    created_at
             FROM audit_logs WHERE tenant_id = ",
        );
        query.push_bind(tenant);
        let texts = [
            ("action", &self.action),
            ("resource_type", &self.resource_type),
            ("resource_id", &self.resource_id),
            ("user_id", &self.user_id),
        ];
        for (column, wanted) in texts {
            if let Some(wanted) = wanted {
                query.push(" AND ").push(column).push(" = ").push_bind(wanted.clone());
            }
        }
        page::push_range(&mut query, self.from, self.to);
        page::push(&mut query, self.cursor, self.limit);
        query
    }
}

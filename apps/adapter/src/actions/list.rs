//! What a tenant looks for among its actions.

use serde::Deserialize;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use utoipa::IntoParams;
use uuid::Uuid;

use super::named::{Named, StatusName, TypeName};
use super::store::Entry;
use crate::page::{self, Cursor, Limit, Moment};

/// The columns of an [`Entry`]. Enumerations are read as texts: a database that is ahead may have values that this
/// release does not know.
const ENTRY: &str = "SELECT action_type::text, created_at, error_message, execution_time_ms, id, metadata, \
     request_payload AS payload, provider_name::text AS provider, response_data, status::text, updated_at \
     FROM action_logs";

/// Which actions; those that fit everything that is given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// What was to be done.
    #[param(inline)]
    action_type: Option<TypeName>,
    /// How it stands, or how it ended.
    #[param(inline)]
    status: Option<StatusName>,
    /// Who was to do it.
    provider: Option<String>,
    /// `user_id` of the action's metadata.
    user_id: Option<String>,
    /// `resource_type` of the action's metadata.
    resource_type: Option<String>,
    /// `resource_id` of the action's metadata.
    resource_id: Option<String>,
    /// Not before this moment.
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    from: Option<Moment>,
    /// Before this moment.
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    to: Option<Moment>,
    /// How many at most; 50 unless said.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub(crate) limit: Limit,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// One action of a tenant.
pub(crate) async fn find(
    connection: &mut PgConnection,
    tenant: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<Entry>> {
    let mut query = of_tenant(tenant);
    query.push(" AND id = ").push_bind(id);
    query.build_query_as().fetch_optional(connection).await
}

/// A page of a tenant's actions, and one row more if there are more.
pub(crate) async fn page(
    connection: &mut PgConnection,
    tenant: Uuid,
    filter: &Filter,
) -> sqlx::Result<Vec<Entry>> {
    let mut query = of_tenant(tenant);
    filter.narrow(&mut query);
    page::push(&mut query, filter.cursor, filter.limit);
    query.build_query_as().fetch_all(connection).await
}

/// Row-level security says the same; said here, it is a plain constant to the planner.
fn of_tenant(tenant: Uuid) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(ENTRY);
    query.push(" WHERE tenant_id = ").push_bind(tenant);
    query
}

impl Filter {
    fn narrow(&self, query: &mut QueryBuilder<Postgres>) {
        use limbeck::Enum as _;
        if let Some(Named(wanted)) = self.action_type {
            query.push(" AND action_type = ").push_bind(wanted.value()).push("::text::action_type_enum");
        }
        if let Some(Named(wanted)) = self.status {
            query.push(" AND status = ").push_bind(wanted.value()).push("::text::action_status_enum");
        }
        if let Some(provider) = &self.provider {
            query.push(" AND provider_name = ").push_bind(provider.clone());
        }
        self.narrow_by_metadata(query);
        page::push_range(query, self.from, self.to);
    }

    fn narrow_by_metadata(&self, query: &mut QueryBuilder<Postgres>) {
        let wanted = [
            ("user_id", &self.user_id),
            ("resource_type", &self.resource_type),
            ("resource_id", &self.resource_id),
        ];
        for (name, value) in wanted {
            if let Some(value) = value {
                query.push(format_args!(" AND metadata ->> '{name}' = ")).push_bind(value.clone());
            }
        }
    }
}

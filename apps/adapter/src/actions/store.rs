//! The rows of `action_logs`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use limbeck::Enum as _;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, Postgres};
use uuid::Uuid;

use super::run::Ended;
use crate::idempotency::{self, Claim, Ticket, claim_sql};
use crate::models::{ActionStatus, ActionType};

/// An action as the API shows it.
///
/// The fields are in the order of the alphabet. An answer that is replayed has passed through jsonb and comes out so;
/// thus it is the first one to the byte.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
#[schema(as = Action)]
pub(crate) struct Entry {
    /// What was to be done.
    #[schema(example = "crm_create")]
    pub(crate) action_type: String,
    pub(crate) created_at: DateTime<Utc>,
    /// Why it did not succeed; while it is `retry`, why not yet.
    pub(crate) error_message: Option<String>,
    /// How long it took, all attempts and the pauses between them included.
    pub(crate) execution_time_ms: i32,
    pub(crate) id: Uuid,
    /// What the caller noted down about it.
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<Json<Box<RawValue>>>,
    /// What the provider was sent.
    #[schema(value_type = Object)]
    pub(crate) payload: Json<Box<RawValue>>,
    /// Who was to do it.
    #[schema(example = "echo")]
    pub(crate) provider: String,
    /// What the provider answered: any JSON.
    #[schema(value_type = Option<Object>)]
    pub(crate) response_data: Option<Json<Box<RawValue>>>,
    /// `pending`, `retry` (between two attempts), or how it ended: `success`, `failure`, `timeout`.
    #[schema(example = "success")]
    pub(crate) status: String,
    pub(crate) updated_at: DateTime<Utc>,
}

/// An action that is about to begin.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) action_type: ActionType,
    pub(crate) provider: String,
    pub(crate) payload: Box<RawValue>,
    pub(crate) metadata: Option<Box<RawValue>>,
}

const BEGIN: &str = "INSERT INTO action_logs
        (id, tenant_id, action_type, provider_name, request_payload, status, execution_time_ms, metadata)
    VALUES ($1, $2, $3::text::action_type_enum, $4, $5, 'pending', 0, $6)
    RETURNING created_at";

const BEGIN_WITH_KEY: &str = claim_sql!(
    ", logged AS (
        INSERT INTO action_logs
            (id, tenant_id, action_type, provider_name, request_payload, status, execution_time_ms, metadata)
        SELECT $8, $2, $9::text::action_type_enum, $10, $11, 'pending', 0, $12 FROM claimed
    )"
);

const END: &str = "UPDATE action_logs
    SET status = $2::text::action_status_enum, response_data = $3, error_message = $4, execution_time_ms = $5,
        updated_at = $6
    WHERE id = $1";

const END_WITH_KEY: &str = concat!(
    "WITH ended AS (
        UPDATE action_logs
        SET status = $2::text::action_status_enum, response_data = $3, error_message = $4, execution_time_ms = $5,
            updated_at = $6
        WHERE id = $1
    )
    ",
    idempotency::answer_sql!("$7", "$8", "$9", "$10")
);

const NOTE: &str = "UPDATE action_logs
    SET status = $2::text::action_status_enum, error_message = $3, updated_at = now()
    WHERE id = $1";

/// What a tenant's configuration says of one provider.
const PROVIDER_CONFIG: &str = "SELECT provider_configs -> $2 FROM tenants WHERE id = $1";

/// Writes an action's entry, `pending`; answers its moment.
pub(crate) async fn begin(connection: &mut PgConnection, new: &Beginning) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar(BEGIN)
        .bind(new.id)
        .bind(new.tenant)
        .bind(new.action_type.value())
        .bind(&new.provider)
        .bind(Json(&new.payload))
        .bind(new.metadata.as_ref().map(Json))
        .fetch_one(connection)
        .await
}

/// Takes the key, and if it is to be had writes the entry: both or neither.
pub(crate) async fn begin_with_key(
    connection: &mut PgConnection,
    new: &Beginning,
    ticket: &Ticket,
) -> sqlx::Result<Claim> {
    for _ in 0..idempotency::TRIES {
        let query = idempotency::bind(BEGIN_WITH_KEY, ticket)
            .bind(new.id)
            .bind(new.action_type.value())
            .bind(&new.provider)
            .bind(Json(&new.payload))
            .bind(new.metadata.as_ref().map(Json));
        let row = query.fetch_optional(&mut *connection).await?;
        if let Some(claim) = idempotency::read(row, &ticket.request)? {
            return Ok(claim);
        }
    }
    Ok(Claim::Running)
}

/// The entry of an action that has ended.
pub(crate) fn ended(new: Beginning, at: DateTime<Utc>, ended: Ended) -> Entry {
    // PostgreSQL keeps microseconds.
    let took = Duration::from_micros(u64::try_from(ended.took.as_micros()).unwrap_or(u64::MAX));
    Entry {
        action_type: new.action_type.value().to_owned(),
        created_at: at,
        error_message: ended.error,
        execution_time_ms: i32::try_from(took.as_millis()).unwrap_or(i32::MAX),
        id: new.id,
        metadata: new.metadata.map(Json),
        payload: Json(new.payload),
        provider: new.provider,
        response_data: ended.response.map(Json),
        status: ended.status.value().to_owned(),
        updated_at: at + took,
    }
}

/// Writes how an action ended.
pub(crate) async fn end(connection: &mut PgConnection, entry: &Entry) -> sqlx::Result<()> {
    bind_end(END, entry).execute(connection).await.map(drop)
}

/// The answer that is kept with a key.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) ticket: Uuid,
    pub(crate) status: i32,
    pub(crate) body: &'a RawValue,
    pub(crate) ttl: Duration,
}

/// Writes how an action ended, and the answer to its request.
pub(crate) async fn end_with_key(
    connection: &mut PgConnection,
    entry: &Entry,
    kept: &Kept<'_>,
) -> sqlx::Result<()> {
    bind_end(END_WITH_KEY, entry)
        .bind(kept.ticket)
        .bind(kept.status)
        .bind(Json(kept.body))
        .bind(kept.ttl.as_secs_f64())
        .execute(connection)
        .await
        .map(drop)
}

fn bind_end<'q>(sql: &'static str, entry: &'q Entry) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql)
        .bind(entry.id)
        .bind(&entry.status)
        .bind(&entry.response_data)
        .bind(&entry.error_message)
        .bind(entry.execution_time_ms)
        .bind(entry.updated_at)
}

/// Writes where an action stands that has not ended.
pub(crate) async fn note(
    connection: &mut PgConnection,
    id: Uuid,
    now: ActionStatus,
    why: &str,
) -> sqlx::Result<()> {
    sqlx::query(NOTE).bind(id).bind(now.value()).bind(why).execute(connection).await.map(drop)
}

/// What the tenant's configuration says of a provider.
pub(crate) async fn provider_config(
    connection: &mut PgConnection,
    tenant: Uuid,
    name: &str,
) -> sqlx::Result<Option<Value>> {
    let config: Option<Option<Value>> =
        sqlx::query_scalar(PROVIDER_CONFIG).bind(tenant).bind(name).fetch_optional(connection).await?;
    Ok(config.flatten())
}

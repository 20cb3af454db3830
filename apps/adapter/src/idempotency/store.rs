//! The rows of `idempotency_keys`.
//!
//! A row without a status stands for a request that is being carried out; its `expires_at` is the end of a lease.
//! A process that is killed leaves such a row: when the lease is over, the next request with the key takes it over.
//! With a status it is the answer, until `expires_at`. Every request that takes a key gives the row a new id, so one
//! that has lost its lease ends nobody else's row.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, Row as _};
use uuid::Uuid;

use super::key::KeyedRequest;

/// A request that wants its key.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) request: KeyedRequest,
    /// After this time the one who has the key is taken for dead.
    pub(crate) lease: Duration,
}

/// What the table says about a request.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Nobody has made it: it is the ticket's to carry out, from this moment on.
    Mine(DateTime<Utc>),
    /// It has been made; this was the answer.
    Done(Stored),
    /// It is being carried out.
    Running,
    /// The key belongs to another request.
    Other,
}

/// An answer that is given again.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) status: i32,
    pub(crate) body: Value,
}

/// The statement that takes a key; `$1` to `$7` are what [`bind`] binds, and what is given is to happen along with
/// taking it. It answers the row that is there, or the new one; or no row, if another transaction has made one in this
/// very moment.
macro_rules! claim_sql {
    ($along:literal) => {
        concat!(
            "WITH found AS (
                SELECT request_method, request_path, request_body_hash, response_status_code, response_body
                FROM idempotency_keys
                WHERE tenant_id = $2 AND idempotency_key = $3 AND expires_at > now()
            ), claimed AS (
                INSERT INTO idempotency_keys AS taken
                    (id, tenant_id, idempotency_key, request_method, request_path, request_body_hash, expires_at)
                SELECT $1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)
                WHERE NOT EXISTS (SELECT FROM found)
                ON CONFLICT (tenant_id, idempotency_key) DO UPDATE
                SET id = excluded.id, request_method = excluded.request_method,
                    request_path = excluded.request_path, request_body_hash = excluded.request_body_hash,
                    response_status_code = NULL, response_body = NULL,
                    created_at = now(), updated_at = now(), expires_at = excluded.expires_at
                WHERE taken.expires_at <= now()
                RETURNING created_at
            )",
            $along,
            "
            SELECT created_at AS claimed_at, NULL AS request_method, NULL AS request_path,
                   NULL AS request_body_hash, NULL AS response_status_code, NULL AS response_body
            FROM claimed
            UNION ALL
            SELECT NULL, request_method, request_path, request_body_hash, response_status_code, response_body
            FROM found"
        )
    };
}
pub(crate) use claim_sql;

/// Takes a key, and nothing else.
pub(super) const CLAIM: &str = claim_sql!("");

/// The statement that keeps an answer, unless the lease was lost; with the names of its parameters.
macro_rules! answer_sql {
    ($id:literal, $status:literal, $body:literal, $ttl:literal) => {
        concat!(
            "UPDATE idempotency_keys SET response_status_code = ",
            $status,
            ", response_body = ",
            $body,
            ", updated_at = now(), expires_at = now() + make_interval(secs => ",
            $ttl,
            ") WHERE id = ",
            $id,
            " AND response_status_code IS NULL"
        )
    };
}
pub(crate) use answer_sql;

const ANSWER: &str = answer_sql!("$1", "$2", "$3", "$4");

const FREE: &str = "DELETE FROM idempotency_keys WHERE id = $1 AND response_status_code IS NULL";

const EXPIRED: &str = "DELETE FROM idempotency_keys WHERE id IN (
        SELECT id FROM idempotency_keys WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED
    )";

/// How often a statement of [`claim_sql`] is tried. The second time it sees the row that came into being while the first
/// ran; if not, others take the key and give it back in quick succession, and it counts as taken.
pub(crate) const TRIES: u32 = 3;

/// Binds `$1` to `$7` of a statement of [`claim_sql`].
pub(crate) fn bind<'q>(sql: &'static str, ticket: &'q Ticket) -> Query<'q, Postgres, PgArguments> {
    let request = &ticket.request;
    sqlx::query(sql)
        .bind(ticket.id)
        .bind(ticket.tenant)
        .bind(&request.key)
        .bind(&request.method)
        .bind(&request.path)
        .bind(&request.body_hash)
        .bind(ticket.lease.as_secs_f64())
}

/// Reads what a statement of [`claim_sql`] answers; `None`: it must be asked again.
pub(crate) fn read(row: Option<PgRow>, request: &KeyedRequest) -> sqlx::Result<Option<Claim>> {
    let Some(row) = row else { return Ok(None) };
    if let Some(at) = row.try_get("claimed_at")? {
        return Ok(Some(Claim::Mine(at)));
    }
    let same = row.try_get::<&str, _>("request_method")? == request.method
        && row.try_get::<&str, _>("request_path")? == request.path
        && row.try_get::<&str, _>("request_body_hash")? == request.body_hash;
    if !same {
        return Ok(Some(Claim::Other));
    }
    let status: Option<i32> = row.try_get("response_status_code")?;
    Ok(Some(match status {
        Some(status) => Claim::Done(Stored { status, body: body(&row)? }),
        None => Claim::Running,
    }))
}

fn body(row: &PgRow) -> sqlx::Result<Value> {
    row.try_get::<Option<Value>, _>("response_body").map(Option::unwrap_or_default)
}

/// Takes a key.
pub(super) async fn claim(connection: &mut PgConnection, ticket: &Ticket) -> sqlx::Result<Claim> {
    for _ in 0..TRIES {
        let row = bind(CLAIM, ticket).fetch_optional(&mut *connection).await?;
        if let Some(claim) = read(row, &ticket.request)? {
            return Ok(claim);
        }
    }
    Ok(Claim::Running)
}

/// Keeps an answer for `ttl`.
pub(super) async fn answer(
    connection: &mut PgConnection,
    ticket: Uuid,
    status: i32,
    body: &RawValue,
    ttl: Duration,
) -> sqlx::Result<()> {
    let query = sqlx::query(ANSWER).bind(ticket).bind(status).bind(Json(body)).bind(ttl.as_secs_f64());
    query.execute(connection).await.map(drop)
}

/// Gives a key back: the request may be made again.
pub(super) async fn free(connection: &mut PgConnection, ticket: Uuid) -> sqlx::Result<()> {
    sqlx::query(FREE).bind(ticket).execute(connection).await.map(drop)
}

/// Removes up to `batch` rows whose time is over, of all tenants; says how many there were.
pub(super) async fn remove_expired(connection: &mut PgConnection, batch: i64) -> sqlx::Result<u64> {
    Ok(sqlx::query(EXPIRED).bind(batch).execute(connection).await?.rows_affected())
}

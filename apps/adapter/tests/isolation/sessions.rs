//! A pooled connection, used for one tenant after another.

use futures_util::FutureExt as _;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row as _};

use crate::migrator::ROLES;
use crate::place::{A, B, LOGINS, Place};

/// How a transaction ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    Rollback,
    /// A statement fails, and the handler returns.
    Error,
    /// Nobody waits for the handler any more, and a statement still runs.
    Dropped,
}

#[tokio::test]
async fn a_connection_keeps_nothing_of_the_tenant_before() {
    let place = Place::with_tenants().await;
    for (database, login) in LOGINS {
        // One connection, so that everybody gets it.
        let pool =
            PgPoolOptions::new().max_connections(1).connect(&place.url(database, login)).await.unwrap();
        let backend = number(&pool, "SELECT pg_backend_pid()").await;
        for end in [End::Commit, End::Rollback, End::Error, End::Dropped] {
            for tenant in [A, B] {
                assert_eq!(seen_by(&pool, tenant, end).await, tenant, "{login}, {end:?}");
                assert_eq!(left_over(&pool).await, format!("{login} as {login} for ''"), "{end:?}");
                let forgetful = number(&pool, "SELECT count(*)::int FROM action_logs").await;
                assert_eq!(forgetful, if login == "postgres" { 4 } else { 0 }, "{login}, {end:?}");
                // The role without a tenant: the setting is empty now, and no longer NULL.
                let role = format!("BEGIN; SELECT set_config('role', '{}', true)", ROLES[0]);
                let mut transaction = pool.begin_with(AssertSqlSafe(role)).await.unwrap();
                let sql = "SELECT (SELECT count(*) FROM action_logs) + (SELECT count(*) FROM tenants)";
                let seen: i64 = sqlx::query_scalar(sql).fetch_one(&mut *transaction).await.unwrap();
                assert_eq!(seen, 0, "{login}, {end:?}");
            }
        }
        assert_eq!(
            number(&pool, "SELECT pg_backend_pid()").await,
            backend,
            "it was one connection all the time"
        );
        pool.close().await;
    }
}

/// The tenants whose rows a transaction sees that begins as the service's requests do, in one message.
async fn seen_by(pool: &PgPool, tenant: &str, end: End) -> String {
    let opening = format!(
        "BEGIN; SELECT set_config('role', '{}', true), set_config('app.current_tenant_id', '{tenant}', true)",
        ROLES[0]
    );
    let mut transaction = pool.begin_with(AssertSqlSafe(opening)).await.unwrap();
    let sql = "SELECT coalesce(string_agg(DISTINCT tenant_id::text, ' '), 'nobody') FROM action_logs";
    let seen = sqlx::query(sql).fetch_one(&mut *transaction).await.unwrap().get(0);
    match end {
        End::Commit => transaction.commit().await.unwrap(),
        End::Rollback => transaction.rollback().await.unwrap(),
        End::Error => {
            let error = sqlx::query("SELECT 1 / 0").execute(&mut *transaction).await.unwrap_err();
            assert!(error.to_string().contains("division by zero"), "{error}");
        }
        End::Dropped => {
            let slow = sqlx::query("SELECT pg_sleep(0.2)").execute(&mut *transaction);
            assert!(slow.now_or_never().is_none(), "it has begun and is not done");
        }
    }
    seen
}

/// Who the session is, and which tenant it names.
async fn left_over(pool: &PgPool) -> String {
    let sql = "SELECT format('%s as %s for %L', session_user, current_user, current_setting('app.current_tenant_id', true))";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn number(pool: &PgPool, sql: &'static str) -> i32 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

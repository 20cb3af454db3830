//! Readiness and `--migrate` on a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod migrator;
mod support;

use std::time::Duration;

use limbeck_testdb::{Shutdown, TestDb, TestServer};
use migrator::{ROLES, VERSIONS, migrator};
use serde_json::json;
use sqlx::PgConnection;
use support::{Adapter, adapter, logged};

const ALL: [&str; 6] = ["001", "001b", "002", "003", "004", "005"];

fn migrate(url: &str) {
    let output = adapter(&["--migrate"]).env("DATABASE_URL", url).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && log.contains("migration done"), "{}: {log}", output.status);
}

async fn tables(connection: &mut PgConnection) -> Vec<String> {
    let sql =
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
               ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn ready_means_that_nothing_is_pending() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    let mut service = Adapter::start(db.url(), &[]);
    let (status, body) = service.get("/health/ready");
    assert_eq!((status, &body["pending"]), (503, &json!(ALL)), "{body}");
    assert_eq!(body["reason"], "pending: 001, 001b, 002, 003, 004, 005");
    assert_eq!(tables(&mut connection).await, [""; 0], "serving and probing leave the schema alone");

    migrate(db.url());
    let ready = (200, json!({ "status": "ready", "pending": [], "ahead": [] }));
    assert_eq!(service.get("/health/ready"), ready);
    let all = ["action_logs", "alembic_version", "audit_logs", "idempotency_keys", "tenants"];
    assert_eq!(tables(&mut connection).await, all);
    migrate(db.url());
    assert_eq!(service.get("/health/ready"), ready);

    let log = service.stop("TERM");
    assert!(log.contains("migrations are pending") && log.contains(" ready"), "{log}");
}

/// Release N, N+1, N on one database: what a deployment and a roll-back look like to the older release.
#[tokio::test]
async fn a_database_that_is_ahead_counts_as_ready() {
    let db = TestDb::new().await;
    migrate(db.url());
    let service = Adapter::start(db.url(), &[]);
    assert_eq!(service.get("/health/ready").1, json!({ "status": "ready", "pending": [], "ahead": [] }));

    let newer = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(VERSIONS).unwrap().flatten() {
        std::fs::copy(file.path(), newer.path().join(file.file_name())).unwrap();
    }
    let text = "-- Newer\n--\n-- revision: 006\n-- down_revision: 005\n-- branch_labels:\n-- depends_on:\n\
                -- created: 2026-01-01 00:00 UTC\n\n-- limbeck:upgrade\nCREATE TABLE newer (id int);\n\n\
                -- limbeck:downgrade\nDROP TABLE newer;\n";
    std::fs::write(newer.path().join("006_newer.sql"), text).unwrap();
    let report = migrator(newer.path(), ROLES).upgrade(db.url()).await.unwrap();
    assert_eq!((report.steps.len(), report.rows), (1, vec!["006".to_owned()]));

    let ahead = (200, json!({ "status": "ready", "pending": [], "ahead": ["006"] }));
    assert_eq!(service.get("/health/ready"), ahead, "the replica that still runs");
    migrate(db.url());
    let mut rolled_back = Adapter::start(db.url(), &[]);
    assert_eq!(rolled_back.get("/health/ready"), ahead, "and the one that a roll-back starts");
    let mut connection = db.connect().await;
    let sql = "SELECT version_num::text FROM alembic_version";
    let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    assert_eq!(rows, ["006"], "the older release applied nothing");
    assert!(rolled_back.stop("TERM").contains("a newer release's migrations are applied"));

    // What nobody put there on purpose is not ready.
    sqlx::raw_sql("UPDATE alembic_version SET version_num = 'unheard'")
        .execute(&mut connection)
        .await
        .unwrap();
    let (status, body) = service.get("/health/ready");
    assert!(status == 503 && body["reason"].as_str().unwrap().contains("unheard"), "{body}");
}

#[tokio::test]
async fn an_idle_service_holds_no_connection() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    let service = Adapter::start(db.url(), &[]);
    service.get("/health/ready");
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'adapter' AND datname = current_database()";
    for _ in 0..3000 {
        let open: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        if open == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("its connection stays open");
}

#[tokio::test]
async fn the_service_outlives_a_restart_of_the_database() {
    let mut server = TestServer::start(None).await;
    let db = server.create_db().await;
    migrate(db.url());
    let service = Adapter::start(db.url(), &[]);
    assert_eq!(service.get("/health/ready").0, 200);
    server.stop(Shutdown::Fast).await;
    let (status, body) = service.get("/health/ready");
    assert_eq!(status, 503, "{body}");
    assert_eq!(service.get("/health").0, 200);
    server.restart().await;
    let (status, body) = service.get("/health/ready");
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn what_the_models_rely_on_and_the_database_lacks_is_in_the_log() {
    let db = TestDb::new().await;
    let migrated = adapter(&["--migrate"]).env("DATABASE_URL", db.url()).output().unwrap();
    let log = String::from_utf8_lossy(&migrated.stderr);
    assert!(!log.contains("models"), "{log}");
    let mut connection = db.connect().await;
    let by_hand = "ALTER TABLE action_logs DROP COLUMN metadata; ALTER TABLE audit_logs ALTER COLUMN action DROP NOT NULL";
    sqlx::raw_sql(by_hand).execute(&mut connection).await.unwrap();
    let mut service = Adapter::start(db.url(), &[]);
    logged(
        &mut service.log,
        "not as this release's models say: column public.action_logs.metadata is missing",
    );
    logged(&mut service.log, "not as this release's models say: column public.audit_logs.action may be NULL");
    assert_eq!(service.get("/health/ready").0, 200);
}

#[test]
fn a_migration_that_cannot_begin_fails() {
    let url = "postgresql://someone:hush-hush@127.0.0.1:1/none";
    let output = adapter(&["--migrate"]).env("DATABASE_URL", url).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("refused") && !log.contains("hush-hush"), "{log}");
}

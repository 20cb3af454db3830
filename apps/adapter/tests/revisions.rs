//! The five revisions on data that is not kind. That they leave the schemas of their Alembic originals is
//! tested beside the executor (`crates/limbeck/tests/execute_live/reference.rs`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::Path;

use limbeck_testdb::TestDb;
use sqlx::{AssertSqlSafe, PgConnection};

const REVISIONS: [(&str, &str); 5] = [
    ("001", "001_initial_schema"),
    ("001b", "001b_update_tenant_schema"),
    ("002", "002_add_test_tenant"),
    ("003", "003_add_idempotency_table"),
    ("004", "004_add_row_level_security"),
];

const KEY_HASH: &str = "2688f4e126ca5efd4a60022073e6cd90017626e56c3f30b194d53e6299edfe3c";

enum Direction {
    Up,
    Down,
}
use Direction::{Down, Up};

fn read(path: String) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Runs one section as limbeck does: in one transaction, with row_security off.
async fn apply(connection: &mut PgConnection, revision: &str, direction: Direction) {
    let file = REVISIONS.iter().find(|(id, _)| *id == revision).unwrap().1;
    let text = read(format!("migrations/versions/{file}.sql"));
    let (up, down) = text.split_once("\n-- limbeck:downgrade\n").unwrap();
    let section = match direction {
        Up => up.split_once("\n-- limbeck:upgrade\n").unwrap().1,
        Down => down,
    };
    run(connection, format!("BEGIN; SET LOCAL row_security = off;\n{section}\n;COMMIT;")).await;
}

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// Tenants in the order of their age, and the slugs that they must get.
fn slugs() -> Vec<(String, String)> {
    let x = |n| "x".repeat(n);
    let plain = [
        ("", "tenant-00000001"),
        ("測試公司", "tenant-00000002"),
        ("  🎉 ", "tenant-00000003"),
        ("Acme", "acme"),
        ("ACME!", "acme-4"),
        ("acme", "acme-5"),
        ("Acme-2", "acme-2"),
        ("acme 2", "acme-2-2"),
        ("Acme #3", "acme-3"),
        ("tenant-00000001", "tenant-00000001-2"),
        ("  Ärger & Öl  ", "rger-l"),
        ("ISTANBUL I", "istanbul-i"),
        ("O'Brien; DROP TABLE tenants\n--", "o-brien-drop-table-tenants"),
        ("Test Tenant", "test-tenant"),
    ];
    let long = [
        (x(255), x(100)),
        (x(254), x(98) + "-3"),
        (x(253), x(98) + "-4"),
        (x(98) + "-2", x(98) + "-2"),
        ("y".repeat(99) + " z", "y".repeat(99)),
        ("z".repeat(97) + "-" + &x(50), "z".repeat(97) + "-xx"),
        ("z".repeat(97) + "-" + &x(60), "z".repeat(97) + "-2"),
    ];
    plain.map(|(name, slug)| (name.to_owned(), slug.to_owned())).into_iter().chain(long).collect()
}

#[tokio::test]
async fn slugs_are_filled_in_from_whatever_names_there_are() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    apply(&mut connection, "001", Up).await;
    let expected = slugs();
    for (at, (name, _)) in expected.iter().enumerate() {
        // Two tenants of each age: then the id decides.
        let sql = "INSERT INTO tenants (id, name, api_key, created_at)
                   VALUES ($1::text::uuid, $2, $3, timestamptz '2025-01-01Z' + $4 * interval '1 day')";
        let id = format!("{:08}-0000-4000-8000-000000000000", at + 1);
        let day = f64::from(u32::try_from(at / 2).unwrap());
        let query = sqlx::query(sql).bind(id).bind(name).bind(format!("key {at}")).bind(day);
        query.execute(&mut connection).await.unwrap();
    }
    for round in ["first", "after a downgrade"] {
        apply(&mut connection, "001b", Up).await;
        let sql = "SELECT name::text, slug::text FROM tenants ORDER BY id";
        let actual: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
        assert_eq!(actual, expected, "{round}");
        apply(&mut connection, "001b", Down).await;
    }
}

#[tokio::test]
async fn audit_entries_without_a_resource_survive_the_downgrade() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    apply(&mut connection, "001", Up).await;
    apply(&mut connection, "001b", Up).await;
    apply(&mut connection, "002", Up).await;
    let sql = "INSERT INTO audit_logs (id, tenant_id, action, resource_type, resource_id)
               SELECT gen_random_uuid(), id, 'login', 'tenant', NULL FROM tenants";
    run(&mut connection, sql.to_owned()).await;
    // 002's downgrade would take the entry along with its tenant.
    apply(&mut connection, "001b", Down).await;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM audit_logs WHERE resource_id = ''").await, 1);
}

#[tokio::test]
async fn the_test_tenant_harms_nobody() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    apply(&mut connection, "001", Up).await;
    apply(&mut connection, "001b", Up).await;
    let tenants = "SELECT count(*) FROM tenants";
    for _ in 0..2 {
        apply(&mut connection, "002", Up).await;
        let sql = "SELECT name::text, slug::text, api_key_hash::text, is_active FROM tenants";
        let rows: Vec<(String, String, String, bool)> =
            sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
        assert_eq!(rows, [("Test Tenant".into(), "test-tenant".into(), KEY_HASH.into(), true)]);
    }
    apply(&mut connection, "002", Down).await;
    apply(&mut connection, "002", Down).await;
    assert_eq!(number(&mut connection, tenants).await, 0);

    // Somebody else's slug, and somebody else's use of the key.
    for (slug, key) in [("test-tenant", "other"), ("other", KEY_HASH)] {
        let values = format!("(gen_random_uuid(), 'Somebody', '{slug}', '{key}')");
        run(&mut connection, format!("INSERT INTO tenants (id, name, slug, api_key_hash) VALUES {values}"))
            .await;
        apply(&mut connection, "002", Up).await;
        assert_eq!(number(&mut connection, tenants).await, 1);
        apply(&mut connection, "002", Down).await;
        assert_eq!(number(&mut connection, tenants).await, 1);
        run(&mut connection, "DELETE FROM tenants".to_owned()).await;
    }
}

#[tokio::test]
async fn policies_keep_tenants_apart() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    for (revision, _) in REVISIONS {
        apply(&mut connection, revision, Up).await;
    }
    let rows = "INSERT INTO tenants (id, name, slug, api_key_hash) VALUES (gen_random_uuid(), 'B', 'b', 'b');
                INSERT INTO action_logs (id, tenant_id, action_type, provider_name, status, execution_time_ms)
                SELECT gen_random_uuid(), id, 'crm_get', 'hubspot', 'success', 1 FROM tenants;
                CREATE ROLE adapter_revisions_test;
                GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA public TO adapter_revisions_test;
                SET ROLE adapter_revisions_test";
    run(&mut connection, rows.to_owned()).await;
    let seen = "SELECT (SELECT count(*) FROM tenants) * 10 + (SELECT count(*) FROM action_logs)";
    assert_eq!(number(&mut connection, seen).await, 0, "a session that names no tenant sees none");
    let tenant = "SET app.current_tenant_id = '00000000-0000-4000-8000-000000000002'; DELETE FROM tenants";
    run(&mut connection, tenant.to_owned()).await;
    assert_eq!(number(&mut connection, seen).await, 11, "its own row of either, and no tenant was deleted");
    run(&mut connection, "SET row_security = off".to_owned()).await;
    let refused = sqlx::query(seen).execute(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("row-level security"), "{refused}");
}

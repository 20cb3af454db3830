//! A database that is down, slow, or changing under the service.

use limbeck_testdb::TestDb;
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use crate::service::{ADMIN_KEY, Service, ask, client};
use crate::support::{Adapter, adapter};

#[tokio::test]
async fn without_a_database_clients_are_told_when_to_come_back() {
    let url = "postgresql://someone:hush-hush@127.0.0.1:1/none";
    let mut adapter = Adapter::start_in(&[("ADMIN_API_KEY", ADMIN_KEY)], url, &[]);
    let client = client();
    for (path, header, key) in
        [("/api/v1/tenant", "X-API-Key", "some"), ("/api/v1/admin/tenants", "X-Admin-Key", ADMIN_KEY)]
    {
        let request = client.get(format!("http://{}{path}", adapter.address)).header(header, key);
        let answer = ask(request.header("X-Request-Id", "look-for-me")).await;
        answer.insist(503, "database-unavailable", path);
        assert_eq!(answer.header("retry-after"), "2");
    }
    let log = adapter.stop("TERM");
    assert!(log.contains("look-for-me") && log.contains("refused") && !log.contains("hush"), "{log}");
}

#[tokio::test]
async fn a_database_without_its_tables_is_not_an_error_of_the_service() {
    let service = Service::new().await;
    let mut connection = service.connect().await;
    connection.execute("ALTER TABLE tenants RENAME TO elsewhere").await.unwrap();
    let answer = ask(service.admin(Method::GET, "/tenants")).await;
    answer.insist(503, "database-unavailable", "/api/v1/admin/tenants");
}

/// The service was there before its tables.
#[tokio::test]
async fn requests_go_well_as_soon_as_the_migrations_are_there() {
    let db = TestDb::new().await;
    let service = Adapter::start_in(&[("ADMIN_API_KEY", ADMIN_KEY)], db.url(), &[]);
    let request = || {
        let url = format!("http://{}/api/v1/tenant", service.address);
        ask(client().get(url).header("X-API-Key", "test-api-key-12345"))
    };
    assert_eq!(service.get("/health/ready").0, 503);
    request().await.insist(503, "database-unavailable", "/api/v1/tenant");
    let migrated = adapter(&["--migrate"]).env("DATABASE_URL", db.url()).output().unwrap();
    assert!(migrated.status.success(), "{migrated:?}");
    assert_eq!(service.get("/health/ready").0, 200);
    assert_eq!(request().await.body["slug"], "test-tenant");
}

#[tokio::test]
async fn what_takes_too_long_is_cut_off_and_undone() {
    let service = Service::start(&[("ADAPTER_REQUEST_TIMEOUT", "4"), ("ADAPTER_POOL_SIZE", "2")]).await;
    let tenant = service.create("One").await;
    let mut connection = service.connect().await;
    let mut lock = connection.begin().await.unwrap();
    lock.execute("SELECT FROM tenants FOR UPDATE").await.unwrap();
    let put = || {
        let request = service.tenant(&tenant.key, Method::PUT, "/tenant/provider-configs");
        ask(request.json(&json!({ "echo": {} })))
    };
    // More often than there are connections: none is lost to it.
    for _ in 0..3 {
        put().await.insist(504, "timeout", "/api/v1/tenant/provider-configs");
    }
    lock.commit().await.unwrap();
    let answer = ask(service.tenant(&tenant.key, Method::GET, "/tenant")).await;
    assert_eq!(answer.body["provider_configs"], json!({}), "{answer:?}");
    assert_eq!(put().await.status, 200);
}

/// A newer release changes a column's type while this one has its statements prepared.
#[tokio::test]
async fn a_plan_that_is_out_of_date_is_made_anew() {
    let service = Service::new().await;
    let tenant = service.create("One").await;
    let all = async || {
        let one = || ask(service.tenant(&tenant.key, Method::GET, "/tenant"));
        let answers = futures_util::future::join_all((0..20).map(|_| one())).await;
        for answer in answers {
            assert_eq!((answer.status, &answer.body["name"]), (200, &json!("One")), "{answer:?}");
        }
    };
    all().await;
    let mut connection = service.connect().await;
    connection.execute("ALTER TABLE tenants ALTER COLUMN name TYPE text").await.unwrap();
    all().await;
    connection.execute("ALTER TABLE tenants ADD COLUMN newer int DEFAULT 7").await.unwrap();
    all().await;
}

#[tokio::test]
async fn sessions_that_the_server_ends_are_replaced() {
    let service = Service::new().await;
    let tenant = service.create("One").await;
    let mut connection = service.connect().await;
    for _ in 0..5 {
        assert_eq!(ask(service.tenant(&tenant.key, Method::GET, "/tenant")).await.status, 200);
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE application_name = 'adapter' AND datname = current_database()";
        connection.execute(sql).await.unwrap();
    }
}

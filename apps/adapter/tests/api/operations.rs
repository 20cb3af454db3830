//! Health, metrics, the description of the API.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::json;

use crate::service::{ADMIN_KEY, Service, ask};
use crate::support::adapter;

#[tokio::test]
async fn parts_have_their_state() {
    let service = Service::new().await;
    assert_eq!(service.adapter.get("/health/live"), (200, json!({ "status": "ok" })));
    let detailed = ask(service.request(Method::GET, "/health/detailed")).await;
    assert_eq!((detailed.status, &detailed.body["state"]), (200, &json!("up")), "{detailed:?}");
    let parts = detailed.body["parts"].as_array().unwrap();
    for name in ["database", "migrations", "pool"] {
        let part = parts.iter().find(|part| part["name"] == name).unwrap();
        assert!(part["state"] == "up" && part["latency_ms"].is_f64(), "{part}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let service = Service::new().await;
    let tenant = service.create("One").await;
    ask(service.admin(Method::GET, &format!("/tenants/{}", tenant.id))).await;
    ask(service.request(Method::GET, "/nothing")).await;
    ask(service.request(Method::from_bytes(b"BREW").unwrap(), "/health")).await;
    let answer = ask(service.request(Method::GET, "/metrics")).await;
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"), "{answer:?}");
    let text = answer.body.as_str().unwrap();
    for line in [
        "adapter_http_requests_total{method=\"POST\",route=\"/api/v1/admin/tenants\",status=\"201\"} 1",
        "adapter_http_requests_total{method=\"GET\",route=\"/api/v1/admin/tenants/{id}\",status=\"200\"} 1",
        "adapter_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "adapter_http_requests_total{method=\"other\",route=\"/health\",status=\"405\"} 1",
        "adapter_http_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/admin/tenants\"} 1",
        "adapter_migrations_pending 0",
        "adapter_db_connections{state=\"max\"} 10",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn every_route_is_described() {
    let service = Service::new().await;
    let answer = ask(service.request(Method::GET, "/openapi.json")).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let paths = &answer.body["paths"];
    for (path, methods) in [
        ("/api/v1/admin/tenants", &["get", "post"][..]),
        ("/api/v1/admin/tenants/{id}", &["get"]),
        ("/api/v1/admin/tenants/{id}/deactivate", &["post"]),
        ("/api/v1/admin/tenants/{id}/rotate-key", &["post"]),
        ("/api/v1/admin/migrations", &["get"]),
        ("/api/v1/actions", &["get", "post"]),
        ("/api/v1/actions/{id}", &["get"]),
        ("/api/v1/tenant", &["get"]),
        ("/api/v1/tenant/provider-configs", &["put"]),
        ("/api/v1/audit-logs", &["get"]),
        ("/health", &["get"]),
        ("/health/live", &["get"]),
        ("/health/ready", &["get"]),
        ("/health/detailed", &["get"]),
        ("/metrics", &["get"]),
    ] {
        for method in methods {
            let described = &paths[path][method];
            assert!(described["responses"].is_object(), "{method} {path}");
            let secured = path.starts_with("/api/");
            assert_eq!(described["security"].is_array(), secured, "{method} {path}");
        }
    }
    let operations = paths.as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(HashSet::<_>::from_iter(&ids).len(), ids.len(), "each has a name of its own: {ids:?}");
}

#[tokio::test]
async fn the_page_needs_no_other_host() {
    let service = Service::new().await;
    let page = ask(service.request(Method::GET, "/docs")).await;
    let html = page.body.as_str().unwrap();
    assert!(page.status == 200 && html.contains("swagger-ui"), "{page:?}");
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("src=\"//"), "{html}");
    let script = ask(service.request(Method::GET, "/docs/swagger-initializer.js")).await;
    assert!(script.body.as_str().unwrap().contains("/openapi.json"), "{script:?}");
}

#[tokio::test]
async fn the_program_itself_asks_whether_it_is_ready() {
    let mut service = Service::new().await;
    let port = service.adapter.address.port().to_string();
    let probe = || {
        let output =
            adapter(&["--probe-health"]).env("ADAPTER_PORT", &port).env("ADAPTER_HOST", "0.0.0.0").output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(probe(), (Some(0), String::new()));
    let mut connection = service.connect().await;
    sqlx::query("DELETE FROM alembic_version").execute(&mut connection).await.unwrap();
    let (code, text) = probe();
    assert!(code == Some(1) && text.contains("is not ready: HTTP/1.0 503"), "{text}");
    service.adapter.stop("TERM");
    let (code, text) = probe();
    assert!(code == Some(1) && text.contains("no answer from the service"), "{text}");
}

#[test]
fn keys_that_can_be_guessed_stop_production() {
    for (key, code, words) in [
        ("hush-hush", 1, "ADMIN_API_KEY has less than 24 characters"),
        ("change-me-before-going-to-production", 1, "ADMIN_API_KEY looks like one of an example"),
        (ADMIN_KEY, 1, "cannot listen on"),
        ("", 1, "cannot listen on"),
    ] {
        let mut command = adapter(&["--host", "no such host"]);
        command.env("ADAPTER_ENV", "production").env("ADMIN_API_KEY", key);
        let output = command.env("DATABASE_URL", "postgresql://127.0.0.1:1/none").output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{key}: {text}");
        assert!(text.contains(words) && (key.is_empty() || !text.contains(key)), "{key}: {text}");
    }
}

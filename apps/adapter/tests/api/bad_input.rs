//! What cannot be is refused with a problem, and leaves nothing behind.

use std::io::{Read as _, Write as _};

use reqwest::Method;
use serde_json::json;

use crate::service::{Service, ask};

/// Method, path (`A` admin, `T` tenant, `-` nobody in front), body, status, kind.
type Case<'a> = (&'a str, &'a str, &'a [u8], u16, &'a str);

const TENANTS: &str = "A/api/v1/admin/tenants";
const CONFIGS: &str = "T/api/v1/tenant/provider-configs";
const LOGS: &str = "T/api/v1/audit-logs";

fn cases() -> Vec<Case<'static>> {
    let leaked = |text: String| -> &'static [u8] { Box::leak(text.into_boxed_str()).as_bytes() };
    let deep = leaked(format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)));
    let long = leaked(json!({ "name": "x".repeat(256) }).to_string());
    let big = leaked(json!({ "name": "x".repeat(3000) }).to_string());
    vec![
        ("POST", TENANTS, b"", 400, "malformed-json"),
        ("POST", TENANTS, b"{", 400, "malformed-json"),
        ("POST", TENANTS, b"{\"name\": \"\xff\"}", 400, "malformed-json"),
        ("POST", TENANTS, b"{\"name\": \"a\tb\"}", 400, "malformed-json"),
        ("POST", TENANTS, b"{\"name\": \"\\ud800\"}", 400, "malformed-json"),
        ("POST", TENANTS, b"[]", 422, "invalid-body"),
        ("POST", TENANTS, b"{}", 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": 1}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": " "}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": "a", "nmae": "b"}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": "a", "slug": "A B"}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": "a", "slug": ""}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": "a", "metadata": []}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": "a\u0000b"}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": "a", "metadata": {"\u0000": 1}}"#, 422, "invalid-body"),
        ("POST", TENANTS, br#"{"name": "a", "metadata": {"n": 1e999}}"#, 400, "malformed-json"),
        ("POST", TENANTS, br#"{"name": "a", "slug": "test-tenant"}"#, 409, "slug-taken"),
        ("POST", TENANTS, long, 422, "invalid-body"),
        ("POST", TENANTS, big, 413, "body-too-large"),
        ("GET", "A/api/v1/admin/tenants/nonsense", b"", 404, "not-found"),
        ("GET", "A/api/v1/admin/tenants/%00", b"", 404, "not-found"),
        ("GET", "A/api/v1/admin/tenants/%ff", b"", 404, "not-found"),
        ("GET", "A/api/v1/admin/tenants/00000000-0000-4000-8000-000000000001", b"", 404, "not-found"),
        (
            "POST",
            "A/api/v1/admin/tenants/00000000-0000-4000-8000-000000000001/deactivate",
            b"",
            404,
            "not-found",
        ),
        (
            "POST",
            "A/api/v1/admin/tenants/00000000-0000-4000-8000-000000000001/rotate-key",
            b"",
            404,
            "not-found",
        ),
        ("GET", "A/api/v1/admin/tenants?active=perhaps", b"", 400, "bad-request"),
        ("GET", "A/api/v1/admin/tenants?cursor=x", b"", 400, "invalid-cursor"),
        ("PUT", CONFIGS, deep, 413, "body-too-large"),
        ("PUT", CONFIGS, br#"[{"a": 1}]"#, 422, "invalid-body"),
        ("PUT", CONFIGS, br#"{"a": 1}"#, 422, "invalid-body"),
        ("PUT", CONFIGS, br#"{"a": {"headers": {"X": "1\r\nEvil: 2"}}}"#, 422, "invalid-body"),
        ("PUT", CONFIGS, br#"{"a": {"key": "\u0000"}}"#, 422, "invalid-body"),
        ("PUT", CONFIGS, br#"{"a": {"key": "***"}}"#, 422, "invalid-body"),
        ("GET", "T/api/v1/audit-logs?limit=0", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?limit=201", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?limit=1&limit=2", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?limit=ten", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?from=yesterday", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?to=%2B99999-01-01T00:00:00Z", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?acton=login", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?action=%00", b"", 400, "bad-request"),
        ("GET", "T/api/v1/audit-logs?cursor=", b"", 400, "invalid-cursor"),
        ("GET", "T/api/v1/audit-logs?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", b"", 400, "invalid-cursor"),
        ("GET", "T/api/v1/audit-logs?cursor=__________________________________", b"", 400, "invalid-cursor"),
        ("DELETE", LOGS, b"", 405, "method-not-allowed"),
        ("PATCH", TENANTS, b"{}", 405, "method-not-allowed"),
        ("GET", "-/api/v1/nothing", b"", 404, "not-found"),
        ("GET", "-/", b"", 404, "not-found"),
        ("GET", "-/docs/nothing.js", b"", 404, "not-found"),
        ("GET", "-/api/v1/tenant", b"", 401, "unauthorized"),
        ("GET", "-/api/v1/admin/tenants", b"", 401, "unauthorized"),
        ("POST", "-/api/v1/admin/tenants", b"{", 401, "unauthorized"),
    ]
}

async fn rows(service: &Service) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM tenants) * 1000 + (SELECT count(*) FROM audit_logs)";
    sqlx::query_scalar(sql).fetch_one(&mut service.connect().await).await.unwrap()
}

#[tokio::test]
async fn each_is_a_problem_and_nothing_is_half_written() {
    let service = Service::start(&[("ADAPTER_BODY_LIMIT", "2048")]).await;
    let tenant = service.create("One").await;
    let before = rows(&service).await;
    for (method, path, body, status, kind) in cases() {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (who, path) = path.split_at(1);
        let mut request = service.request(method.clone(), path).body(body.to_vec());
        request = match who {
            "A" => request.header("X-Admin-Key", crate::service::ADMIN_KEY),
            "T" => request.header("X-API-Key", &tenant.key),
            _ => request,
        };
        let answer = ask(request.header("Content-Type", "application/json")).await;
        answer.insist(status, kind, path.split('?').next().unwrap());
    }
    assert_eq!(rows(&service).await, before);
}

#[tokio::test]
async fn depth_is_limited_where_size_is_not() {
    let service = Service::new().await;
    let tenant = service.create("One").await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let put = service.tenant(&tenant.key, Method::PUT, "/tenant/provider-configs").body(deep);
    let answer = ask(put.header("Content-Type", "application/json")).await;
    answer.insist(400, "malformed-json", "/api/v1/tenant/provider-configs");
}

#[tokio::test]
async fn keys_and_types_of_bodies() {
    let service = Service::new().await;
    for key in ["", "nobody's", &"k".repeat(256), &"k".repeat(257), &"k".repeat(10_000), "' OR true --"] {
        let answer = ask(service.tenant(key, Method::GET, "/tenant")).await;
        answer.insist(401, "unauthorized", "/api/v1/tenant");
        assert_eq!(answer.header("www-authenticate"), "ApiKey");
        let answer =
            ask(service.request(Method::GET, "/api/v1/admin/tenants").header("X-Admin-Key", key)).await;
        answer.insist(401, "unauthorized", "/api/v1/admin/tenants");
    }
    let twice = service.tenant("a", Method::GET, "/tenant").header("X-API-Key", "b");
    ask(twice).await.insist(401, "unauthorized", "/api/v1/tenant");
    let bytes = service.request(Method::GET, "/api/v1/tenant").header("X-API-Key", &b"\xff\xfe"[..]);
    ask(bytes).await.insist(401, "unauthorized", "/api/v1/tenant");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let post =
            service.admin(Method::POST, "/tenants").header("Content-Type", kind).body("{\"name\":\"a\"}");
        ask(post).await.insist(415, "unsupported-media-type", "/api/v1/admin/tenants");
    }
    let post = service
        .admin(Method::POST, "/tenants")
        .header("Content-Type", "application/vnd.x+json; charset=utf-8");
    assert_eq!(ask(post.body("{\"name\":\"a\"}")).await.status, 201);
}

/// What no client library would send.
#[tokio::test]
async fn headers_cannot_be_injected() {
    let service = Service::new().await;
    let tenant = service.create("One").await;
    for (line, status) in [
        ("X-Request-Id: a\r\nX-Evil: 1", "200"),
        ("X-Request-Id: a b<script>", "200"),
        ("X-Request-Id: a\u{0}b", "400"),
        ("X-Request-Id: a\nX-Evil 1", "400"),
        ("X Y: 1", "400"),
    ] {
        let mut stream = service.adapter.connect();
        let head = format!("GET /api/v1/tenant HTTP/1.1\r\nHost: a\r\nX-API-Key: {}\r\n", tenant.key);
        write!(stream, "{head}{line}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line:?}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("x-evil") && !answer.contains("script"), "{answer}");
    }
}

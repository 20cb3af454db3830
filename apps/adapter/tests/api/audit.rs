//! Audit logs: filters, pages, and whose they are.

use reqwest::Method;
use serde_json::json;

use crate::service::{Service, ask};

#[tokio::test]
async fn filters_and_pages_of_ones_own() {
    let service = Service::new().await;
    let (tenant, other) = (service.create("One").await, service.create("Other").await);
    // An hour apart from each other: three logins, then two exports.
    let sql = "INSERT INTO audit_logs (id, tenant_id, user_id, action, resource_type, resource_id, created_at)
               SELECT gen_random_uuid(), t::text::uuid, 'u' || n % 2, CASE WHEN n < 3 THEN 'login' ELSE 'export' END,
                      'session', n::text, timestamptz '2025-01-01Z' + n * interval '1 hour'
               FROM generate_series(0, 4) n, unnest($1::text[]) t";
    let both = vec![tenant.id.clone(), other.id.clone()];
    sqlx::query(sql).bind(both).execute(&mut service.connect().await).await.unwrap();
    for (query, expected) in [
        ("resource_type=session", 5),
        ("action=login", 3),
        ("action=login&user_id=u0", 2),
        ("resource_type=session&resource_id=4", 1),
        ("user_id=admin", 1),
        ("resource_type=tenant", 1),
        ("from=2025-01-01T01:00:00Z&to=2025-01-01T03:00:00Z", 2),
        ("to=2025-01-01T01:00:00%2B01:00", 0),
        ("from=2025-01-01T04:00:00.000Z&resource_type=session", 1),
        ("action=nothing", 0),
        ("action=%27%20OR%20true%20--", 0),
        ("resource_id=", 0),
    ] {
        let page = ask(service.tenant(&tenant.key, Method::GET, &format!("/audit-logs?{query}"))).await;
        let items = page.body["items"].as_array().unwrap_or_else(|| panic!("{query}: {page:?}"));
        assert_eq!(items.len(), expected, "{query}: {page:?}");
    }
    let path = "/audit-logs?resource_type=session&limit=4";
    let first = ask(service.tenant(&tenant.key, Method::GET, path)).await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ask(service.tenant(&tenant.key, Method::GET, &format!("{path}&cursor={cursor}"))).await.body;
    let ids = [&first, &second].map(|page| {
        page["items"].as_array().unwrap().iter().map(|item| item["resource_id"].clone()).collect::<Vec<_>>()
    });
    assert_eq!(ids, [vec![json!("4"), json!("3"), json!("2"), json!("1")], vec![json!("0")]]);
    assert_eq!(second["next_cursor"], json!(null));
}

#[tokio::test]
async fn an_entry_says_where_the_change_came_from() {
    let service = Service::start(&[("ADAPTER_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let tenant = service.create("One").await;
    let put = service
        .tenant(&tenant.key, Method::PUT, "/tenant/provider-configs")
        .header("X-Forwarded-For", "6.6.6.6, 198.51.100.7")
        .header("X-Request-Id", "req-1")
        .header("User-Agent", "probe/1")
        .json(&json!({ "echo": { "kind": "echo" } }));
    assert_eq!(ask(put).await.status, 200);
    let path = "/audit-logs?resource_type=provider_configs";
    let page = ask(service.tenant(&tenant.key, Method::GET, path)).await.body;
    let entry = &page["items"][0];
    assert_eq!(entry["ip_address"], "198.51.100.7");
    assert_eq!((&entry["user_agent"], &entry["user_id"]), (&json!("probe/1"), &json!(null)));
    assert_eq!(entry["metadata"], json!({ "request_id": "req-1" }));
    assert_eq!(entry["changes"], json!({ "before": {}, "after": { "echo": { "kind": "echo" } } }));
}

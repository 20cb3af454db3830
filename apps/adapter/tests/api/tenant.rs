//! What a tenant sees and sets of itself.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{ADMIN_KEY, Service, Tenant, ask};

async fn stored(service: &Service, tenant: &Tenant) -> Value {
    let sql = "SELECT provider_configs FROM tenants WHERE id = $1::text::uuid";
    let mut connection = service.connect().await;
    sqlx::query_scalar(sql).bind(&tenant.id).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let service = Service::new().await;
    let (tenant, other) = (service.create("One").await, service.create("Other").await);
    let secret = json!({
        "hubspot": {
            "base_url": "https://api.example.com/v1",
            "api_key": "hush-hush",
            "headers": { "Authorization": "Bearer hush-hush" },
        },
        "echo": { "kind": "echo" },
    });
    let put = async |body: &Value| {
        ask(service.tenant(&tenant.key, Method::PUT, "/tenant/provider-configs").json(body)).await
    };
    let answer = put(&secret).await;
    let shown = &answer.body["provider_configs"];
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(shown["hubspot"]["api_key"], "***");
    assert_eq!(shown["hubspot"]["headers"], json!({ "Authorization": "***" }));
    assert_eq!(shown["hubspot"]["base_url"], "https://api.example.com/v1");
    assert_eq!(stored(&service, &tenant).await, secret);

    let mut kept = shown.clone();
    kept["hubspot"]["base_url"] = json!("https://other.example.com");
    kept["hubspot"]["headers"]["X-More"] = json!("new hush-hush");
    kept.as_object_mut().unwrap().remove("echo");
    assert_eq!(put(&kept).await.status, 200);
    let expected = json!({ "hubspot": {
        "base_url": "https://other.example.com",
        "api_key": "hush-hush",
        "headers": { "Authorization": "Bearer hush-hush", "X-More": "new hush-hush" },
    }});
    assert_eq!(stored(&service, &tenant).await, expected);

    put(&json!({ "hubspot": { "token": "***" } })).await.insist(
        422,
        "invalid-body",
        "/api/v1/tenant/provider-configs",
    );
    assert_eq!(stored(&service, &tenant).await, expected, "nothing was half done");
    assert_eq!(stored(&service, &other).await, json!({}), "nobody else's");

    for path in ["/tenant", "/audit-logs"] {
        let answer = ask(service.tenant(&tenant.key, Method::GET, path)).await;
        assert!(answer.status == 200 && !answer.body.to_string().contains("hush"), "{answer:?}");
    }
    let answer = ask(service.admin(Method::GET, &format!("/tenants/{}", tenant.id))).await;
    assert!(answer.status == 200 && !answer.body.to_string().contains("hush"), "{answer:?}");
}

#[tokio::test]
async fn a_key_that_was_replaced_is_dead_on_every_replica_at_once() {
    let mut service = Service::new().await;
    let replica = service.replica();
    let tenant = service.create("One").await;
    // Both know the key by now.
    for _ in 0..2 {
        assert_eq!(ask(service.tenant(&tenant.key, Method::GET, "/tenant")).await.status, 200);
        let url = format!("http://{}/api/v1/tenant", replica.address);
        assert_eq!(ask(service.client.get(url).header("X-API-Key", &tenant.key)).await.status, 200);
    }
    let path = format!("/api/v1/admin/tenants/{}/rotate-key", tenant.id);
    let url = format!("http://{}{path}", replica.address);
    assert_eq!(ask(service.client.post(url).header("X-Admin-Key", ADMIN_KEY)).await.status, 200);
    ask(service.tenant(&tenant.key, Method::GET, "/tenant")).await.insist(
        401,
        "unauthorized",
        "/api/v1/tenant",
    );
    service.adapter.stop("TERM");
}

#[tokio::test]
async fn the_published_key_is_for_development() {
    const KEY: &str = "test-api-key-12345";
    let development = Service::new().await;
    assert_eq!(ask(development.tenant(KEY, Method::GET, "/tenant")).await.body["slug"], "test-tenant");
    let mut production = Service::start(&[("ADAPTER_ENV", "production")]).await;
    for _ in 0..3 {
        let refused = ask(production.tenant(KEY, Method::GET, "/tenant")).await;
        refused.insist(401, "unauthorized", "/api/v1/tenant");
    }
    let log = production.adapter.stop("TERM");
    assert_eq!(log.matches("is published, and refused").count(), 1, "{log}");
}

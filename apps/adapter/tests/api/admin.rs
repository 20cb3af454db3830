//! Tenants and their keys, for operators.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Service, ask};
use crate::support::Adapter;

#[tokio::test]
async fn a_tenant_from_its_making_to_its_end() {
    let service = Service::new().await;
    let body = json!({ "name": "Ärger & Öl", "metadata": { "tier": "gold" } });
    let made = ask(service.admin(Method::POST, "/tenants").json(&body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (tenant, key) = (&made.body["tenant"], made.body["api_key"].as_str().unwrap());
    let id = tenant["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("/api/v1/admin/tenants/{id}"));
    assert_eq!((&tenant["slug"], &tenant["is_active"]), (&json!("rger-l"), &json!(true)));
    assert_eq!((&tenant["metadata"], &tenant["provider_configs"]), (&json!({ "tier": "gold" }), &json!({})));
    assert!(key.starts_with("ta_") && key.len() == 46, "{key}");

    let path = format!("/tenants/{id}");
    assert_eq!(&ask(service.admin(Method::GET, &path)).await.body, tenant);
    assert_eq!(&ask(service.tenant(key, Method::GET, "/tenant")).await.body, tenant);

    let rotated = ask(service.admin(Method::POST, &format!("{path}/rotate-key"))).await;
    let new = rotated.body["api_key"].as_str().unwrap();
    assert!(rotated.status == 200 && new != key, "{rotated:?}");
    ask(service.tenant(key, Method::GET, "/tenant")).await.insist(401, "unauthorized", "/api/v1/tenant");
    assert_eq!(ask(service.tenant(new, Method::GET, "/tenant")).await.status, 200);

    for _ in 0..2 {
        let ended = ask(service.admin(Method::POST, &format!("{path}/deactivate"))).await;
        assert_eq!((ended.status, &ended.body["is_active"]), (200, &json!(false)), "{ended:?}");
        let refused = ask(service.tenant(new, Method::GET, "/tenant")).await;
        refused.insist(403, "tenant-inactive", "/api/v1/tenant");
    }

    let sql = "SELECT jsonb_agg(jsonb_build_array(action, resource_type, changes) ORDER BY created_at)
               FROM audit_logs WHERE user_id = 'admin' AND ip_address = '127.0.0.1' AND resource_id = $1";
    let rows: Value = sqlx::query_scalar(sql).bind(id).fetch_one(&mut service.connect().await).await.unwrap();
    let kinds: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row[0], &row[1])).collect();
    let expected = [("create", "tenant"), ("rotate", "api_key"), ("deactivate", "tenant")];
    assert_eq!(kinds, expected.map(|(a, b)| (&*Box::leak(json!(a).into()), &*Box::leak(json!(b).into()))));
    assert_eq!(rows[0][2]["before"], Value::Null);
    assert_eq!(rows[0][2]["after"]["slug"], "rger-l");
    assert_ne!(rows[1][2]["before"], rows[1][2]["after"], "which key it was, and which it is");
    assert_eq!(rows[2][2], json!({ "before": { "is_active": true }, "after": { "is_active": false } }));
    assert!(!rows.to_string().contains(key) && !rows.to_string().contains(new), "{rows}");
}

#[tokio::test]
async fn slugs_are_taken_once() {
    let service = Service::new().await;
    for (name, slug, status, expected) in [
        ("Acme", None, 201, "acme"),
        ("ACME!", None, 201, "acme-2"),
        ("Other", Some("acme-3"), 201, "acme-3"),
        ("acme", None, 201, "acme-4"),
        ("Acme", Some("acme"), 409, ""),
        ("Test Tenant", Some("test-tenant"), 409, ""),
    ] {
        let body = json!({ "name": name, "slug": slug });
        let answer = ask(service.admin(Method::POST, "/tenants").json(&body)).await;
        if status == 409 {
            answer.insist(409, "slug-taken", "/api/v1/admin/tenants");
        } else {
            assert_eq!((answer.status, &answer.body["tenant"]["slug"]), (status, &json!(expected)));
        }
    }
    let unnamed = service.create("測試公司").await;
    let tenant = ask(service.admin(Method::GET, &format!("/tenants/{}", unnamed.id))).await;
    assert_eq!(tenant.body["slug"], format!("tenant-{}", &unnamed.id[..8]));
}

#[tokio::test]
async fn slugs_that_many_want_at_once() {
    let service = Service::new().await;
    let all = |body: Value| {
        let service = &service;
        futures(20, move || ask(service.admin(Method::POST, "/tenants").json(&body)))
    };
    let answers = all(json!({ "name": "Many" })).await;
    let slugs: HashSet<_> = answers.iter().map(|answer| answer.body["tenant"]["slug"].to_string()).collect();
    assert_eq!(slugs.len(), 20, "each gets one of its own: {answers:?}");
    let answers = all(json!({ "name": "One", "slug": "one" })).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((made, refused), (1, 19));
}

/// So many at once.
async fn futures<F: Future>(number: usize, make: impl Fn() -> F) -> Vec<F::Output> {
    futures_util::future::join_all((0..number).map(|_| make())).await
}

#[tokio::test]
async fn pages_hold_every_tenant_once() {
    let service = Service::new().await;
    // All of one moment: only the id tells them apart.
    let sql = "INSERT INTO tenants (id, name, slug, api_key_hash, created_at)
               SELECT gen_random_uuid(), 'T', 't-' || n, 'hash ' || n, '2025-11-01Z' FROM generate_series(1, 7) n";
    sqlx::query(sql).execute(&mut service.connect().await).await.unwrap();
    let (mut seen, mut sizes, mut cursor) = (HashSet::new(), Vec::new(), String::new());
    loop {
        let path = format!("/tenants?limit=3&active=true{cursor}");
        let page = ask(service.admin(Method::GET, &path)).await.body;
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        seen.extend(items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()));
        // What comes in meanwhile is newer, and shifts nothing.
        service.create("Meanwhile").await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    // The test tenant of revision 002 is the newest of the eight.
    assert_eq!((sizes, seen.len()), (vec![3, 3, 2], 8));
    let none = ask(service.admin(Method::GET, "/tenants?active=false")).await;
    assert_eq!(none.body, json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn without_an_admin_key_the_admin_api_is_off() {
    let service = Service::start(&[("ADMIN_API_KEY", " ")]).await;
    for (method, path) in [(Method::GET, "/tenants"), (Method::POST, "/tenants"), (Method::GET, "/tenants/1")]
    {
        let answer = ask(service.admin(method, path)).await;
        answer.insist(404, "admin-off", &format!("/api/v1/admin{path}"));
    }
    let unset = Adapter::start(service.db.url(), &[]);
    assert_eq!(unset.get("/api/v1/admin/tenants").0, 404);
}

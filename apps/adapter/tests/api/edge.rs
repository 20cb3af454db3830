//! What every answer has, and what browsers are told.

use reqwest::Method;

use crate::service::{Service, ask};

#[tokio::test]
async fn every_answer_has_its_headers() {
    let service = Service::new().await;
    for path in ["/health", "/metrics", "/openapi.json", "/nothing", "/docs/", "/api/v1/tenant"] {
        let answer = ask(service.request(Method::GET, path)).await;
        let fixed = [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ];
        for (name, value) in fixed {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
        let policy = answer.header("content-security-policy");
        let expected = if path == "/docs/" { "default-src 'self'" } else { "default-src 'none'" };
        assert!(policy.starts_with(expected), "{path}: {policy}");
        assert_eq!(answer.header("x-request-id").len(), 32, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    for (given, kept) in [("a-1", true), ("x y", false), (&*"x".repeat(129), false)] {
        let answer = ask(service.request(Method::GET, "/health").header("X-Request-Id", given)).await;
        assert_eq!(answer.header("x-request-id") == given, kept, "{given}");
    }
}

#[tokio::test]
async fn origins_are_allowed_by_configuration() {
    let service = Service::start(&[("ADAPTER_CORS_ORIGINS", "https://app.example.com")]).await;
    for (origin, allowed) in [("https://app.example.com", true), ("https://evil.example.com", false)] {
        let preflight = service
            .request(Method::OPTIONS, "/api/v1/tenant/provider-configs")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PUT")
            .header("Access-Control-Request-Headers", "x-api-key");
        for request in [preflight, service.request(Method::GET, "/health").header("Origin", origin)] {
            let answer = ask(request).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let header = answer.header("access-control-allow-origin");
            assert_eq!(header == origin, allowed, "{origin}: {answer:?}");
        }
    }
}

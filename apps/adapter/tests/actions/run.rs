//! Actions: providers of all kinds, good and bad, and what the log says of them.

use std::io::Write as _;
use std::time::Duration;

use crate::client::{Answer, Api, KEY, OTHER_KEY, TENANT, add_other_tenant, database, number, run};
use crate::provider::{Provider, Reply};
use crate::support::Adapter;
use limbeck_testdb::TestDb;
use reqwest::Method;
use serde_json::{Value, json};

/// Options that let a provider of the test be called, and many calls be made.
const OPEN: [&str; 4] = ["--allow-private-providers", "true", "--rate-limit", "0"];

/// A service, its database, and the way to it.
pub(crate) struct Service {
    pub(crate) adapter: Adapter,
    pub(crate) api: Api,
    pub(crate) db: TestDb,
}

/// Starts one.
pub(crate) async fn service(args: &[&str]) -> Service {
    let db = database().await;
    let adapter = Adapter::start(db.url(), args);
    let api = Api::of(&adapter);
    Service { adapter, api, db }
}

/// An action that is in order.
pub(crate) fn action(provider: &str) -> Value {
    json!({ "action_type": "crm_create", "provider": provider, "payload": { "email": "ada@example.com" } })
}

impl Service {
    async fn configure(&self, name: &str, url: &str) {
        let answer = self.api.configure(&json!({ name: { "base_url": url } })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    async fn wait_for(&self, status: &str) -> Value {
        wait_for(&self.db, status).await
    }
}

/// Asks until an entry has this status: for what happens beside a request.
async fn wait_for(db: &TestDb, status: &str) -> Value {
    let mut connection = db.connect().await;
    for _ in 0..6000 {
        let sql = "SELECT to_jsonb(l) FROM action_logs l WHERE status::text = $1";
        let entry: Option<Value> =
            sqlx::query_scalar(sql).bind(status).fetch_optional(&mut connection).await.unwrap();
        if let Some(entry) = entry {
            return entry;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no entry became {status}");
}

#[tokio::test]
async fn an_action_is_logged_from_its_begin_to_its_end() {
    let service = service(&[]).await;
    let mut new = action("echo");
    new["metadata"] = json!({ "user_id": "u-1" });
    let answer = service.api.act(&new).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let entry = &answer.body;
    assert_eq!(entry["status"], "success");
    assert_eq!(entry["action_type"], "crm_create");
    assert_eq!(entry["provider"], "echo");
    assert_eq!(entry["payload"], new["payload"]);
    assert_eq!(entry["metadata"], new["metadata"]);
    assert_eq!(entry["response_data"], json!({ "echo": new["payload"] }));
    assert_eq!(entry["error_message"], Value::Null);
    assert!(
        entry["execution_time_ms"].is_i64() && entry["updated_at"].as_str() >= entry["created_at"].as_str()
    );
    let read = service.api.get(&format!("/api/v1/actions/{}", entry["id"].as_str().unwrap())).await;
    assert_eq!((read.status, &read.body), (200, entry), "what is stored is what was answered");
    let mut connection = service.db.connect().await;
    let sql = format!("SELECT count(*) FROM action_logs WHERE tenant_id = '{TENANT}' AND status = 'success'");
    assert_eq!(number(&mut connection, sql).await, 1);
}

#[tokio::test]
async fn a_provider_gets_json_with_the_tenants_headers_and_one_key_for_all_attempts() {
    let service = service(&OPEN).await;
    let provider = Provider::start(|_, before| match before {
        0 => Reply::Answer("500 Oops", "", "{}".to_owned()),
        _ => Reply::Answer("200 OK", "", "{\"id\": 7, \"text\": \"a\\u0000b\"}".to_owned()),
    });
    let configs =
        json!({ "hub": { "base_url": provider.url(), "headers": { "Authorization": "Bearer hush" } } });
    assert_eq!(service.api.configure(&configs).await.status, 200);
    let answer = service.api.act(&action("hub")).await;
    assert_eq!((answer.status, &answer.body["status"]), (201, &json!("success")), "{}", answer.text);
    assert_eq!(answer.body["response_data"], json!({ "id": 7, "text": "a\u{fffd}b" }));
    assert!(!answer.text.contains("hush"));
    let asked = provider.asked();
    assert_eq!(asked.len(), 2, "once more after a 500");
    for asked in &asked {
        assert_eq!(asked.line, "POST /api HTTP/1.1");
        assert_eq!(asked.header("authorization"), Some("Bearer hush"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.header("idempotency-key"), answer.body["id"].as_str());
        assert_eq!(asked.body["action_type"], "crm_create");
        assert_eq!(asked.body["payload"], json!({ "email": "ada@example.com" }));
    }
}

/// What the provider does; how the action ends, with which words, after how many attempts.
type Case = (&'static str, fn(usize) -> Reply, &'static str, &'static str, usize);

fn answer(status: &'static str, headers: &'static str, body: &str) -> Reply {
    Reply::Answer(status, headers, body.to_owned())
}

const CASES: [Case; 13] = [
    ("html", |_| answer("200 OK", "", "<html>"), "failure", "but not with JSON", 1),
    ("cut", |_| Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "failure", "broke off", 1),
    ("not-http", |_| Reply::Bytes(b"\x00\xffnonsense\r\n\r\n"), "failure", "broke off", 1),
    ("nothing", |_| Reply::Bytes(b""), "failure", "broke off", 1),
    ("huge", |_| answer("200 OK", "", &" ".repeat(2 << 20)), "failure", "longer than 1048576 bytes", 1),
    ("silent", |_| Reply::Silence, "timeout", "did not answer within", 1),
    ("refuses", |_| answer("404 Not Found", "", "{\"why\": 1}"), "failure", "answered 404 Not Found", 1),
    ("elsewhere", |_| answer("302 Found", "Location: /metadata\r\n", ""), "failure", "not followed", 1),
    ("broken", |_| answer("503 Oops", "", "oops"), "failure", "503 Service Unavailable (3 attempts)", 3),
    ("soon", |n| answer(["429 Slow", "200 OK"][n], "Retry-After: 0\r\n", "{}"), "success", "", 2),
    ("later", |_| answer("429 Slow", "Retry-After: 3600\r\n", ""), "failure", "429 Too Many Requests", 1),
    ("twice", |n| answer(["500 A", "502 B", "204 C"][n], "", ""), "success", "", 3),
    ("deep", |_| answer("200 OK", "", &"[".repeat(10_000)), "failure", "but not with JSON", 1),
];

#[tokio::test]
async fn whatever_a_provider_does_the_action_ends() {
    let service = service(&[&OPEN[..], &["--provider-timeout", "5"]].concat()).await;
    let providers: Vec<_> = CASES.iter().map(|case| Provider::start(|_, before| case.1(before))).collect();
    let configs =
        CASES.iter().zip(&providers).map(|(case, provider)| (case.0, json!({ "base_url": provider.url() })));
    let configs: serde_json::Map<_, _> = configs.map(|(name, config)| (name.to_owned(), config)).collect();
    assert_eq!(service.api.configure(&configs.into()).await.status, 200);
    for ((name, _, status, words, attempts), provider) in CASES.iter().zip(&providers) {
        let answer = service.api.act(&action(name)).await;
        assert_eq!((answer.status, &answer.body["status"]), (201, &json!(status)), "{name}: {}", answer.text);
        let error = answer.body["error_message"].as_str().unwrap_or_default();
        assert!(error.contains(words) && error.is_empty() == words.is_empty(), "{name}: {error}");
        assert_eq!(provider.asked().len(), *attempts, "{name}");
    }
    let refused = service.api.get("/api/v1/actions?provider=refuses").await;
    assert_eq!(refused.body["items"][0]["response_data"], json!({ "why": 1 }));
    let mut connection = service.db.connect().await;
    let unfinished = "SELECT count(*) FROM action_logs WHERE status IN ('pending', 'retry')";
    assert_eq!(number(&mut connection, unfinished).await, 0);
}

#[tokio::test]
async fn nobody_listening_is_a_failure_after_all_attempts() {
    let service = service(&OPEN).await;
    service.configure("gone", "http://127.0.0.1:1/").await;
    let answer = service.api.act(&action("gone")).await;
    let error = answer.body["error_message"].as_str().unwrap();
    assert_eq!(answer.body["status"], "failure");
    assert!(error.contains("refused") && error.ends_with("(3 attempts)"), "{error}");
}

#[tokio::test]
async fn addresses_that_are_not_public_are_not_called() {
    let service = service(&["--rate-limit", "0"]).await;
    let provider = Provider::willing();
    let port = provider.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "[fd00:ec2::254]",
    ];
    for host in hosts {
        service.configure("inside", &format!("http://{host}:{port}/")).await;
        let answer = service.api.act(&action("inside")).await;
        let error = answer.body["error_message"].as_str().unwrap_or_default();
        assert_eq!(
            (answer.status, &answer.body["status"]),
            (201, &json!("failure")),
            "{host}: {}",
            answer.text
        );
        assert!(error.contains("public ones only") && !error.contains("attempts"), "{host}: {error}");
    }
    assert_eq!(provider.asked().len(), 0);
}

#[tokio::test]
async fn an_entry_says_retry_between_attempts_and_a_killed_process_leaves_none_for_ever() {
    let service = service(&[&OPEN[..], &["--request-timeout", "600"]].concat()).await;
    let provider = Provider::start(|_, _| answer("503 Busy", "Retry-After: 30\r\n", ""));
    service.configure("busy", &provider.url()).await;
    let Service { adapter, api, db } = service;
    let request = tokio::spawn(async move {
        api.request(Method::POST, "/api/v1/actions").json(&action("busy")).send().await
    });
    let entry = wait_for(&db, "retry").await;
    assert_eq!(entry["error_message"], "the provider answered 503 Service Unavailable");
    drop(adapter);
    assert!(request.await.unwrap().is_err());

    let mut connection = db.connect().await;
    let another = "UPDATE action_logs SET created_at = now() - interval '1 hour';
        INSERT INTO action_logs (id, tenant_id, action_type, provider_name, status, execution_time_ms)
        SELECT gen_random_uuid(), tenant_id, action_type, 'young', 'pending', 0 FROM action_logs";
    run(&mut connection, another).await;
    let _next = Adapter::start(db.url(), &[]);
    let entry = wait_for(&db, "failure").await;
    assert!(entry["error_message"].as_str().unwrap().starts_with("interrupted: "), "{entry}");
    assert_eq!(wait_for(&db, "pending").await["provider_name"], "young", "it may still be run by somebody");
}

#[tokio::test]
async fn an_action_goes_on_when_its_client_hangs_up() {
    let service = service(&[&OPEN[..], &["--provider-timeout", "5"]].concat()).await;
    let provider = Provider::start(|_, _| Reply::Silence);
    service.configure("slow", &provider.url()).await;
    let body = action("slow").to_string();
    let mut stream = service.adapter.connect();
    write!(
        stream,
        "POST /api/v1/actions HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    service.wait_for("pending").await;
    drop(stream);
    service.wait_for("timeout").await;
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_refused_and_nothing_is_written() {
    let service = service(&["--rate-limit", "0"]).await;
    let with = |field: &str, value: Value| {
        let mut new = action("echo");
        new[field] = value;
        new
    };
    let cases = [
        (with("action_type", json!("crm_destroy")), "action_type: invalid value: string \"crm_destroy\""),
        (with("action_type", json!(7)), "action_type"),
        (with("provider", json!("hubspot")), "provider: \"hubspot\" is not configured"),
        (with("provider", json!("")), "provider"),
        (with("provider", json!("x".repeat(101))), "1 to 100 characters"),
        (with("payload", json!([1])), "payload"),
        (with("payload", json!("a")), "payload"),
        (with("metadata", json!(5)), "metadata"),
        (with("extra", json!(5)), "extra"),
        (with("payload", json!({ "a": "b\0c" })), "\\u0000"),
        (json!([]), ""),
        (json!({ "provider": "echo" }), "action_type"),
    ];
    for (new, words) in cases {
        let answer = service.api.act(&new).await;
        assert_eq!(answer.status, 422, "{new}: {}", answer.text);
        assert!(answer.detail().contains(words), "{new}: {}", answer.text);
    }
    let deep = "{\"payload\": {\"a\": ".to_owned() + &"[".repeat(10_000);
    for body in ["{", "", r#"{"payload": {"a": 1e999}}"#, &deep] {
        let request = service.api.request(Method::POST, "/api/v1/actions");
        let answer =
            Answer::of(request.header("content-type", "application/json").body(body.to_owned())).await;
        assert_eq!(answer.status, 400, "{body:.30}: {}", answer.text);
        answer.detail();
    }
    let request = service.api.request(Method::POST, "/api/v1/actions").body("{}");
    assert_eq!(Answer::of(request).await.status, 415);
    let mut connection = service.db.connect().await;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM action_logs").await, 0);
}

#[tokio::test]
async fn in_production_echo_is_there_only_where_it_is_configured() {
    let db = database().await;
    let mut connection = db.connect().await;
    add_other_tenant(&mut connection).await;
    let adapter = Adapter::start(db.url(), &["--environment", "production"]);
    let api = Api::of(&adapter).with_key(OTHER_KEY);
    let answer = api.act(&action("echo")).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.detail().contains("\"echo\" is not configured"), "{}", answer.text);
    assert_eq!(api.configure(&json!({ "echo": {} })).await.status, 200);
    assert_eq!(api.act(&action("echo")).await.status, 201);
}

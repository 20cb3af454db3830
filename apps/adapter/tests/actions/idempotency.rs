//! `Idempotency-Key`: once is once, whoever repeats, at the same time, on another replica, after a crash.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::client::{Answer, Api, OTHER_KEY, TENANT, add_other_tenant, database, number, run};
use crate::provider::{Provider, Reply};
use crate::support::Adapter;
use limbeck_testdb::TestDb;
use reqwest::Method;
use serde_json::{Value, json};

const OPEN: [&str; 4] = ["--allow-private-providers", "true", "--rate-limit", "0"];

const ACTIONS: &str = "SELECT count(*) FROM action_logs";
const KEYS: &str = "SELECT count(*) FROM idempotency_keys";

async fn service() -> (TestDb, Adapter, Api) {
    let db = database().await;
    let adapter = Adapter::start(db.url(), &OPEN);
    let api = Api::of(&adapter);
    (db, adapter, api)
}

fn action(provider: &str) -> Value {
    json!({ "action_type": "email_send", "provider": provider, "payload": { "b": 1, "a": [1.5, "ä", 1e3], "long name": null } })
}

/// Holds a provider's answers back until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let closed = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(closed, |open| !*open).unwrap());
    }

    /// A provider behind the gate, configured as `slow`.
    async fn provider(&self, api: &Api) -> Provider {
        let gate = self.clone();
        let provider = Provider::start(move |_, _| {
            gate.wait();
            Reply::Answer("200 OK", "", "{}".to_owned())
        });
        let answer = api.configure(&json!({ "slow": { "base_url": provider.url() } })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        provider
    }
}

async fn asked(provider: &Provider, times: usize) {
    for _ in 0..6000 {
        if provider.asked().len() >= times {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the provider was not asked {times} times");
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_another_is_refused() {
    let (db, _adapter, api) = service().await;
    let mut connection = db.connect().await;
    add_other_tenant(&mut connection).await;
    let first = api.act_once("k-1", &action("echo")).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None), "{}", first.text);
    for _ in 0..2 {
        let again = api.act_once("k-1", &action("echo")).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
        assert_eq!(again.text, first.text, "to the byte");
        assert_eq!(again.header("content-type"), first.header("content-type"));
    }
    let mut other = action("echo");
    other["payload"]["b"] = json!(2);
    let reused = api.act_once("k-1", &other).await;
    assert_eq!(reused.status, 422);
    assert!(
        reused.detail().contains("Idempotency-Key was used for a request with another"),
        "{}",
        reused.text
    );
    let path = "/api/v1/tenant/provider-configs";
    let elsewhere = api.request(Method::PUT, path).header("idempotency-key", "k-1").json(&action("echo"));
    assert_eq!(Answer::of(elsewhere).await.status, 422);
    assert_eq!(number(&mut connection, ACTIONS).await, 1);

    let other_tenant = api.with_key(OTHER_KEY).act_once("k-1", &action("echo")).await;
    assert_eq!((other_tenant.status, other_tenant.header("idempotent-replayed")), (201, None));
    assert_ne!(other_tenant.body["id"], first.body["id"]);
    let another_key = api.act_once("k-2", &action("echo")).await;
    assert_eq!((another_key.status, another_key.header("idempotent-replayed")), (201, None));
    assert_eq!(number(&mut connection, ACTIONS).await, 3);
    let ttl = "SELECT count(*) FROM idempotency_keys
               WHERE expires_at BETWEEN now() + interval '23 hours' AND now() + interval '24 hours'";
    assert_eq!(number(&mut connection, ttl).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_equal_requests_at_once_are_carried_out_once() {
    let (db, _one, api) = service().await;
    let two = Adapter::start(db.url(), &OPEN);
    let apis = [api.clone(), Api::of(&two)];
    let gate = Gate::default();
    let provider = gate.provider(&api).await;
    let requests: Vec<_> = (0..200)
        .map(|n| {
            let api = apis[n % 2].clone();
            tokio::spawn(async move { api.act_once("only-once", &action("slow")).await })
        })
        .collect();
    asked(&provider, 1).await;
    gate.open();
    let mut created = Vec::new();
    for request in requests {
        let answer = request.await.unwrap();
        match answer.status {
            201 => created.push(answer),
            409 => assert_eq!(answer.header("retry-after"), Some("1")),
            // On a slow machine some wait too long for a connection to the database.
            503 => assert!(answer.detail().contains("in use"), "{}", answer.text),
            status => panic!("{status}: {}", answer.text),
        }
    }
    let first: Vec<_> =
        created.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).collect();
    assert_eq!(first.len(), 1, "{} answers of 201", created.len());
    assert!(created.iter().all(|answer| answer.text == first[0].text));
    assert_eq!(provider.asked().len(), 1);
    let mut connection = db.connect().await;
    assert_eq!(number(&mut connection, ACTIONS).await, 1);
    assert_eq!(apis[1].act_once("only-once", &action("slow")).await.text, first[0].text, "on either replica");
}

#[tokio::test]
async fn a_request_that_is_being_carried_out_is_not_begun_again() {
    let (_db, _adapter, api) = service().await;
    let gate = Gate::default();
    let provider = gate.provider(&api).await;
    let first = tokio::spawn({
        let api = api.clone();
        async move { api.act_once("k", &action("slow")).await }
    });
    asked(&provider, 1).await;
    let second = api.act_once("k", &action("slow")).await;
    assert_eq!((second.status, second.header("retry-after")), (409, Some("1")), "{}", second.text);
    assert!(second.detail().contains("still being carried out"));
    assert_eq!(api.act_once("k", &action("echo")).await.status, 422, "another request is another request");
    gate.open();
    let first = first.await.unwrap();
    assert_eq!(first.status, 201);
    assert_eq!(api.act_once("k", &action("slow")).await.text, first.text);
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_no_key_stuck() {
    let (db, adapter, api) = service().await;
    let gate = Gate::default();
    let provider = gate.provider(&api).await;
    let request = tokio::spawn({
        let api = api.clone();
        async move {
            api.request(Method::POST, "/api/v1/actions")
                .header("idempotency-key", "k")
                .json(&action("slow"))
                .send()
                .await
        }
    });
    asked(&provider, 1).await;
    drop(adapter);
    assert!(request.await.unwrap().is_err());

    let next = Adapter::start(db.url(), &OPEN);
    let api = Api::of(&next);
    assert_eq!(api.act_once("k", &action("slow")).await.status, 409, "its lease is not over yet");
    let mut connection = db.connect().await;
    let lease = "SELECT count(*) FROM idempotency_keys WHERE expires_at <= now() + interval '40 seconds'";
    assert_eq!(number(&mut connection, lease).await, 1, "the time limit of a request, and ten seconds");
    run(&mut connection, "UPDATE idempotency_keys SET expires_at = now()").await;
    gate.open();
    let again = api.act_once("k", &action("slow")).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, None), "{}", again.text);
    assert_eq!(api.act_once("k", &action("slow")).await.text, again.text);
    assert_eq!((number(&mut connection, ACTIONS).await, number(&mut connection, KEYS).await), (2, 1));
}

#[tokio::test]
async fn refusals_are_kept_and_failures_of_the_service_are_not() {
    let (db, _adapter, api) = service().await;
    let first = api.act_once("k", &action("hub")).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (422, None));
    assert_eq!(api.configure(&json!({ "hub": { "kind": "echo" } })).await.status, 200);
    let again = api.act_once("k", &action("hub")).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (422, Some("true")));
    assert_eq!((again.detail(), &again.body), (first.detail(), &first.body), "down to the correlation id");
    assert_eq!(api.act_once("k-2", &action("hub")).await.status, 201);
    let wrong = json!({ "action_type": "?" });
    assert_eq!(api.act_once("k-3", &wrong).await.status, 422);
    assert_eq!(api.act_once("k-3", &wrong).await.header("idempotent-replayed"), Some("true"));

    let mut connection = db.connect().await;
    let configs = json!({ "desk": { "kind": "echo" } });
    let put = || {
        let request = api.request(Method::PUT, "/api/v1/tenant/provider-configs");
        Answer::of(request.header("idempotency-key", "k-4").json(&configs))
    };
    run(&mut connection, "REVOKE UPDATE (provider_configs) ON tenants FROM adapter_app").await;
    let failed = put().await;
    assert_eq!(failed.status, 503, "{}", failed.text);
    run(&mut connection, "GRANT UPDATE (provider_configs) ON tenants TO adapter_app").await;
    let done = put().await;
    assert_eq!((done.status, done.header("idempotent-replayed")), (200, None), "{}", done.text);
    let replayed = put().await;
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(replayed.body, done.body);
    let audit = format!("SELECT count(*) FROM audit_logs WHERE tenant_id = '{TENANT}'");
    assert_eq!(number(&mut connection, audit).await, 2, "one for each change, none for the replay");
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let (db, _adapter, api) = service().await;
    let long = "k".repeat(256);
    for bad in ["", " ", "a b", "ä", &long, &"k".repeat(10_000)] {
        for (method, path) in
            [(Method::POST, "/api/v1/actions"), (Method::PUT, "/api/v1/tenant/provider-configs")]
        {
            let request =
                api.request(method, path).header("idempotency-key", bad.as_bytes()).json(&action("echo"));
            let answer = Answer::of(request).await;
            assert_eq!(answer.status, 400, "{bad:.20}: {}", answer.text);
            assert!(answer.detail().contains("1 to 255 visible ASCII characters"));
        }
    }
    let two = api.request(Method::POST, "/api/v1/actions").header("idempotency-key", "a");
    assert_eq!(Answer::of(two.header("idempotency-key", "b").json(&action("echo"))).await.status, 400);
    assert_eq!(api.act_once(&long[1..], &action("echo")).await.status, 201);
    let mut connection = db.connect().await;
    assert_eq!((number(&mut connection, ACTIONS).await, number(&mut connection, KEYS).await), (1, 1));
}

#[tokio::test]
async fn what_is_over_is_removed_and_what_is_not_stays() {
    let db = database().await;
    let mut connection = db.connect().await;
    let rows = format!(
        "INSERT INTO idempotency_keys (id, tenant_id, idempotency_key, request_method, request_path, request_body_hash, expires_at)
         SELECT gen_random_uuid(), '{TENANT}', 'k' || n, 'POST', '/', '', now() + (n - 2500) * interval '1 hour' - interval '1 minute'
         FROM generate_series(1, 2510) n"
    );
    run(&mut connection, rows).await;
    let _adapter = Adapter::start(db.url(), &OPEN);
    for _ in 0..6000 {
        if number(&mut connection, KEYS).await == 10 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} rows are left", number(&mut connection, KEYS).await);
}

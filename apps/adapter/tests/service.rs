//! The adapter as an operator runs it: a process, its signals, its exit codes and its answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use support::{Adapter, adapter};

/// Nobody listens on port 1.
const NO_DATABASE: &str = "postgresql+asyncpg://someone:hush-hush@127.0.0.1:1/none";

#[test]
fn serves_while_the_database_is_down() {
    let mut adapter = Adapter::start(NO_DATABASE, &[]);
    assert_eq!(adapter.get("/health"), (200, json!({ "status": "ok" })));
    let (status, body) = adapter.get("/health/ready");
    let reason = body["reason"].as_str().unwrap();
    assert_eq!(status, 503);
    assert!(reason.starts_with("the database cannot be reached: ") && reason.contains("refused"), "{reason}");
    assert_eq!(adapter.get("/elsewhere").0, 404);
    let log = adapter.stop("TERM");
    assert!(log.contains("not ready: the database cannot be reached"), "{log}");
    assert!(!log.contains("hush-hush"), "{log}");
}

#[test]
fn ends_at_once_and_well_on_either_signal() {
    for signal in ["TERM", "INT"] {
        let mut adapter = Adapter::start(NO_DATABASE, &["--log-format", "json"]);
        // A client that says nothing does not hold it up.
        let _idle = adapter.connect();
        let log = adapter.stop(signal);
        assert!(!log.contains("cut off"), "it has waited: {log}");
        for line in log.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
        }
        assert!(log.contains(&format!("\"signal\":\"SIG{signal}\"")), "{log}");
    }
}

/// A proxy that asks for readiness sends requests elsewhere before any is refused.
#[test]
fn while_it_drains_it_answers_and_is_not_ready() {
    let mut adapter = Adapter::start(NO_DATABASE, &["--drain", "300"]);
    adapter.signal("TERM");
    let stopping = (503, serde_json::json!({ "status": "not ready", "reason": "it is stopping" }));
    while adapter.get("/health/ready") != stopping {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(adapter.get("/health/live").0, 200);
    assert!(adapter.stop("TERM").contains("stopped"), "a second signal ends the wait");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = adapter(&["--port", &port]).env("DATABASE_URL", NO_DATABASE).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&format!("cannot listen on 127.0.0.1 port {port}: Address already in use")),
        "{text}"
    );
    assert!(text.contains("ADAPTER_PORT"), "{text}");
}

#[test]
fn wrong_settings_are_named_and_secrets_are_not() {
    let cases: &[(&str, &str, i32, &str)] = &[
        ("ADAPTER_PORT", "http", 64, "a port (--port, ADAPTER_PORT) is a number from 0 to 65535"),
        ("ADAPTER_PORT", "70000", 64, "ADAPTER_PORT"),
        ("ADAPTER_HOST", "no such host", 1, "cannot listen on no such host port"),
        ("ADAPTER_LOG_FORMAT", "xml", 64, "[possible values: text, json]"),
        ("RUST_LOG", "=,=", 1, "RUST_LOG=\"=,=\" is not a log filter"),
        ("DATABASE_URL", "", 1, "DATABASE_URL is not set"),
        ("DATABASE_URL", "postgresql://someone:hush-hush@[oops/d", 1, "DATABASE_URL: "),
    ];
    for (name, value, code, words) in cases {
        let output = adapter(&[]).env("DATABASE_URL", NO_DATABASE).env(name, value).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(*code), "{name}={value}: {text}");
        assert!(text.contains(words), "{name}={value}: {text}");
        assert!(!text.contains("hush-hush"), "{text}");
    }
}

#[test]
fn help_shows_no_secret() {
    let output = adapter(&["--help"]).env("DATABASE_URL", NO_DATABASE).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("ADAPTER_PORT"), "{text}");
    assert!(!text.contains("hush-hush"), "{text}");
}

//! `limbeck start --probe`: alive and not ready, until the command has the address.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use limbeck_testdb::TestDb;

use crate::start_support::{PATIENCE, Project, Running, eventually, run, start};

const NOBODY: &str = "postgresql://someone:hush-hush@127.0.0.1:1/none";

/// The address that the log names.
fn address(starting: &mut Running) -> String {
    let line = starting.wait_for("answering probes at ");
    let (_, rest) = line.split_once("answering probes at ").unwrap();
    rest.split(' ').next().unwrap().to_owned()
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and reads to the end; the status and the body.
fn send(address: &str, request: &[u8]) -> (String, String) {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
}

fn get(address: &str, path: &str) -> (String, String) {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
}

fn reason(address: &str) -> String {
    let (status, body) = get(address, "/health/ready");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status.as_str(), body["status"].as_str()), ("503", Some("not ready")), "{body}");
    body["reason"].as_str().unwrap().to_owned()
}

#[test]
fn while_it_waits_it_lives_and_is_not_ready() {
    let project = Project::of_two();
    let mut command =
        project.on(NOBODY, &["start", "--probe", "127.0.0.1:0", "--", "echo", "the service runs"]);
    command.env("DB_MAX_RETRIES", "100000").env("DB_RETRY_INTERVAL", "3600");
    let mut starting = start(command);
    let at = address(&mut starting);
    starting.wait_for("attempt 1 of 100000");
    for path in ["/health", "/health/live"] {
        assert_eq!(get(&at, path), ("200".to_owned(), r#"{"status":"ok"}"#.to_owned()));
    }
    let reason = reason(&at);
    assert!(reason.contains("no database yet, attempt 1 of 100000") && !reason.contains("hush"), "{reason}");
    assert_eq!(get(&at, "/api/v1/actions").0, "503");
    let head = send(&at, b"HEAD /health HTTP/1.1\r\n\r\n");
    assert_eq!(head, ("200".to_owned(), String::new()));
    starting.signal("TERM");
    starting.end().assert_code(143).assert_never_says("the service runs");
}

#[test]
fn who_asks_badly_keeps_nobody_else_waiting() {
    let project = Project::of_two();
    let mut command = project.on(NOBODY, &["start", "--probe", "127.0.0.1:0"]);
    command.env("DB_MAX_RETRIES", "100000").env("DB_RETRY_INTERVAL", "3600");
    let mut starting = start(command);
    let at = address(&mut starting);
    // More than are kept: the last ones are hung up on, and once the first ones' time is over all is as before.
    let mut silent: Vec<TcpStream> = (0..100).map(|_| connect(&at)).collect();
    let halves = silent.iter_mut().map(|stream| stream.write_all(b"GET /health"));
    assert!(halves.flatten().count() > 0);
    eventually("the silent ones are gone", || {
        let mut stream = connect(&at);
        let mut answer = String::new();
        let asked = stream.write_all(b"GET /health HTTP/1.1\r\n\r\n");
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    });
    assert_eq!(send(&at, b"\x16\x03\x01\x02\x00\r\n\r\n").0, "400");
    assert_eq!(send(&at, &[b'x'; 8192]).0, "400");
    assert_eq!(get(&at, "/health").0, "200");
    starting.signal("TERM");
    starting.end().assert_code(143);
}

#[tokio::test]
async fn while_it_migrates_it_says_what_it_does() {
    let db = TestDb::new().await;
    let project = Project::of_two().revision("3", "2", "SELECT pg_sleep(3600);", "");
    let mut starting = start(project.on(db.url(), &["start", "--probe", "127.0.0.1:0"]));
    let at = address(&mut starting);
    starting.wait_for("Running upgrade 2 -> 3");
    assert_eq!(get(&at, "/health/live").0, "200");
    let reason = reason(&at);
    assert!(reason.contains("Running upgrade 2 -> 3, revision 3"), "{reason}");
    starting.signal("TERM");
    starting.end().assert_code(143);
}

/// All of 127.0.0.0/8 is this machine on Linux, so that a port can be had that no other process takes meanwhile.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_command_has_the_address_at_once() {
    let db = TestDb::new().await;
    let project = Project::of_two().revision("3", "2", "SELECT pg_sleep(3);", "");
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let at = format!("127.{a}.{b}.{}:8000", c.max(1));
    let limbeck = env!("CARGO_BIN_EXE_limbeck");
    let words =
        ["start", "--probe", &at, "--", limbeck, "start", "--probe", &at, "--", "echo", "the service runs"];
    let mut starting = start(project.on(db.url(), &words));
    starting.wait_for("Running upgrade 2 -> 3");
    // One that is answered and does not hang up, one that has not asked to the end: neither is in the way.
    let mut answered = connect(&at);
    answered.write_all(b"GET /health HTTP/1.1\r\n\r\n").unwrap();
    let mut half = connect(&at);
    half.write_all(b"GET /health").unwrap();
    let ended = starting.end().assert_code(0).assert_says("the service runs").assert_says("nothing pending");
    assert_eq!(ended.stderr.matches("answering probes at").count(), 2, "{ended:#?}");
    assert!(TcpStream::connect(&at).is_err(), "nobody listens any more");
}

#[test]
fn an_address_that_is_taken_or_is_none() {
    let project = Project::of_two();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let ended = run(project.on(NOBODY, &["start", "--probe", &at])).assert_code(2);
    ended.assert_says(&format!("cannot answer probes at {at}")).assert_never_says("attempt ");
    for bad in ["8000", ":8000", "localhost:http", ""] {
        run(project.on(NOBODY, &["start", "--probe", bad])).assert_code(64).assert_says("HOST:PORT");
    }
}

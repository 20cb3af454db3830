//! The embedded PostgreSQL as a project's local database.

#![cfg(feature = "embedded")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "local_support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use limbeck::local::{Concurrency, Kind, LocalDatabase, LocalOptions, Ownership, Preference};
use sqlx::{Connection, PgConnection};
use support::{Helper, say, stay};

async fn open(project: &Path) -> LocalDatabase {
    let options = LocalOptions { preference: Preference::Embedded, ..LocalOptions::new(project) };
    LocalDatabase::open(options).await.unwrap()
}

async fn run(db: &LocalDatabase, sql: &'static str) {
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn number(db: &LocalDatabase, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

#[tokio::test]
async fn it_keeps_its_data() {
    let project = tempfile::tempdir().unwrap();
    let db = open(project.path()).await;
    assert_eq!((db.ownership(), db.concurrency()), (Ownership::Owner, Concurrency::OneAfterAnother));
    assert!(matches!(db.kind(), Kind::Embedded(version) if version.major() == 17));
    run(&db, "CREATE TABLE kept AS SELECT 42::bigint AS n").await;
    db.close().await.unwrap();
    let db = open(project.path()).await;
    assert_eq!(number(&db, "SELECT n FROM kept").await, 42);
    let version = number(&db, "SELECT current_setting('server_version_num')::bigint").await;
    assert_eq!(
        format!("{}.{}", version / 10000, version % 10000),
        match db.kind() {
            Kind::Embedded(version) => version.to_string(),
            Kind::Programs(_) => unreachable!(),
        }
    );
    db.close().await.unwrap();
}

#[tokio::test]
async fn clients_take_turns() {
    let project = tempfile::tempdir().unwrap();
    let db = open(project.path()).await;
    let mut first = PgConnection::connect(db.url()).await.unwrap();
    let url = db.url().to_owned();
    let second = tokio::spawn(async move {
        let mut second = PgConnection::connect(&url).await.unwrap();
        let seen: i64 =
            sqlx::query_scalar("SELECT count(*) FROM turns").fetch_one(&mut second).await.unwrap();
        seen
    });
    sqlx::raw_sql("CREATE TABLE turns (n int); INSERT INTO turns VALUES (1)")
        .execute(&mut first)
        .await
        .unwrap();
    sqlx::raw_sql("INSERT INTO turns VALUES (2)").execute(&mut first).await.unwrap();
    first.close().await.unwrap();
    assert_eq!(second.await.unwrap(), 2);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_guest_uses_the_owners_server() {
    let project = tempfile::tempdir().unwrap();
    let env = [("LIMBECK_TEST_PROJECT", project.path().to_str().unwrap())];
    let owner = open(project.path()).await;
    run(&owner, "CREATE TABLE owned AS SELECT 7::bigint AS n").await;
    let helpers: Vec<_> = (0..4).map(|_| Helper::start("helper_use_briefly", &env)).collect();
    let guest = open(project.path()).await;
    assert_eq!(guest.ownership(), Ownership::Guest);
    assert_eq!(number(&guest, "SELECT n FROM owned").await, 7);
    guest.close().await.unwrap();
    helpers.into_iter().for_each(Helper::join);
    owner.close().await.unwrap();
}

#[tokio::test]
async fn it_opens_again_after_its_owner_was_killed() {
    let project = tempfile::tempdir().unwrap();
    let env = [("LIMBECK_TEST_PROJECT", project.path().to_str().unwrap())];
    let mut owner = Helper::start("helper_own", &env);
    assert_eq!(owner.line(), "owned");
    owner.kill();
    let db = open(project.path()).await;
    assert_eq!(db.ownership(), Ownership::Owner);
    assert_eq!(number(&db, "SELECT n FROM owned").await, 7);
    db.close().await.unwrap();
}

fn psql(db: &LocalDatabase, sql: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-h"]).arg(db.socket_dir()).args([
        "-U",
        db.user(),
        "-d",
        db.database(),
        "-c",
        sql,
    ]);
    psql.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    psql
}

fn psql_says(db: &LocalDatabase, sql: &str) -> String {
    let output = psql(db, sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn it_has_databases_like_any_other() {
    let project = tempfile::tempdir().unwrap();
    let db = open(project.path()).await;
    assert_eq!(db.database(), "limbeck");
    assert_eq!(psql_says(&db, "SELECT current_database()"), "limbeck");
    psql_says(&db, "CREATE DATABASE another");
    assert_eq!(
        psql_says(&db, "SELECT count(*) FROM pg_database WHERE datname IN ('another', 'limbeck')"),
        "2"
    );
    db.close().await.unwrap();
}

#[tokio::test]
async fn psql_works_and_may_copy() {
    let project = tempfile::tempdir().unwrap();
    let db = open(project.path()).await;
    assert_eq!(psql_says(&db, "SELECT 6 * 7"), "42");
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE copied (n int)").execute(&mut connection).await.unwrap();
    let mut copy = connection.copy_in_raw("COPY copied FROM STDIN").await.unwrap();
    copy.send(b"1\n2\n3\n".as_slice()).await.unwrap();
    assert_eq!(copy.finish().await.unwrap(), 3);
    drop(connection);
    assert_eq!(psql_says(&db, "COPY copied TO STDOUT"), "1\n2\n3");
    db.close().await.unwrap();
}

/// Starts psql on a statement, waits until it is at work, does something to it, and checks that the next
/// client is served.
async fn after(what_happens: impl Fn(&mut std::process::Child)) {
    let project = tempfile::tempdir().unwrap();
    let db = open(project.path()).await;
    run(&db, "CREATE TABLE t AS SELECT 1::bigint AS n").await;
    for sql in [
        "SELECT pg_sleep(2)",
        "INSERT INTO t SELECT generate_series(1, 1000000)",
        "SELECT generate_series(1, 3000000)",
    ] {
        let mut child = psql(&db, sql).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        what_happens(&mut child);
        assert!(number(&db, "SELECT count(*) FROM t").await > 0, "{sql}");
        drop(child.kill());
        drop(child.wait());
        assert!(number(&db, "SELECT count(*) FROM t").await > 0, "{sql}");
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_client_killed_at_work_does_no_harm() {
    after(|psql| psql.kill().unwrap()).await;
}

#[tokio::test]
async fn a_cancel_request_does_no_harm() {
    after(|psql| {
        support::signal(psql.id(), "INT");
        std::thread::sleep(std::time::Duration::from_millis(200));
        psql.kill().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_copy_whose_client_vanishes_is_undone() {
    let project = tempfile::tempdir().unwrap();
    let db = open(project.path()).await;
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE copied (n int)").execute(&mut connection).await.unwrap();
    drop(connection);
    for _ in 0..2 {
        let mut psql = psql(&db, "COPY copied FROM STDIN");
        psql.stdin(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"1\n2\n").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(number(&db, "SELECT count(*) FROM copied").await, 0);
    }
    db.close().await.unwrap();
}

fn helpers_project() -> PathBuf {
    PathBuf::from(std::env::var_os("LIMBECK_TEST_PROJECT").unwrap())
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn helper_own() {
    let db = open(&helpers_project()).await;
    run(&db, "CREATE TABLE owned AS SELECT 7::bigint AS n").await;
    say("owned");
    stay();
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn helper_use_briefly() {
    let db = open(&helpers_project()).await;
    assert_eq!(number(&db, "SELECT n FROM owned").await, 7);
    db.close().await.unwrap();
}

//! Waiting for the database: what heals is waited for, what does not is said at once.

use limbeck_testdb::{Shutdown, TestDb, TestServer};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::start_support::{Project, run, start};

/// Nobody listens there.
const NOBODY: &str = "postgresql://someone:hush-hush@127.0.0.1:1/none";

#[tokio::test]
async fn a_late_database_is_waited_for() {
    let mut server = TestServer::start(None).await;
    let project = Project::of_two();
    let url = server.url("postgres");
    server.stop(Shutdown::Fast).await;
    let mut command = project.on(&url, &["start", "--", "echo", "the service runs"]);
    command.env("DB_RETRY_INTERVAL", "0.2").env("DB_MAX_RETRIES", "2000");
    let mut starting = start(command);
    starting.wait_for("migration: no database yet, attempt 3 of 2000: ");
    server.restart().await;
    starting.wait_for("migration: connected to PostgreSQL");
    starting.wait_for("the service runs");
    starting.end().assert_code(0);
}

#[test]
fn after_thirty_attempts_it_gives_up() {
    let project = Project::of_two();
    let mut command = project.on(NOBODY, &["start", "--", "echo", "the service runs"]);
    command.env("DB_RETRY_INTERVAL", "0.002");
    let ended = run(command)
        .assert_code(1)
        .assert_says("Failed to connect to PostgreSQL after 30 attempts")
        .assert_says("DB_MAX_RETRIES")
        .assert_never_says("hush-hush");
    assert_eq!(ended.stderr.matches("no database yet").count(), 30, "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_number_of_attempts_is_a_setting() {
    let project = Project::of_two();
    let mut command = project.on(NOBODY, &["start"]);
    command.env("DB_MAX_RETRIES", "3").env("DB_RETRY_INTERVAL", "0.002");
    run(command).assert_code(1).assert_says("Failed to connect to PostgreSQL after 3 attempts");
}

#[tokio::test]
async fn what_does_not_heal_is_said_at_once() {
    let server = TestServer::start(None).await;
    let mut connection = server.connect("postgres").await;
    let sql = "CREATE ROLE locked LOGIN PASSWORD 'right'";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    let file: String = sqlx::query_scalar("SHOW hba_file").fetch_one(&mut connection).await.unwrap();
    std::fs::write(file, "local all locked scram-sha-256\nlocal all all trust\n").unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let socket = server.socket_dir().display().to_string();
    let url = |database: &str, user: &str| format!("postgresql:///{database}?host={socket}&user={user}");
    let cases = [
        (url("postgres", "locked") + "&password=hush-hush", "password"),
        (url("no_such_database", "postgres"), "no_such_database"),
        (url("postgres", "no_such_role"), "no_such_role"),
        ("postgresql://user:hush-hush@host:port/db".to_owned(), "port"),
        ("mysql://root:hush-hush@host/db".to_owned(), "mysql"),
    ];
    let project = Project::of_two();
    for (url, words) in cases {
        let ended = run(project.on(&url, &["start", "--", "echo", "the service runs"]));
        let ended = ended.assert_code(1).assert_says(words).assert_says("migration failed");
        let ended = ended.assert_never_says("hush-hush").assert_never_says("attempt ");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn absurd_settings_are_refused() {
    let cases = [
        ("DB_MAX_RETRIES", "0"),
        ("DB_MAX_RETRIES", "-1"),
        ("DB_MAX_RETRIES", "many"),
        ("DB_MAX_RETRIES", "1.5"),
        ("DB_RETRY_INTERVAL", "0"),
        ("DB_RETRY_INTERVAL", "-2"),
        ("DB_RETRY_INTERVAL", "2s"),
        ("DB_RETRY_INTERVAL", "NaN"),
        ("DB_RETRY_INTERVAL", "2000000"),
    ];
    let project = Project::of_two();
    for (name, value) in cases {
        let mut command = project.on(NOBODY, &["start"]);
        command.env(name, value);
        let ended = run(command).assert_code(1).assert_says(&format!("{name} is `{value}`, and must be "));
        ended.assert_never_says("attempt ");
    }
    let mut command = project.on(NOBODY, &["start"]);
    command.env("DB_MAX_RETRIES", "").env("DB_RETRY_INTERVAL", " 0.001 ");
    run(command).assert_says("after 30 attempts");
}

#[test]
fn a_signal_ends_the_waiting() {
    let project = Project::of_two();
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let mut command = project.on(NOBODY, &["start", "--", "echo", "the service runs"]);
        command.env("DB_MAX_RETRIES", "100000").env("DB_RETRY_INTERVAL", "3600");
        let mut waiting = start(command);
        waiting.wait_for("attempt 1 of 100000");
        waiting.signal(name);
        let ended = waiting.end().assert_code(code).assert_says("migration failed: cancelled");
        ended.assert_never_says("the service runs");
    }
}

#[tokio::test]
async fn wrong_files_are_said_before_anybody_waits() {
    let project = Project::of_two().revision("3", "9", "", "");
    run(project.on(NOBODY, &["start"])).assert_code(2).assert_says("9").assert_never_says("attempt ");
}

#[tokio::test]
async fn the_migrating_credentials_win() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let mut command = project.on(NOBODY, &["start", "--", "sh", "-c", "echo $DATABASE_URL-$LIMBECK_URL-"]);
    command.env("LIMBECK_URL", db.url());
    let ended = run(command).assert_code(0);
    assert_eq!(ended.stdout, format!("{NOBODY}--\n"));
    let mut connection = db.connect().await;
    let rows = AssertSqlSafe("SELECT version_num::text FROM alembic_version".to_owned());
    let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut connection).await.unwrap();
    assert_eq!(rows, ["2"]);
}

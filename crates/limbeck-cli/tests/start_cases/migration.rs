//! The migration of a start, and the validation after it.

use limbeck_testdb::{TestDb, TestServer};
use sqlx::PgConnection;

use crate::start_support::{Project, eventually, run, start};

async fn rows(connection: &mut PgConnection) -> Vec<String> {
    let sql = "SELECT version_num::text FROM alembic_version ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

async fn exists(connection: &mut PgConnection, table: &str) -> bool {
    let sql = "SELECT to_regclass($1) IS NOT NULL";
    sqlx::query_scalar(sql).bind(table).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn without_a_command_it_migrates_and_ends_well() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    run(project.on(db.url(), &["start"]))
        .assert_code(0)
        .assert_says("Running upgrade 1 -> 2")
        .assert_says("at 2");
    run(project.on(db.url(), &["start"])).assert_code(0).assert_says("nothing pending");
    assert_eq!(rows(&mut db.connect().await).await, ["2"]);
}

#[tokio::test]
async fn every_line_says_migration() {
    let db = TestDb::new().await;
    let project = Project::of_two()
        .revision("3", "2", "DO $$ BEGIN RAISE NOTICE 'from the server'; END $$;", "")
        .configure("required_tables = [\"gone\"]");
    let ended = run(project.on(db.url(), &["start", "--", "true"])).assert_code(0);
    for line in ended.stderr.lines() {
        assert!(line.contains("migration"), "{line}");
    }
    ended.assert_says("from the server");
}

#[tokio::test]
async fn json_lines_are_json_lines() {
    let db = TestDb::new().await;
    let project = Project::of_two().configure("required_tables = [\"gone\"]");
    let mut by_variable = project.on(db.url(), &["start"]);
    by_variable.env("LIMBECK_LOG_FORMAT", "json");
    let by_option = project.on(db.url(), &["start", "--log-format", "json", "--", "no-such-program"]);
    let broken = Project::of_two().revision("3", "2", "SELECT 1 / 0;", "");
    let broken = broken.on(db.url(), &["start", "--log-format=json"]);
    let nobody = project.on("postgresql://127.0.0.1:1/x?connect_timeout=1", &["start", "--log-format=json"]);
    let bad_url = project.on("postgres://[", &["start", "--log-format=json"]);
    for (command, code) in [(by_variable, 0), (by_option, 127), (broken, 2), (nobody, 1), (bad_url, 1)] {
        let ended = run(command).assert_code(code);
        let lines = ended.json_lines();
        for line in &lines {
            let message = line["message"].as_str().unwrap_or_else(|| panic!("{line}"));
            assert!(message.contains("migration"), "{line}");
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        }
        let has_error = lines.iter().any(|line| line["level"] == "ERROR");
        assert_eq!(has_error, code != 0, "{ended:#?}");
    }
    let mut unknown = project.on(db.url(), &["start"]);
    unknown.env("LIMBECK_LOG_FORMAT", "xml");
    run(unknown).assert_code(64).assert_says("xml");
}

#[tokio::test]
async fn a_failing_migration_says_which_statement_of_which_file() {
    let db = TestDb::new().await;
    let project =
        Project::of_two().revision("3", "2", "CREATE TABLE c (id int);\nSELECT 1 / nil FROM c;", "");
    let command = || project.on(db.url(), &["start", "--", "echo", "the service runs"]);
    let ended = run(command())
        .assert_code(2)
        .assert_says("versions/3.sql:11")
        .assert_says("SELECT 1 / nil FROM c;")
        .assert_says("column \"nil\" does not exist");
    assert_eq!(ended.stdout, "");
    let mut json = project.on(db.url(), &["start", "--log-format", "json"]);
    json.env("DATABASE_URL", db.url());
    let lines = run(json).assert_code(2).json_lines();
    let last = lines.last().unwrap();
    assert!(last["place"].as_str().unwrap().contains("versions/3.sql:11"), "{last}");
    let mut connection = db.connect().await;
    assert_eq!(rows(&mut connection).await, ["2"]);
    assert!(!exists(&mut connection, "c").await, "rolled back");
}

#[tokio::test]
async fn two_heads_do_not_start() {
    let db = TestDb::new().await;
    let project = Project::of_two().revision("3", "1", "CREATE TABLE c (id int);", "DROP TABLE c;");
    run(project.on(db.url(), &["start", "--", "echo", "the service runs"]))
        .assert_code(2)
        .assert_says("Multiple heads detected")
        .assert_says("Multiple head revisions are present for given argument 'head'")
        .assert_says("limbeck merge heads");
    let mut connection = db.connect().await;
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    assert_eq!(count, 0, "nothing is applied");
}

#[tokio::test]
async fn a_missing_table_warns_and_with_strict_fails() {
    const SENTENCE: &str = "Database schema validation failed - some tables may be missing";
    let db = TestDb::new().await;
    let project = Project::of_two().configure("required_tables = [\"a\", \"b\", \"public.b\"]");
    let start = |args: &[&str]| {
        let args = [&["start"], args, &["--", "echo", "the service runs"]].concat();
        run(project.on(db.url(), &args))
    };
    let ended = start(&["--strict"]).assert_code(0).assert_never_says(SENTENCE);
    assert_eq!(ended.stdout, "the service runs\n");
    sqlx::raw_sql("DROP TABLE b").execute(&mut db.connect().await).await.unwrap();
    let ended =
        start(&[]).assert_code(0).assert_says(SENTENCE).assert_says("b, public.b").assert_says("WARN");
    assert_eq!(ended.stdout, "the service runs\n");
    let ended = start(&["--strict"]).assert_code(2).assert_says(SENTENCE).assert_says("ERROR");
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn the_target_is_a_setting() {
    let db = TestDb::new().await;
    let project = Project::of_two().configure("[start]\ntarget = \"1\"");
    run(project.on(db.url(), &["start"])).assert_code(0).assert_says("the database is at 1");
    run(project.on(db.url(), &["start"])).assert_code(0).assert_says("nothing pending");
    let project = project.configure("[start]\ntarget = \"heads\"").revision("3", "1", "", "");
    run(project.on(db.url(), &["start"])).assert_code(0).assert_says("the database is at 2, 3");
    let project = project.configure("[start]\ntarget = \"nowhere\"");
    run(project.on(db.url(), &["start"])).assert_code(2).assert_says("nowhere");
}

#[tokio::test]
async fn a_database_that_is_ahead_starts_unless_it_must_not() {
    let db = TestDb::new().await;
    let old = Project::of_two();
    let new = Project::of_two().revision("3", "2", "CREATE TABLE c (id int);", "DROP TABLE c;");
    for project in [&old, &new] {
        run(project.on(db.url(), &["start"])).assert_code(0);
    }
    let ended = run(old.on(db.url(), &["start", "--", "echo", "the service runs"])).assert_code(0);
    let ended = ended.assert_says("ahead of these revisions: 3 comes from a newer release");
    let ended = ended.assert_never_says("Running upgrade");
    assert_eq!(ended.stdout, "the service runs\n");
    assert_eq!(rows(&mut db.connect().await).await, ["3"]);

    let old = old.configure("[start]\nahead = \"refuse\"");
    let ended = run(old.on(db.url(), &["start", "--", "echo", "the service runs"])).assert_code(2);
    let ended = ended.assert_says("comes from a newer release").assert_says("ahead = \"continue\"");
    assert_eq!(ended.stdout, "");

    sqlx::raw_sql("UPDATE alembic_version SET version_num = 'unheard'")
        .execute(&mut db.connect().await)
        .await
        .unwrap();
    run(new.on(db.url(), &["start"])).assert_code(2).assert_says("unheard");
}

#[tokio::test]
async fn a_signal_during_the_migration_rolls_it_back() {
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let db = TestDb::new().await;
        let project =
            Project::of_two().revision("3", "2", "CREATE TABLE c (id int);\nSELECT pg_sleep(3600);", "");
        let mut starting = start(project.on(db.url(), &["start", "--", "echo", "the service runs"]));
        starting.wait_for("Running upgrade 2 -> 3");
        let mut connection = db.connect().await;
        sleeps(&mut connection, true).await;
        starting.signal(name);
        let ended = starting.end().assert_code(code).assert_says("cancelled").assert_says("migration failed");
        ended.assert_never_says("the service runs");
        sleeps(&mut connection, false).await;
        assert_eq!(rows(&mut connection).await, ["2"]);
        assert!(!exists(&mut connection, "c").await, "rolled back");
    }
}

/// Waits until somebody sleeps in this database, or nobody does.
async fn sleeps(connection: &mut PgConnection, expected: bool) {
    let sql = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let begun = std::time::Instant::now();
    while sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut *connection).await.unwrap() != expected {
        assert!(begun.elapsed() < crate::start_support::PATIENCE, "sleeps: {}", !expected);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn many_replicas_start_at_once() {
    let db = TestDb::new().await;
    let project = Project::of_two().revision(
        "3",
        "2",
        "SELECT pg_sleep(0.5); CREATE TABLE c (id int);",
        "DROP TABLE c;",
    );
    let replicas: Vec<_> =
        (0..8).map(|_| start(project.on(db.url(), &["start", "--", "echo", "the service runs"]))).collect();
    let mut applied = 0;
    for replica in replicas {
        let ended =
            replica.end().assert_code(0).assert_says("the service runs").assert_says("the database is at 3");
        applied += ended.stderr.matches("Running upgrade").count();
    }
    assert_eq!(applied, 3, "each revision is applied once");
}

#[tokio::test]
async fn nothing_pending_costs_a_connection_and_a_few_round_trips() {
    let server = TestServer::start_with(None, &["log_statement=all", "log_connections=on"]).await;
    let db = server.create_db().await;
    let project = Project::of_two().configure("required_tables = [\"a\", \"b\"]");
    run(project.on(db.url(), &["start"])).assert_code(0);
    let before = server.log().len();
    run(project.on(db.url(), &["start", "--", "true"])).assert_code(0).assert_says("nothing pending");
    let log = || server.log()[before..].to_owned();
    let connections = log().matches("connection authorized").count();
    let statements = log().matches("statement: ").count() + log().matches("execute ").count();
    assert_eq!(connections, 1, "{}", log());
    assert!((1..=5).contains(&statements), "{statements} statements:\n{}", log());
    eventually("it has disconnected", || server.pid().is_some());
}

#[tokio::test]
async fn names_that_no_table_has_are_missing() {
    let db = TestDb::new().await;
    let project =
        Project::of_two().configure("required_tables = [\"a\", \"x.y.z\", \"public.\", \"O'B\\\"x\", \"A\"]");
    let ended = run(project.on(db.url(), &["start"])).assert_code(0);
    ended.assert_says("some tables may be missing (x.y.z, public., O'B\"x, A)");
    run(project.on(db.url(), &["validate"])).assert_code(1).assert_says("some tables may be missing");
}

#[tokio::test]
async fn another_migration_is_waited_for_though_not_for_ever() {
    let db = TestDb::new().await;
    let project = Project::of_two().revision("3", "2", "SELECT pg_sleep(3600);", "");
    let mut first = start(project.on(db.url(), &["start"]));
    first.wait_for("Running upgrade 2 -> 3");
    let second = project.on(db.url(), &["start", "--lock-wait", "1", "--", "echo", "the service runs"]);
    let ended = run(second).assert_code(2).assert_says("waiting for the migration of `limbeck");
    assert_eq!(ended.stdout, "");
    // Who waits can be stopped too.
    let mut third = start(project.on(db.url(), &["start"]));
    third.wait_for("waiting for the migration of");
    third.signal("TERM");
    third.end().assert_code(143);
    first.signal("TERM");
    first.end().assert_code(143);
}

//! `limbeck wait`.

use limbeck_testdb::{Shutdown, TestDb, TestServer};

use crate::start_support::{Project, run, start};

#[tokio::test]
async fn for_a_database_that_comes() {
    let mut server = TestServer::start(None).await;
    let url = server.url("postgres");
    let project = Project::of_two();
    run(project.on(&url, &["wait"])).assert_code(0);
    run(project.on(&url, &["wait", "--for", "database", "--timeout", "600"])).assert_code(0);
    server.stop(Shutdown::Fast).await;
    let mut waiting = start(project.on(&url, &["wait", "--timeout", "600"]));
    waiting.wait_for("attempt 3: ");
    server.restart().await;
    waiting.end().assert_code(0);
}

#[test]
fn for_a_database_that_does_not_come() {
    let project = Project::of_two();
    let url = "postgresql://u:hush-hush@127.0.0.1:1/x";
    let mut command = project.on(url, &["wait"]);
    command.env("DB_MAX_RETRIES", "3");
    let ended = run(command).assert_code(1).assert_says("Failed to connect to PostgreSQL after 3 attempts");
    ended.assert_never_says("hush-hush");
    let ended = run(project.on(url, &["wait", "--timeout", "1"])).assert_code(1);
    ended.assert_says("Failed to connect to PostgreSQL within 1 s: ").assert_says("refused");
    run(project.on(url, &["wait", "--timeout", "0"])).assert_code(1).assert_says("within 0 s");
}

/// A server that takes connections and says nothing: the time limit holds all the same.
#[test]
fn for_a_database_that_says_nothing() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgresql://u@127.0.0.1:{}/x", silent.local_addr().unwrap().port());
    let project = Project::of_two();
    run(project.on(&url, &["wait", "--timeout", "1"])).assert_code(1).assert_says("within 1 s");
}

#[tokio::test]
async fn for_a_database_that_is_wrong() {
    let db = TestDb::new().await;
    let url = db.url().replace(db.name(), "no_such_database");
    let ended = run(Project::of_two().on(&url, &["wait", "--timeout", "600"])).assert_code(1);
    ended.assert_says("no_such_database").assert_never_says("attempt ");
}

#[tokio::test]
async fn for_heads_that_another_process_brings() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let mut waiting = start(project.on(db.url(), &["wait", "--for", "heads", "--timeout", "600"]));
    waiting.wait_for("pending: 1, 2");
    run(project.on(db.url(), &["upgrade", "1"])).assert_code(0);
    waiting.wait_for("pending: 2");
    run(project.on(db.url(), &["upgrade", "head"])).assert_code(0);
    waiting.end().assert_code(0);
    run(project.on(db.url(), &["wait", "--for", "heads", "--timeout", "0"])).assert_code(0);
}

#[tokio::test]
async fn for_heads_that_nobody_brings() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let ended = run(project.on(db.url(), &["wait", "--for", "heads", "--timeout", "3"])).assert_code(1);
    ended.assert_says("the database is not at this project's heads").assert_says("pending: 1, 2");
    let mut waiting = start(project.on(db.url(), &["wait", "--for", "heads", "--timeout", "600"]));
    waiting.wait_for("pending: 1, 2");
    waiting.signal("TERM");
    waiting.end().assert_code(143);
}

#[tokio::test]
async fn for_heads_of_a_database_that_is_not_ours() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    run(project.on(db.url(), &["upgrade", "head"])).assert_code(0);
    sqlx::raw_sql("UPDATE alembic_version SET version_num = 'unheard'")
        .execute(&mut db.connect().await)
        .await
        .unwrap();
    let ended = run(project.on(db.url(), &["wait", "--for", "heads", "--timeout", "600"])).assert_code(1);
    ended.assert_says("unheard");
}

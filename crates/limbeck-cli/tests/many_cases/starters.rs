//! Fifty `limbeck start` at the same moment.

use std::time::Instant;

use limbeck_testdb::TestServer;

use super::crowd::{Crowd, GATE, Gate, journal};
use crate::start_support::{Project, run};

const MANY: usize = 50;

async fn roomy_server() -> TestServer {
    TestServer::start_with(None, &["max_connections=150"]).await
}

/// A first revision that holds everybody up, then one of several segments.
fn gated() -> Project {
    Project::new().revision("1", "", &format!("CREATE TABLE a (id int);\n{GATE}"), "DROP TABLE a;").revision(
        "2",
        "1",
        "CREATE TABLE b (id int);\n-- limbeck:commit\nCREATE TABLE c (id int);",
        "DROP TABLE b, c;",
    )
}

#[tokio::test]
async fn on_an_empty_database_everyone_starts() {
    let server = roomy_server().await;
    let db = server.create_db().await;
    let project = gated();
    let gate = Gate::closed(db.connect().await).await;
    let mut crowd = Crowd::start(MANY, || project.on(db.url(), &["start", "--", "true"]));
    crowd.wait_for(MANY - 1, "waiting for the migration of `limbeck 1`");
    let opened = Instant::now();
    gate.open().await;
    let slowest = crowd.all_end_well(opened);
    eprintln!("{MANY} starters on an empty database: the slowest ended {slowest:.2?} after the gate opened");
    assert_eq!(crowd.count("Running upgrade"), 2, "each revision was applied by one");
    assert_eq!(crowd.saying("the database is at 2"), MANY);
    assert_eq!(journal(&mut db.connect().await).await, "1 done, 2 done");
}

/// A waiter that held a snapshot would be waited for by the index build, for ever.
#[tokio::test]
async fn with_an_index_to_build_concurrently_everyone_starts() {
    let server = roomy_server().await;
    let db = server.create_db().await;
    let project = Project::of_two();
    run(project.on(db.url(), &["upgrade", "head"])).assert_code(0);
    let project = project.revision("3", "2", GATE, "").revision(
        "4",
        "3",
        "CREATE INDEX CONCURRENTLY a_id ON a (id);",
        "DROP INDEX a_id;",
    );
    let gate = Gate::closed(db.connect().await).await;
    let mut crowd = Crowd::start(MANY, || project.on(db.url(), &["start", "--", "true"]));
    crowd.wait_for(MANY - 1, "waiting for the migration of `limbeck 3`");
    let opened = Instant::now();
    gate.open().await;
    let slowest = crowd.all_end_well(opened);
    eprintln!("{MANY} starters with an index build: the slowest ended {slowest:.2?} after the gate opened");
    assert_eq!(crowd.count("Running upgrade"), 2, "each revision was applied by one");
    assert_eq!(journal(&mut db.connect().await).await, "1 done, 2 done, 3 done, 4 done");
    let sql = "SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ', ') FROM pg_index \
               WHERE indrelid = 'a'::regclass";
    assert_eq!(super::crowd::value(&mut db.connect().await, sql).await, "a_id true");
}

#[tokio::test]
async fn when_the_holder_is_killed_a_waiter_takes_over() {
    let server = roomy_server().await;
    let db = server.create_db().await;
    let up = format!("CREATE TABLE b (id int);\n-- limbeck:commit\n{GATE}");
    let project = Project::new().revision("1", "", "CREATE TABLE a (id int);", "DROP TABLE a;").revision(
        "2",
        "1",
        &up,
        "DROP TABLE b;",
    );
    let gate = Gate::closed(db.connect().await).await;
    let mut crowd = Crowd::start(MANY, || project.on(db.url(), &["start", "--", "true"]));
    let waiting = "waiting for the migration of `limbeck 2`";
    crowd.wait_for(MANY - 1, waiting);
    let killed = Instant::now();
    crowd.kill_the_one_without(waiting);
    crowd.wait_for(1, "Going on with the interrupted revision 2: 1 of 2 segments are committed");
    eprintln!("a waiter took over {:.2?} after the holder was killed", killed.elapsed());
    gate.open().await;
    let slowest = crowd.all_end_well(killed);
    eprintln!("{} waiters: the slowest ended {slowest:.2?} after the holder was killed", MANY - 1);
    assert_eq!(crowd.count("Going on with the interrupted revision"), 1);
    assert_eq!(journal(&mut db.connect().await).await, "1 done, 2 done");
}

/// A server that has no room for all of them: who is refused comes back.
#[tokio::test]
async fn on_a_full_server_everyone_starts() {
    let server = TestServer::start_with(None, &["max_connections=20"]).await;
    let db = server.create_db().await;
    let project = gated();
    let gate = Gate::closed(db.connect().await).await;
    let mut crowd = Crowd::start(MANY, || {
        let mut command = project.on(db.url(), &["start", "--", "true"]);
        command.env("DB_MAX_RETRIES", "5000");
        command
    });
    crowd.wait_for(5, "waiting for the migration of `limbeck 1`");
    crowd.wait_for(5, "has no free connection");
    gate.open().await;
    crowd.all_end_well(Instant::now());
    assert_eq!(crowd.count("Running upgrade"), 2, "each revision was applied by one");
    assert_eq!(journal(&mut db.connect().await).await, "1 done, 2 done");
}

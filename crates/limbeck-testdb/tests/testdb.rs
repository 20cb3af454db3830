//! What a test gets from this crate.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::sync::atomic::{AtomicUsize, Ordering};

use limbeck_testdb::{TestDb, TestServer};
use sqlx::{Connection, PgConnection};

async fn count(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn every_test_has_its_own_database() {
    let (one, two) = (TestDb::new().await, TestDb::new().await);
    assert_ne!(one.name(), two.name());
    let mut connection = one.connect().await;
    sqlx::raw_sql("CREATE TABLE t (id int)").execute(&mut connection).await.unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 't'";
    assert_eq!(count(&mut connection, tables).await, 1);
    assert_eq!(count(&mut two.connect().await, tables).await, 0);
    one.drop().await;
    assert!(connection.ping().await.is_err());
}

#[tokio::test]
async fn a_template_is_filled_once() {
    static FILLED: AtomicUsize = AtomicUsize::new(0);
    let fill = async |url: &str| -> Result<(), sqlx::Error> {
        FILLED.fetch_add(1, Ordering::SeqCst);
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql("CREATE TABLE filled AS SELECT generate_series(1, 10) AS n")
            .execute(&mut connection)
            .await?;
        Ok(())
    };
    let copies = [(); 4].map(|()| TestDb::from_template("the key", fill));
    let [one, two, three, four] = copies;
    let (one, two, three, four) = tokio::join!(one, two, three, four);
    for db in [one, two, three, four] {
        assert_eq!(count(&mut db.connect().await, "SELECT count(*) FROM filled").await, 10);
    }
    assert_eq!(FILLED.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_of_ones_own_can_be_stopped_and_restarted() {
    let mut server = TestServer::start(None).await;
    let db = server.create_db().await;
    let mut connection = db.connect().await;
    server.stop_immediately().await;
    assert!(connection.ping().await.is_err());
    server.restart().await;
    assert_eq!(count(&mut db.connect().await, "SELECT 1::bigint").await, 1);
    assert!(server.log().contains("database system is ready"));
    assert!(server.bin_dir().join("initdb").exists());
    server.close().await;
}

/// Runs one of the ignored tests below in a process of its own.
fn helper(name: &str, env: &[(&str, &str)]) -> std::process::Output {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]).envs(env.iter().copied());
    command.output().unwrap()
}

#[test]
fn the_shared_server_ends_with_the_process() {
    let output = helper("helper_shared", &[]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let pid = said.lines().find_map(|line| line.split_once("server: ")).unwrap().1;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(300);
    let alive = || std::process::Command::new("ps").args(["-p", pid]).output().unwrap().status.success();
    while alive() {
        assert!(std::time::Instant::now() < deadline, "process {pid} is still there");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn without_programs_a_test_fails_and_says_why() {
    let output = helper("helper_shared", &[("LIMBECK_PG_BIN", "/nonexistent")]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("LIMBECK_PG_BIN names /nonexistent") && said.contains("help: "), "{said}");
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn helper_shared() {
    let _db = TestDb::new().await;
    let pid = TestServer::shared().await.pid().unwrap();
    // In one piece: the harness writes to the same place.
    std::io::Write::write_all(&mut std::io::stdout(), format!("\nserver: {pid}\n").as_bytes()).unwrap();
}

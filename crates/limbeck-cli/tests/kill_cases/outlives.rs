//! The client dies and its backend lives on: the next run waits for it, and does not work beside it.

use limbeck_testdb::TestServer;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::bed::{Bed, PATIENCE, scenario};
use super::held::{Held, Phase};

/// The backend finishes its statement, though its client died long ago, while the next run waits.
async fn next_run_waits(name: &str, revision: &str, phases: &[Phase], is_finished: &str) {
    let server = TestServer::shared().await;
    let mut bed = Bed::new(server, &scenario(name)).await;
    let (_, expected) = bed.undisturbed().await;
    bed.reset().await;
    let proxy = bed.proxy(None).await;
    proxy.hold();
    let mut held = Held::begin(&mut bed, &proxy, phases).await;
    held.limbeck.kill().await.unwrap();

    let mut second = bed.start();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let waits = format!("waiting for the migration of `limbeck {revision}`");
    let until_it_waits = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(&waits) {
                return;
            }
        }
        panic!("the next run does not wait");
    };
    tokio::time::timeout(PATIENCE, until_it_waits).await.expect("the next run says nothing");
    let before = bed.dump().await;
    bed.until(&phases.last().unwrap().is_reached).await;
    held.release().await;
    bed.until(is_finished).await;
    // The backend holds the lock for as long as it believes in its client.
    assert_ne!(before, bed.dump().await, "the backend finished its statement");
    assert_eq!(second.try_wait().unwrap(), None, "the next run waits for the backend, not for its statement");
    proxy.let_go();

    let status = tokio::time::timeout(PATIENCE, second.wait()).await.expect("the next run ends").unwrap();
    let mut rest = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        rest += &(line + "\n");
    }
    assert!(status.success(), "{rest}");
    assert_eq!(bed.dump().await, expected, "{rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn building_an_index() {
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";
    let phases = [Phase::of_progress("waiting for old snapshots", snapshot)];
    let is_valid =
        "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('things_id') AND indisvalid)";
    next_run_waits("create_index", "n1", &phases, is_valid).await;
}

/// A whole transaction went to the server as one message: it commits though nobody listens any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_transaction() {
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                 AND application_name = 'limbeck t1')";
    let phases = [Phase::new("a lock", "BEGIN; LOCK TABLE things IN SHARE MODE", waits)];
    next_run_waits("transaction", "t1", &phases, "SELECT count(*) = 0 FROM things WHERE hits = 0").await;
}

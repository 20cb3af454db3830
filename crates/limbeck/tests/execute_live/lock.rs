//! The migration lock: who waits for whom, for how long, and what is left of it.

use std::time::Duration;

use limbeck::core::Code;
use limbeck::{Cancel, Error, Event, Job, Migrator, Options, Report};
use limbeck_testdb::TestDb;
use sqlx::Connection as _;
use tokio::sync::Notify;

use crate::support::{
    GATE, Gate, PATIENCE, Rev, exec, line, migrator, overheard, query, rows, run, shown, table,
    until_running, until_unlocked, value, with_options,
};

/// A revision that goes on when the gate is open.
fn gated(id: &str, parents: &[&str]) -> Rev {
    let up = format!("CREATE TABLE t_{id} (id int);\n{GATE}");
    Rev::new(id, parents, &up, &format!("DROP TABLE t_{id};"))
}

/// Runs to head, and tells when it waits for another run.
async fn waiter(
    migrator: &Migrator,
    url: &str,
    cancel: &Cancel,
    events: &mut Vec<String>,
    mut waits: impl FnMut() + Send,
) -> Result<Report, Error> {
    let ear = |event: &Event<'_>| {
        if matches!(event, Event::Waiting { .. }) {
            waits();
        }
    };
    overheard(migrator, url, Job::Upgrade("head"), cancel, events, ear).await
}

#[tokio::test]
async fn many_at_once_on_an_empty_database() {
    let db = TestDb::new().await;
    let mut revs = line(&["a1", "a2", "a3"]);
    revs.push(Rev::new("a4", &["a3"], "SELECT pg_sleep(0.2);", ""));
    let migrator = migrator(&revs);
    let runs = (0..10).map(|_| run(&migrator, db.url(), Job::Upgrade("head")));
    let outcomes = futures_util::future::join_all(runs).await;
    let mut applied = 0;
    for outcome in outcomes {
        let report = outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
        assert_eq!(report.rows, ["a4"]);
        applied += report.steps.len();
    }
    assert_eq!(applied, 4, "each revision was reported by the run that applied it");
    let journal = value(db.url(), "SELECT string_agg(revision, ' ' ORDER BY id) FROM limbeck.journal").await;
    assert_eq!(journal, "a1 a2 a3 a4");
    until_unlocked(&mut db.connect().await).await;
}

#[tokio::test]
async fn a_waiter_says_whom_it_waits_for_and_takes_over_when_that_dies() {
    let db = TestDb::new().await;
    let migrator = migrator(&[table("a1", &[]), gated("a2", &["a1"])]);
    let gate = Gate::closed(&db).await;
    let waits = Notify::new();
    let mut events = Vec::new();
    let killer = async {
        let pid = until_running(db.url(), "limbeck a2").await;
        waits.notified().await;
        let killed = value(db.url(), &format!("SELECT pg_terminate_backend({pid})::text")).await;
        gate.open().await;
        killed
    };
    let waiter = async {
        until_running(db.url(), "limbeck a2").await;
        waiter(&migrator, db.url(), &Cancel::default(), &mut events, || waits.notify_one()).await
    };
    let (holder, waiter, killed) =
        tokio::join!(run(&migrator, db.url(), Job::Upgrade("head")), waiter, killer);
    assert_eq!(killed, "true");
    let holder = holder.unwrap_err();
    assert_eq!(holder.code(), Code::ConnectionLost, "{}", shown(&holder));
    let text = shown(&holder);
    assert!(text.contains("upgrade of a2") && text.contains("applied before it, and kept: a1"), "{text}");
    assert_eq!(waiter.unwrap().rows, ["a2"]);
    assert_eq!(events, ["waiting for limbeck a2", "applied a2"]);
    assert_eq!(
        value(db.url(), "SELECT string_agg(revision, ' ' ORDER BY id) FROM limbeck.journal").await,
        "a1 a2"
    );
}

#[tokio::test]
async fn waiting_has_an_end() {
    let db = TestDb::new().await;
    let holder = migrator(&[gated("a1", &[])]);
    let options = Options { lock_wait: Duration::from_millis(300), ..Options::default() };
    let waiter = with_options(&[gated("a1", &[])], options);
    let gate = Gate::closed(&db).await;
    let waiting = async {
        until_running(db.url(), "limbeck a1").await;
        let waited = run(&waiter, db.url(), Job::Upgrade("head")).await;
        gate.open().await;
        waited
    };
    let (held, waited) = tokio::join!(run(&holder, db.url(), Job::Upgrade("head")), waiting);
    held.unwrap();
    let error = waited.unwrap_err();
    assert_eq!(error.code(), Code::LockTimeout);
    let text = shown(&error);
    assert!(text.contains("limbeck a1") && text.contains("--lock-wait"), "{text}");
}

#[tokio::test]
async fn waiting_can_be_cancelled() {
    let db = TestDb::new().await;
    let migrator = migrator(&[gated("a1", &[])]);
    let gate = Gate::closed(&db).await;
    let cancel = Cancel::default();
    let mut events = Vec::new();
    let waiting = async {
        until_running(db.url(), "limbeck a1").await;
        let waited = waiter(&migrator, db.url(), &cancel, &mut events, || cancel.request()).await;
        // The holder goes on.
        let is_before = value(db.url(), "SELECT (to_regclass('t_a1') IS NULL)::text").await;
        gate.open().await;
        (waited, is_before)
    };
    let (held, (waited, is_before)) = tokio::join!(run(&migrator, db.url(), Job::Upgrade("head")), waiting);
    held.unwrap();
    assert_eq!(waited.unwrap_err().code(), Code::Cancelled);
    assert_eq!(is_before, "true");
    assert_eq!(events, ["waiting for limbeck a1"]);
}

/// A waiter that held a snapshot would be waited for by the holder's index build, for ever.
#[tokio::test]
async fn waiters_do_not_stop_a_concurrent_index_build() {
    let db = TestDb::new().await;
    let up =
        "CREATE TABLE one (id int);\nSELECT pg_sleep(0.5);\nCREATE INDEX CONCURRENTLY one_id ON one (id);";
    let revs = [Rev::new("a1", &[], up, "DROP TABLE one;")];
    let migrator = migrator(&revs);
    let runs = (0..5).map(|_| run(&migrator, db.url(), Job::Upgrade("head")));
    let all = tokio::time::timeout(PATIENCE, futures_util::future::join_all(runs)).await;
    for outcome in all.expect("waiter and holder wait for each other") {
        outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    }
    let journal = value(db.url(), "SELECT count(*)::text FROM limbeck.journal").await;
    assert_eq!(journal, "1");
}

/// Other databases, and other version tables of the same one, do not wait.
#[tokio::test]
async fn the_lock_is_for_one_version_table() {
    let db = TestDb::new().await;
    let mut other = Options { lock_wait: Duration::ZERO, ..Options::default() };
    other.state.version_table = "other_version".to_owned();
    let other = with_options(&[table("b1", &[])], other);
    let first = migrator(&[gated("a1", &[])]);
    // The journal's table would be made inside the first one's transaction, and the second one wait for that.
    first.ensure_version(&mut db.connect().await).await.unwrap();
    let gate = Gate::closed(&db).await;
    let second = async {
        until_running(db.url(), "limbeck a1").await;
        let second = run(&other, db.url(), Job::Upgrade("head")).await;
        gate.open().await;
        second
    };
    let (first, second) = tokio::join!(run(&first, db.url(), Job::Upgrade("head")), second);
    first.unwrap();
    second.unwrap_or_else(|error| panic!("{}", shown(&error)));
}

/// A lock that the application holds: the segment is tried again, and in the end said to whom to look.
#[tokio::test]
async fn a_table_lock_is_waited_for_with_retries() {
    let db = TestDb::new().await;
    let mut options = Options::default();
    options.state.lock_timeout = Duration::from_millis(100);
    let mut connection = db.connect().await;
    exec(&mut connection, "CREATE TABLE busy (id int)").await;
    exec(&mut connection, "BEGIN; LOCK TABLE busy").await;
    let up = "CREATE TABLE t_a1 (id int);\nALTER TABLE busy ADD COLUMN name text;";
    let migrator = with_options(&[Rev::new("a1", &[], up, "")], options);
    let mut events = Vec::new();
    let cancel = Cancel::default();
    let retries = Notify::new();
    let release = async {
        retries.notified().await;
        exec(&mut connection, "ROLLBACK").await;
    };
    let ear = |event: &Event<'_>| {
        if matches!(event, Event::Retrying { .. }) {
            retries.notify_one();
        }
    };
    let run = overheard(&migrator, db.url(), Job::Upgrade("head"), &cancel, &mut events, ear);
    let (outcome, ()) = tokio::join!(run, release);
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(events.first().map(String::as_str), Some("retrying: 2"));
    assert_eq!(rows(db.url()).await, "a1");
    let answer = query(&mut connection, "SELECT count(*)::text FROM t_a1").await;
    assert_eq!(answer, "0\n");
    connection.close().await.unwrap();
}

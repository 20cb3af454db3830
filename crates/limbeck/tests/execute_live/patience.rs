//! Other sessions in the way: locks, old snapshots, deadlocks. Who it is gets named, and what can be tried
//! again is.

use std::time::Duration;

use limbeck::core::Code;
use limbeck::{Cancel, Control, Error, Event, Job, Migrator, Obstacle, Options, Report};
use limbeck_testdb::TestDb;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::sync::mpsc;

use crate::support::{PATIENCE, Rev, exec, journal, query, rows, shown, until_is, value, with_options};

/// What a test must know of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Blocked { relation: Option<String>, sessions: Vec<String> },
    Retrying(Obstacle, u32),
}

/// Runs to head; what is heard goes to the channel while it runs.
async fn upgrade(
    migrator: &Migrator,
    url: &str,
    heard: mpsc::UnboundedSender<Heard>,
) -> Result<Report, Error> {
    let mut emit = |event: Event<'_>| {
        let _ = match event {
            Event::Blocked { relation, blockers, .. } => heard.send(Heard::Blocked {
                relation: relation.map(str::to_owned),
                sessions: blockers.iter().map(ToString::to_string).collect(),
            }),
            Event::Retrying { obstacle, attempt, .. } => heard.send(Heard::Retrying(obstacle, attempt)),
            _ => Ok(()),
        };
    };
    let mut control = Control { cancel: Cancel::default(), emit: &mut emit };
    migrator.run(&url, Job::Upgrade("head"), &mut control).await
}

/// The next thing heard for which this holds.
async fn until(ear: &mut mpsc::UnboundedReceiver<Heard>, is_it: impl Fn(&Heard) -> bool) -> Heard {
    let wait = async {
        loop {
            let heard = ear.recv().await.expect("the run ended before");
            if is_it(&heard) {
                return heard;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("nothing of the kind was heard")
}

fn is_retry(heard: &Heard) -> bool {
    matches!(heard, Heard::Retrying(..))
}

fn is_blocked(heard: &Heard) -> bool {
    matches!(heard, Heard::Blocked { .. })
}

fn lock_timeout(ms: u64) -> Options {
    let mut options = Options::default();
    options.state.lock_timeout = Duration::from_millis(ms);
    options
}

/// A session called `nightly report` that has run this in a transaction, and its pid.
async fn holder(db: &TestDb, sql: &str) -> (PgConnection, String) {
    let mut connection = db.connect().await;
    exec(&mut connection, &format!("SET application_name = 'nightly report'; {sql}")).await;
    let pid = query(&mut connection, "SELECT pg_backend_pid()::text").await.trim_end().to_owned();
    (connection, pid)
}

#[tokio::test]
async fn a_lock_that_is_not_to_be_had() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    exec(&mut connection, "CREATE TABLE busy (id int, secret text)").await;
    let (holder, pid) =
        holder(&db, "BEGIN; LOCK TABLE busy; UPDATE busy SET secret = 'sEcret' WHERE id = 1").await;
    let up = "CREATE TABLE t_a1 (id int);\nALTER TABLE busy ADD COLUMN name text;";
    let migrator = with_options(&[Rev::new("a1", &[], up, "")], lock_timeout(1000));
    let (heard, mut ear) = mpsc::unbounded_channel();
    let text = shown(&upgrade(&migrator, db.url(), heard).await.unwrap_err());
    for part in [
        "a1.sql:10:1",
        "run::lock-timeout",
        &format!("in the way: session {pid} (nightly report, user "),
        "idle in transaction for ",
        // Its last statement is the question for its pid.
        "last statement `SELECT pg_backend_pid()::text`",
        "it was tried 5 times",
        &format!("`SELECT pg_terminate_backend({pid})`"),
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("sEcret"), "{text}");
    let Heard::Blocked { relation, sessions } = until(&mut ear, is_blocked).await else { unreachable!() };
    assert_eq!(relation.as_deref(), Some("busy"));
    assert!(sessions.len() == 1 && sessions[0].starts_with(&format!("session {pid} ")), "{sessions:?}");
    let mut attempts = Vec::new();
    while let Some(heard) = ear.recv().await {
        attempts.extend(is_retry(&heard).then_some(heard));
    }
    assert_eq!(attempts, (2..=5).map(|n| Heard::Retrying(Obstacle::Lock, n)).collect::<Vec<_>>());
    assert_eq!(value(db.url(), "SELECT to_regclass('t_a1')::text").await, "NULL");
    drop(holder);
}

/// It is held by a transaction without a session.
#[tokio::test]
async fn a_prepared_transaction_in_the_way() {
    let server = limbeck_testdb::TestServer::start_with(None, &["max_prepared_transactions=2"]).await;
    let db = server.create_db().await;
    let mut connection = db.connect().await;
    exec(&mut connection, "CREATE TABLE busy (id int)").await;
    exec(&mut connection, "BEGIN; LOCK TABLE busy; PREPARE TRANSACTION 'left'").await;
    let options = Options { mode: limbeck::TransactionMode::Single, ..lock_timeout(3000) };
    let migrator = with_options(&[Rev::new("a1", &[], "DROP TABLE busy;", "")], options);
    let (heard, _ear) = mpsc::unbounded_channel();
    let text = shown(&upgrade(&migrator, db.url(), heard).await.unwrap_err());
    assert!(text.contains("a prepared transaction") && text.contains("`ROLLBACK PREPARED`"), "{text}");
    assert!(!text.contains("it was tried"), "the whole run is one transaction: {text}");
    exec(&mut connection, "ROLLBACK PREPARED 'left'").await;
}

/// A lock timeout would leave an invalid index; the wait for a snapshot may take much longer.
#[tokio::test]
async fn an_index_build_waits_for_an_old_snapshot() {
    let db = TestDb::new().await;
    let (mut old, pid) = holder(&db, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await;
    let up = "CREATE TABLE one (id int);\n-- limbeck:timeout lock=50ms\nCREATE INDEX CONCURRENTLY one_id ON one (id);";
    let migrator = with_options(&[Rev::new("a1", &[], up, "")], Options::default());
    let (heard, mut ear) = mpsc::unbounded_channel();
    let release = async {
        let heard = until(&mut ear, is_blocked).await;
        exec(&mut old, "COMMIT").await;
        heard
    };
    let (outcome, heard) = tokio::join!(upgrade(&migrator, db.url(), heard), release);
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    let Heard::Blocked { relation: None, sessions } = heard else { panic!("{heard:?}") };
    assert!(sessions[0].starts_with(&format!("session {pid} (nightly report, ")), "{sessions:?}");
    assert_eq!(
        value(db.url(), "SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'one_id'::regclass").await,
        "true"
    );
}

#[tokio::test]
async fn an_index_build_does_not_wait_for_ever() {
    let db = TestDb::new().await;
    let (old, pid) = holder(&db, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await;
    let up = "CREATE TABLE one (id int);\nCREATE INDEX CONCURRENTLY one_id ON one (id);";
    let options = Options { concurrently_wait: Duration::from_millis(1500), ..Options::default() };
    let migrator = with_options(&[Rev::new("a1", &[], up, "")], options);
    let (heard, _ear) = mpsc::unbounded_channel();
    let outcome = tokio::time::timeout(PATIENCE, upgrade(&migrator, db.url(), heard)).await;
    let error = outcome.expect("it waits for ever").unwrap_err();
    assert_eq!(error.code(), Code::LockTimeout);
    let text = shown(&error);
    for part in [
        "a1.sql:10:1",
        "longer than `concurrently_wait` allows (1.5 s)",
        &format!("in the way: session {pid} (nightly report, "),
        "one_id",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(journal(db.url()).await.starts_with("a1 upgrade running 1/2"));
    drop(old);
}

/// Whoever PostgreSQL chooses as the victim tries again; the other one gets on in the meantime.
#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let db = TestDb::new().await;
    let mut other = db.connect().await;
    exec(&mut other, "CREATE TABLE one (id int); CREATE TABLE two (id int)").await;
    exec(&mut other, "SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE two").await;
    let up = "LOCK TABLE one;\nLOCK TABLE two;\nCREATE TABLE t_a1 (id int);";
    let migrator = with_options(&[Rev::new("a1", &[], up, "")], lock_timeout(300_000));
    let (heard, mut ear) = mpsc::unbounded_channel();
    let deadlock = async {
        exec(&mut other, "LOCK TABLE one; COMMIT").await;
        until(&mut ear, is_retry).await
    };
    let waits = "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND relation = 'two'::regclass";
    let both = async {
        until_is(db.url(), waits, "1").await;
        deadlock.await
    };
    let (outcome, heard) = tokio::join!(upgrade(&migrator, db.url(), heard), both);
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(heard, Heard::Retrying(Obstacle::Deadlock, 2));
    assert_eq!(rows(db.url()).await, "a1");
}

/// `limbeck:timeout` holds in batches and outside of transactions too, and what timed out is tried again
/// without what was committed before.
#[tokio::test]
async fn batches_and_statements_by_themselves_are_tried_again() {
    let batch = "-- limbeck:batch size=2\nDELETE FROM busy WHERE id IN (SELECT id FROM busy ORDER BY id LIMIT :'batch');";
    for statement in [batch, "VACUUM busy;", "-- limbeck:autocommit\nALTER TABLE busy ADD COLUMN name text;"]
    {
        let db = TestDb::new().await;
        let mut connection = db.connect().await;
        exec(&mut connection, "CREATE TABLE busy (id int); INSERT INTO busy SELECT generate_series(1, 5)")
            .await;
        exec(&mut connection, "CREATE TABLE log (id int)").await;
        exec(
            &mut connection,
            "BEGIN; LOCK TABLE busy IN SHARE UPDATE EXCLUSIVE MODE; SELECT FROM busy WHERE id = 5 FOR UPDATE",
        )
        .await;
        let up = format!(
            "-- limbeck:timeout lock=100ms\nINSERT INTO log VALUES (1);\n-- limbeck:commit\n{statement}\nINSERT INTO log VALUES (2);"
        );
        let migrator = with_options(&[Rev::new("a1", &[], &up, "")], lock_timeout(0));
        let (heard, mut ear) = mpsc::unbounded_channel();
        let release = async {
            let heard = until(&mut ear, is_retry).await;
            exec(&mut connection, "ROLLBACK").await;
            heard
        };
        let (outcome, heard) = tokio::join!(upgrade(&migrator, db.url(), heard), release);
        outcome.unwrap_or_else(|error| panic!("{statement}: {}", shown(&error)));
        assert_eq!(heard, Heard::Retrying(Obstacle::Lock, 2), "{statement}");
        assert_eq!(value(db.url(), "SELECT string_agg(id::text, ' ' ORDER BY id) FROM log").await, "1 2");
        assert_eq!(journal(db.url()).await, "a1 upgrade done 3/3 rows={a1}");
        connection.close().await.unwrap();
    }
}

//! Runs that are asked to stop.

use limbeck::core::Code;
use limbeck::{Cancel, Control, Event, Job, Migrator, Pace, TransactionMode};
use limbeck_testdb::TestDb;

use crate::support::{
    PATIENCE, Rev, journal, migrator, paced, rows, run, shown, single, table, until_is, value, watched,
    with_options,
};

fn sleeper(id: &str, parents: &[&str]) -> Rev {
    let up = format!("CREATE TABLE t_{id} (id int);\nSELECT pg_sleep(600);");
    Rev::new(id, parents, &up, &format!("DROP TABLE t_{id};"))
}

/// Whether a statement sleeps.
const SLEEPS: &str = "SELECT (count(*) > 0)::text FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                      AND datname = current_database()";

/// Runs, and asks to stop when this query says `true`; the error as text, and the events.
async fn stopped(migrator: &Migrator, url: &str, when: &str) -> (String, Vec<String>) {
    let cancel = Cancel::default();
    let mut events = Vec::new();
    let stop = async {
        until_is(url, when, "true").await;
        cancel.request();
    };
    let both =
        async { tokio::join!(watched(migrator, url, Job::Upgrade("head"), &cancel, &mut events), stop) };
    let (outcome, ()) = tokio::time::timeout(PATIENCE, both).await.expect("it goes on");
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), Code::Cancelled, "{}", shown(&error));
    (shown(&error), events)
}

#[tokio::test]
async fn the_statement_is_cancelled_and_rolled_back() {
    for pace in [Pace::Segment, Pace::Statement] {
        let db = TestDb::new().await;
        let migrator =
            with_options(&[table("a1", &[]), sleeper("a2", &["a1"]), table("a3", &["a2"])], paced(pace));
        let (text, events) = stopped(&migrator, db.url(), SLEEPS).await;
        assert_eq!(
            text,
            "error[run::cancelled]: a2.sql:10:1: upgrade of a2 failed: cancelled\n  \
             note: the upgrade of a2 was rolled back: nothing of it remains\n  \
             note: applied before it, and kept: a1\n| SELECT pg_sleep(600);\n| ^^^^^^^^^^^^^^^^^^^^\n"
        );
        assert_eq!(events, ["applied a1", "cancelling"]);
        assert_eq!(rows(db.url()).await, "a1");
        assert_eq!(value(db.url(), "SELECT to_regclass('t_a2')::text").await, "NULL");
        let sessions = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name LIKE 'limbeck%' \
                        AND datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
        assert_eq!(value(db.url(), sessions).await, "0");
    }
}

#[tokio::test]
async fn a_single_transaction_leaves_nothing() {
    let db = TestDb::new().await;
    let migrator = with_options(&[table("a1", &[]), sleeper("a2", &["a1"])], single());
    let (text, _) = stopped(&migrator, db.url(), SLEEPS).await;
    assert!(text.contains("the whole run was rolled back"), "{text}");
    assert_eq!(
        value(db.url(), "SELECT count(*)::text FROM pg_tables WHERE schemaname IN ('public', 'limbeck')")
            .await,
        "0"
    );
}

#[tokio::test]
async fn segments_and_batches_stay_where_they_were() {
    let db = TestDb::new().await;
    let up = "CREATE TABLE one (id int PRIMARY KEY, done bool NOT NULL DEFAULT false);\n\
              INSERT INTO one SELECT generate_series(1, 1000);\n\
              -- limbeck:batch size=1 pause=50ms\n\
              UPDATE one SET done = true WHERE id = (SELECT id FROM one WHERE NOT done LIMIT :'batch');";
    let revs = [Rev::new("a1", &[], up, "")];
    // The second batch begins when the first one was told of.
    let some = "SELECT (count(*) > 1)::text FROM one WHERE done";
    let (text, events) = stopped(&migrator(&revs), db.url(), some).await;
    assert!(
        text.contains("1 of 2 segments of a1 are committed and stay") && !text.contains("was rolled back"),
        "{text}"
    );
    assert!(events.iter().any(|event| event.starts_with("batch:")), "{events:?}");
    assert_eq!(journal(db.url()).await, "a1 upgrade running 1/2");
    assert_ne!(value(db.url(), "SELECT count(*)::text FROM one WHERE done").await, "0");
    value(db.url(), "UPDATE one SET done = true").await;
    run(&migrator(&revs), db.url(), Job::Upgrade("head")).await.unwrap();
    assert_eq!(journal(db.url()).await, "a1 upgrade done 2/2 rows={a1}");
}

/// A cancelled statement outside a transaction did nothing: the next run tries it again.
#[tokio::test]
async fn a_statement_outside_a_transaction() {
    let db = TestDb::new().await;
    let up = "CREATE TABLE one (seconds int);\nINSERT INTO one VALUES (600);\n-- limbeck:autocommit\n\
              SELECT pg_sleep(max(seconds)) FROM one;\nDROP TABLE one;";
    let migrator = migrator(&[Rev::new("a1", &[], up, "")]);
    stopped(&migrator, db.url(), SLEEPS).await;
    assert_eq!(journal(db.url()).await, "a1 upgrade running 1/3");
    value(db.url(), "UPDATE one SET seconds = 0").await;
    run(&migrator, db.url(), Job::Upgrade("head")).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(journal(db.url()).await, "a1 upgrade done 3/3 rows={a1}");
}

/// Without a way to a second connection the run still ends, and says that the server may take longer.
#[tokio::test]
async fn without_a_second_connection() {
    let db = TestDb::new().await;
    let migrator = migrator(&[table("a1", &[]), sleeper("a2", &["a1"])]);
    let mut connection = db.connect().await;
    let cancel = Cancel::default();
    let mut quiet = |_: Event<'_>| {};
    let mut control = Control { cancel: cancel.clone(), emit: &mut quiet };
    let stop = async {
        until_is(db.url(), SLEEPS, "true").await;
        cancel.request();
    };
    let run = migrator.run_on(&mut connection, None, Job::Upgrade("head"), &mut control);
    let both = async { tokio::join!(run, stop) };
    let (outcome, ()) = tokio::time::timeout(PATIENCE, both).await.expect("it goes on");
    let text = shown(&outcome.unwrap_err());
    assert!(text.contains("cancelled") && text.contains("the connection was dropped"), "{text}");
    drop(connection);
    assert_eq!(rows(db.url()).await, "a1");
}

#[tokio::test]
async fn before_it_began() {
    let db = TestDb::new().await;
    let options = limbeck::Options { mode: TransactionMode::PerRevision, ..limbeck::Options::default() };
    let migrator = with_options(&[table("a1", &[])], options);
    let cancel = Cancel::default();
    cancel.request();
    let outcome = watched(&migrator, db.url(), Job::Upgrade("head"), &cancel, &mut Vec::new()).await;
    assert_eq!(outcome.unwrap_err().code(), Code::Cancelled);
    assert_eq!(value(db.url(), "SELECT to_regclass('alembic_version')::text").await, "NULL");
}

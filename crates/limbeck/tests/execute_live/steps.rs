//! Steps in Rust: where they commit, how they fail, how they go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use limbeck::core::Code;
use limbeck::{Cancel, Job, Migrator, Options, RustStep, StepError};
use limbeck_testdb::TestDb;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::support::{Rev, exec, journal, migrator, rows, run, shown, value, watched, with_options};

const UP: &str = "CREATE TABLE one (id int, name text);\nINSERT INTO one SELECT generate_series(1, 25);\n\
                  -- limbeck:rust\nALTER TABLE one ALTER name SET NOT NULL;";

fn revisions() -> [Rev; 2] {
    [Rev::new("a1", &[], "CREATE TABLE before (id int);", ""), Rev::new("a2", &["a1"], UP, "DROP TABLE one;")]
}

/// Names some rows; says how many.
async fn name(connection: &mut PgConnection, limit: i64) -> Result<u64, StepError> {
    let sql = "UPDATE one SET name = 'n' || id WHERE id IN (SELECT id FROM one WHERE name IS NULL ORDER BY id LIMIT $1)";
    Ok(sqlx::query(sql).bind(limit).execute(connection).await?.rows_affected())
}

fn naming() -> RustStep {
    RustStep::transaction(|connection| {
        Box::pin(async move {
            // A transaction of the function's own is a savepoint in limbeck's.
            let mut inner = connection.begin().await?;
            name(&mut inner, 10).await?;
            inner.rollback().await?;
            let mut inner = connection.begin().await?;
            name(&mut inner, 100).await?;
            inner.commit().await?;
            Ok(())
        })
    })
}

/// An error of the application's.
fn wrong() -> StepError {
    "the service of names is closed".into()
}

async fn named(db: &TestDb) -> String {
    value(db.url(), "SELECT count(name)::text FROM one").await
}

#[tokio::test]
async fn a_step_commits_with_its_segment() {
    let db = TestDb::new().await;
    let migrator = migrator(&revisions()).with_step("a2", naming());
    run(&migrator, db.url(), Job::Upgrade("head")).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(named(&db).await, "25");
    assert_eq!(journal(db.url()).await, "a1 upgrade done 1/1 rows={a1}\na2 upgrade done 3/3 rows={a2}");
    run(&migrator, db.url(), Job::Downgrade("a1")).await.unwrap();
    assert_eq!(rows(db.url()).await, "a1");
}

/// Only a step, first and last of its revision, in both directions.
#[tokio::test]
async fn a_revision_of_nothing_else() {
    let db = TestDb::new().await;
    let say = |word: &'static str| {
        RustStep::transaction(move |connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO before VALUES (length($1))").bind(word).execute(connection).await?;
                Ok(())
            })
        })
    };
    let revs = [revisions()[0].clone(), Rev::new("a2", &["a1"], "-- limbeck:rust", "-- limbeck:rust")];
    let migrator = migrator(&revs).with_step("a2", say("up")).with_downgrade_step("a2", say("down"));
    run(&migrator, db.url(), Job::Upgrade("head")).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    run(&migrator, db.url(), Job::Downgrade("a1")).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    let said = value(db.url(), "SELECT string_agg(id::text, ' ' ORDER BY id) FROM before").await;
    assert_eq!(said, "2 4");
    assert_eq!(
        journal(db.url()).await,
        "a1 upgrade done 1/1 rows={a1}\na2 upgrade done 1/1 rows={a2}\na2 downgrade done 1/1 rows={a1}"
    );
    // One that fails leaves nothing, not even an entry.
    let failing = with_step(&revs, |_| Box::pin(async { Err(wrong()) }));
    run(&failing, db.url(), Job::Upgrade("head")).await.unwrap_err();
    assert!(!journal(db.url()).await.contains("running"));
}

fn with_step<F>(revs: &[Rev], function: F) -> Migrator
where
    F: for<'c> Fn(&'c mut PgConnection) -> limbeck::connect::BoxFuture<'c, Result<(), StepError>>
        + Send
        + Sync
        + 'static,
{
    migrator(revs).with_step("a2", RustStep::transaction(function))
}

#[tokio::test]
async fn a_step_that_fails_is_rolled_back_and_comes_again() {
    let db = TestDb::new().await;
    let failing = with_step(&revisions(), |connection| {
        Box::pin(async move {
            name(connection, 10).await?;
            Err(wrong())
        })
    });
    let text = shown(&run(&failing, db.url(), Job::Upgrade("head")).await.unwrap_err());
    for part in [
        "run::rust-step",
        "a2.sql:11:1: upgrade of a2 failed: the step in Rust failed: the service of names is closed",
        "1 of 3 segments of a2 are committed and stay",
        "| -- limbeck:rust",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(named(&db).await, "0");
    // What PostgreSQL says is said as usual.
    let failing = with_step(&revisions(), |connection| {
        Box::pin(async move {
            sqlx::query("UPDATE nothing SET name = ''").execute(connection).await?;
            Ok(())
        })
    });
    let text = shown(&run(&failing, db.url(), Job::Upgrade("head")).await.unwrap_err());
    assert!(text.contains("relation \"nothing\" does not exist [42P01]"), "{text}");
    // And what sqlx says about rows is the step's own failure, not a lost connection.
    let failing = with_step(&revisions(), |connection| {
        Box::pin(async move {
            sqlx::query("SELECT 1 WHERE false").fetch_one(connection).await?;
            Ok(())
        })
    });
    let text = shown(&run(&failing, db.url(), Job::Upgrade("head")).await.unwrap_err());
    assert!(text.contains("run::rust-step") && text.contains("no rows returned"), "{text}");
    let migrator = migrator(&revisions()).with_step("a2", naming());
    run(&migrator, db.url(), Job::Upgrade("head")).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(named(&db).await, "25");
}

/// Its segment and the journal's note would no longer be one.
#[tokio::test]
async fn a_step_may_not_end_the_transaction() {
    for sql in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN"] {
        let db = TestDb::new().await;
        let ending = with_step(&revisions(), move |connection| {
            Box::pin(async move {
                sqlx::raw_sql(sql).execute(connection).await?;
                Ok(())
            })
        });
        let text = shown(&run(&ending, db.url(), Job::Upgrade("head")).await.unwrap_err());
        assert!(text.contains("ended limbeck's transaction"), "{sql}: {text}");
        assert!(journal(db.url()).await.ends_with("a2 upgrade running 1/3"), "{sql}");
    }
}

#[tokio::test]
async fn batches_go_on_after_an_interruption() {
    let db = TestDb::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let step = |fails_at: usize| {
        let calls = Arc::clone(&calls);
        RustStep::batches(move |connection| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                let rows = name(connection, 10).await?;
                if call == fails_at { Err(wrong()) } else { Ok(rows) }
            })
        })
    };
    let mut events = Vec::new();
    let first = migrator(&revisions()).with_step("a2", step(1));
    let cancel = Cancel::default();
    let error = watched(&first, db.url(), Job::Upgrade("head"), &cancel, &mut events).await.unwrap_err();
    assert!(shown(&error).contains("the service of names is closed"), "{}", shown(&error));
    assert_eq!(named(&db).await, "10", "the second batch was rolled back");
    events.clear();
    let second = migrator(&revisions()).with_step("a2", step(usize::MAX).pause(Duration::from_millis(1)));
    watched(&second, db.url(), Job::Upgrade("head"), &cancel, &mut events).await.unwrap();
    assert_eq!(
        events,
        [
            "resuming a2 after 1 of 3 and 10 rows",
            "batch: 20 rows so far",
            "batch: 25 rows so far",
            "applied a2"
        ]
    );
    assert_eq!(named(&db).await, "25");
    assert_eq!(value(db.url(), "SELECT count(batch_rows)::text FROM limbeck.journal").await, "0");
}

#[tokio::test]
async fn batches_have_an_end_where_one_is_said() {
    let db = TestDb::new().await;
    let endless = RustStep::batches(|_| Box::pin(async { Ok(10) })).max_rows(35);
    let migrator = migrator(&revisions()).with_step("a2", endless);
    let error = run(&migrator, db.url(), Job::Upgrade("head")).await.unwrap_err();
    assert_eq!(error.code(), Code::BatchWithoutEnd, "{}", shown(&error));
    assert_eq!(value(db.url(), "SELECT max(batch_rows)::text FROM limbeck.journal").await, "40");
}

#[tokio::test]
async fn a_step_can_be_cancelled() {
    let db = TestDb::new().await;
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let slow = with_step(&revisions(), move |connection| {
        let _ = begun.send(());
        Box::pin(async move {
            name(connection, 10).await?;
            sqlx::query("SELECT pg_sleep(600)").execute(connection).await?;
            Ok(())
        })
    });
    let cancel = Cancel::default();
    let stop = async {
        has_begun.recv().await;
        cancel.request();
    };
    let mut events = Vec::new();
    let (outcome, ()) =
        tokio::join!(watched(&slow, db.url(), Job::Upgrade("head"), &cancel, &mut events), stop);
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), Code::Cancelled, "{}", shown(&error));
    assert_eq!(named(&db).await, "0");
    assert!(journal(db.url()).await.ends_with("a2 upgrade running 1/3"));
}

/// A lock that is not to be had: the function is called again.
#[tokio::test]
async fn a_step_is_tried_again() {
    let db = TestDb::new().await;
    let mut holder = db.connect().await;
    exec(&mut holder, "CREATE TABLE busy (id int)").await;
    exec(&mut holder, "BEGIN; LOCK TABLE busy").await;
    let holder = Arc::new(tokio::sync::Mutex::new(holder));
    let calls = Arc::new(AtomicUsize::new(0));
    let (counted, lock) = (Arc::clone(&calls), Arc::clone(&holder));
    let step = RustStep::transaction(move |connection| {
        let (first, lock) = (counted.fetch_add(1, Ordering::SeqCst) == 0, Arc::clone(&lock));
        Box::pin(async move {
            if !first {
                exec(&mut *lock.lock().await, "ROLLBACK").await;
            }
            sqlx::query("INSERT INTO busy VALUES (1)").execute(&mut *connection).await?;
            name(connection, 100).await?;
            Ok(())
        })
    });
    let mut options = Options::default();
    options.state.lock_timeout = Duration::from_millis(100);
    let migrator = with_options(&revisions(), options).with_step("a2", step);
    let mut events = Vec::new();
    let cancel = Cancel::default();
    let outcome = watched(&migrator, db.url(), Job::Upgrade("head"), &cancel, &mut events).await;
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(events, ["applied a1", "retrying: 2", "applied a2"]);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(value(db.url(), "SELECT count(*)::text FROM busy").await, "1");
}

/// Before anything is touched.
#[tokio::test]
async fn steps_and_places_must_match() {
    let db = TestDb::new().await;
    let plain = migrator(&revisions());
    let cases = [
        (migrator(&revisions()), "a2.sql:11:1", "`Migrator::with_step(\"a2\", ...)`"),
        (
            migrator(&revisions()).with_step("a2", naming()).with_step("a9", naming()),
            "a9, which is in no file",
            "full id",
        ),
        (
            migrator(&revisions()).with_step("a2", naming()).with_step("a1", naming()),
            "upgrade of revision a1, whose file has no place",
            "`-- limbeck:rust`",
        ),
        (
            migrator(&revisions()).with_downgrade_step("a2", naming()),
            "downgrade of revision a2, whose file has no place",
            "`-- limbeck:rust`",
        ),
    ];
    for (migrator, what, help) in cases {
        let error = run(&migrator, db.url(), Job::Upgrade("head")).await.unwrap_err();
        assert_eq!(error.code(), Code::RustStep);
        let text = shown(&error);
        assert!(text.contains(what) && text.contains(help), "{text}");
    }
    assert_eq!(value(db.url(), "SELECT to_regclass('alembic_version')::text").await, "NULL");
    // What does not need it runs.
    run(&plain, db.url(), Job::Upgrade("a1")).await.unwrap();
    let text = shown(&plain.to_sql(Job::Upgrade("head")).unwrap_err());
    assert!(text.contains("a2 has a step in Rust, which SQL cannot say"), "{text}");
    assert!(plain.to_sql(Job::Upgrade("a1")).is_ok());
}

//! Releases N, N + 1, N as programs on one database, each with its own files.

use limbeck::core::Code;
use limbeck::{Cancel, Control, Error, Event, Job, Migrator, Report, Switch};
use limbeck_testdb::TestDb;

use sqlx::Connection as _;

use crate::support::{Rev, down, line, migrator, rows, run, shown, table, up, value};

#[tokio::test]
async fn releases_n_and_n_plus_one_take_turns() {
    let db = TestDb::new().await;
    let new = migrator(&line(&["a1", "a2", "a3", "a4"]));
    let old = migrator(&line(&["a1", "a2"]));
    up(&old, db.url(), "head").await;
    up(&new, db.url(), "head").await;
    for _ in 0..2 {
        let report = up(&old, db.url(), "head").await;
        assert!(report.steps.is_empty());
        assert_eq!(report.ahead.len(), 1);
        assert_eq!(rows(db.url()).await, "a4");
    }
    let mut connection = db.connect().await;
    let status = old.status(&mut connection).await.unwrap();
    assert!(status.is_ready(), "none of the old release's revisions is pending");
    assert!(new.status(&mut connection).await.unwrap().is_ready());
    // The newer one leads back, and the older one finds itself.
    down(&new, db.url(), "a2").await;
    let status = old.status(&mut connection).await.unwrap();
    assert!(status.is_ready() && status.ahead().is_empty());
    assert!(!new.status(&mut connection).await.unwrap().is_ready());
    down(&old, db.url(), "base").await;
    assert_eq!(rows(db.url()).await, "");
}

/// While N + 1 is between two of its revisions, and when it has failed in one of several segments.
#[tokio::test]
async fn an_old_release_beside_an_unfinished_new_one() {
    let db = TestDb::new().await;
    let mut revs = line(&["a1", "a2"]);
    revs.push(Rev::new("a3", &["a2"], "SELECT 1;\n-- limbeck:commit\nSELECT 1 / 0;", ""));
    let old = migrator(&revs[..1]);
    let new = migrator(&revs);
    let error = run(&new, db.url(), Job::Upgrade("head")).await.unwrap_err();
    assert_eq!(error.code(), Code::Statement);
    // a2 is a row that the journal knows; a3, of which the old release knows nothing, is the new one's to end.
    let report =
        run(&old, db.url(), Job::Upgrade("head")).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(report.ahead.len(), 1);
    assert_eq!(rows(db.url()).await, "a2");
    // Only one of two releases ahead is applied entirely: the journal alone says what a row is above.
    value(db.url(), "DELETE FROM limbeck.journal WHERE revision = 'a2'").await;
    let error = run(&old, db.url(), Job::Upgrade("head")).await.unwrap_err();
    assert_eq!(error.code(), Code::UnknownRow);
}

/// What was shown is what was agreed to: less is done where another one was faster, but never more.
#[tokio::test]
async fn a_switch_undoes_nothing_that_was_not_shown() {
    let db = TestDb::new().await;
    let new = migrator(&line(&["a1", "a2", "a3", "a4"]));
    let mut own = line(&["a1"]);
    own.push(table("b2", &["a1"]));
    let own = migrator(&own);
    up(&new, db.url(), "a3").await;
    let plan = own.preview_switch(&mut db.connect().await).await.unwrap();
    assert_eq!(plan.undone().iter().map(|undone| undone.revision.as_str()).collect::<Vec<_>>(), ["a3", "a2"]);
    // Another one goes on with the other branch.
    up(&new, db.url(), "a4").await;
    let error = carry_out(&own, &db, &plan).await.unwrap_err();
    assert_eq!(error.code(), Code::DatabaseState, "{}", shown(&error));
    assert_eq!(rows(db.url()).await, "a4");
    // Another one goes back a part of the way, and then all of it.
    down(&new, db.url(), "a2").await;
    let report = carry_out(&own, &db, &plan).await.unwrap();
    assert_eq!(report.steps.len(), 2);
    assert_eq!(rows(db.url()).await, "b2");
    assert!(carry_out(&own, &db, &plan).await.unwrap().steps.is_empty());
}

/// Two at once that were shown the same: both succeed, and each revision is undone once.
#[tokio::test]
async fn two_switches_at_once() {
    let db = TestDb::new().await;
    let mut revs = line(&["a1", "a2"]);
    revs.push(Rev::new("a3", &["a2"], "SELECT 1;", "SELECT pg_sleep(0.5);"));
    up(&migrator(&revs), db.url(), "head").await;
    let own = migrator(&revs[..1]);
    let plan = own.preview_switch(&mut db.connect().await).await.unwrap();
    let (one, two) = tokio::join!(carry_out(&own, &db, &plan), carry_out(&own, &db, &plan));
    let steps = one.unwrap().steps.len() + two.unwrap().steps.len();
    assert_eq!(steps, 2);
    assert_eq!(rows(db.url()).await, "a1");
}

async fn carry_out(migrator: &Migrator, db: &TestDb, plan: &Switch) -> Result<Report, Error> {
    let mut connection = db.connect().await;
    let mut quiet = |_: Event<'_>| {};
    let mut control = Control { cancel: Cancel::default(), emit: &mut quiet };
    let outcome = migrator.switch(&mut connection, None, plan, &mut control).await;
    connection.close().await.unwrap();
    outcome
}

/// An old release whose own rows are beside those that it does not know.
#[tokio::test]
async fn a_branch_of_its_own_is_still_migrated_by_nobody() {
    let db = TestDb::new().await;
    let both = [table("a1", &[]), table("a2", &["a1"]), table("b1", &[])];
    up(&migrator(&both), db.url(), "heads").await;
    let mut old = vec![both[0].clone(), both[2].clone(), table("b2", &["b1"])];
    let error = run(&migrator(&old), db.url(), Job::Upgrade("heads")).await.unwrap_err();
    assert_eq!(error.code(), Code::Ahead, "{}", shown(&error));
    old.pop();
    assert!(up(&migrator(&old), db.url(), "heads").await.steps.is_empty());
    assert_eq!(rows(db.url()).await, "a2 b1");
}

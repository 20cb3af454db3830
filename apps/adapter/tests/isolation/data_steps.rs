//! What a later revision must do to change rows, where the owner is bound by the policies as well.

use std::fs;
use std::path::Path;

use limbeck::{Cancel, Control, Event, Job};
use tempfile::TempDir;

use crate::migrator::{ROLES, VERSIONS, migrator};
use crate::place::Place;

/// The page that shows the ways that work; they are run as they are written there.
const PAGE: &str = include_str!("../../../../docs/ROW_LEVEL_SECURITY.md");

const NAIVE: &str = "-- limbeck:upgrade\nUPDATE action_logs SET metadata = '{}';\n\n-- limbeck:downgrade\n";

#[tokio::test]
async fn a_naive_backfill_fails_instead_of_changing_nothing() {
    let place = Place::new().await;
    place.at_head("app", "owner").await;
    let with_one_more = with(NAIVE);
    let error = job(&place, "owner", with_one_more.path(), Job::Upgrade("head")).await.unwrap_err();
    assert!(
        error.contains("query would be affected by row-level security policy for table \"action_logs\""),
        "{error}"
    );
    assert_eq!(place.ask("app", "SELECT string_agg(version_num, ' ') FROM alembic_version").await, "005");
    let changed = "SELECT count(*)::text FROM action_logs WHERE metadata IS NOT NULL";
    assert_eq!(place.ask("app", changed).await, "0");
    // What works for a superuser is no proof.
    job(&place, "postgres", with_one_more.path(), Job::Upgrade("head")).await.unwrap();
    assert_eq!(place.ask("app", changed).await, "4");
}

#[tokio::test]
async fn the_ways_that_the_page_shows() {
    let ways: Vec<&str> = PAGE
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0)
        .filter(|block| block.starts_with("-- limbeck:upgrade"))
        .collect();
    assert_eq!(ways.len(), 2, "the page shows two");
    for way in ways {
        for owner in ["owner", "postgres"] {
            let place = Place::new().await;
            place.at_head("app", owner).await;
            let with_one_more = with(way);
            for _ in 0..2 {
                job(&place, owner, with_one_more.path(), Job::Upgrade("head")).await.unwrap();
                let done = "SELECT count(*)::text FROM action_logs WHERE region = 'eu'";
                assert_eq!(place.ask("app", done).await, "4", "{owner}: {way}");
                let forced = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relforcerowsecurity";
                assert_eq!(place.ask("app", forced).await, "action_logs audit_logs idempotency_keys tenants");
                job(&place, owner, with_one_more.path(), Job::Downgrade("005")).await.unwrap();
            }
        }
    }
}

/// All revisions and one more.
fn with(sections: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(VERSIONS).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let head = "-- Regions\n--\n-- revision: 006\n-- down_revision: 005\n-- branch_labels:\n-- depends_on:\n\
                -- created: 2026-01-01 00:00 UTC\n\n";
    fs::write(folder.path().join("006.sql"), head.to_owned() + sections).unwrap();
    folder
}

async fn job(place: &Place, login: &str, folder: &Path, job: Job<'_>) -> Result<(), String> {
    let mut quiet = |_: Event<'_>| {};
    let mut control = Control { cancel: Cancel::default(), emit: &mut quiet };
    let url = place.url("app", login);
    let outcome = migrator(folder, ROLES).run(&url.as_str(), job, &mut control).await;
    outcome.map(drop).map_err(|error| format!("{error:#}"))
}

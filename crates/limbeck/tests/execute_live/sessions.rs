//! What a second session sees of a run, and what a caller's connection is like afterwards.

use std::time::Duration;

use limbeck::{Job, Pace};
use limbeck_testdb::TestDb;

use crate::support::{PATIENCE, Rev, paced, run, value, with_options};

#[tokio::test]
async fn a_session_is_called_by_the_revision_that_it_runs() {
    for pace in [Pace::Segment, Pace::Statement] {
        let db = TestDb::new().await;
        value(db.url(), "CREATE TABLE seen (application text)").await;
        // It goes on when it was seen.
        let shows_itself = "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM seen WHERE application = current_setting('application_name')) \
                            LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;";
        let outside = format!("SELECT 1;\n-- limbeck:autocommit\n{shows_itself}\nSELECT 1;");
        let revs = [
            Rev::new("first", &[], shows_itself, ""),
            Rev::new("second", &["first"], shows_itself, ""),
            Rev::new("third", &["second"], &outside, ""),
        ];
        let migrator = with_options(&revs, paced(pace));
        let mut seen: Vec<String> = Vec::new();
        let watch = async {
            while seen.last().map(String::as_str) != Some("limbeck third") {
                let sql = "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() \
                           AND application_name LIKE 'limbeck %' AND state = 'active' \
                           AND pid <> pg_backend_pid()";
                let name = value(db.url(), sql).await;
                if !name.is_empty() && seen.last() != Some(&name) {
                    value(db.url(), &format!("INSERT INTO seen VALUES ('{name}')")).await;
                    seen.push(name);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let both = async { tokio::join!(run(&migrator, db.url(), Job::Upgrade("head")), watch) };
        let (outcome, ()) = tokio::time::timeout(PATIENCE, both).await.unwrap();
        outcome.unwrap();
        assert_eq!(seen, ["limbeck first", "limbeck second", "limbeck third"]);
    }
}

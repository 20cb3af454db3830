//! What a second session sees of a run, and what a caller's connection is like afterwards.

use std::time::Duration;

use limbeck::{Job, Pace};
use limbeck_testdb::TestDb;

use crate::support::{Rev, paced, run, value, with_options};

#[tokio::test]
async fn a_session_is_called_by_the_revision_that_it_runs() {
    for pace in [Pace::Segment, Pace::Statement] {
        let db = TestDb::new().await;
        let sleep = "SELECT pg_sleep(0.4);";
        let outside = format!("SELECT 1;\n-- limbeck:autocommit\n{sleep}\nSELECT 1;");
        let revs = [
            Rev::new("first", &[], sleep, ""),
            Rev::new("second", &["first"], sleep, ""),
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
                    seen.push(name);
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let both = async { tokio::join!(run(&migrator, db.url(), Job::Upgrade("head")), watch) };
        let (outcome, ()) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
        outcome.unwrap();
        assert_eq!(seen, ["limbeck first", "limbeck second", "limbeck third"]);
    }
}

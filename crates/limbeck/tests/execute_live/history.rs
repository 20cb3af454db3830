//! What a page for operators asks: the revisions in order, what is applied of them, and who migrates now.

use std::time::Duration;

use limbeck::{HistoryEntry, Job};
use limbeck_testdb::TestDb;

use crate::support::{GATE, Gate, PATIENCE, Rev, migrator, run, shown, table, until_unlocked, up};

/// Two branches that are merged, and one that stands alone and depends on the first.
fn branched() -> Vec<Rev> {
    let mut alone = table("s1", &[]).depends_on(&["a2"]);
    alone.labels = vec!["side".to_owned()];
    vec![
        table("a1", &[]),
        table("a2", &["a1"]),
        table("b2", &["a1"]),
        table("m3", &["a2", "b2"]),
        alone,
        table("s2", &["s1"]).depends_on(&["m3"]),
    ]
}

/// `<parents> (<dependencies>) -> <id> <labels>`, and marks.
fn line(entry: &HistoryEntry) -> String {
    let ids = |ids: &[_]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mark = |is: bool, text: &'static str| if is { text } else { "" };
    format!(
        "{} ({}) -> {} {}{}{}",
        ids(&entry.parents),
        ids(&entry.depends_on),
        entry.id,
        entry.labels.join(","),
        mark(entry.applied, " applied"),
        mark(entry.head, " head"),
    )
}

#[tokio::test]
async fn every_revision_before_what_it_stands_on() {
    let db = TestDb::new().await;
    let migrator = migrator(&branched());
    up(&migrator, db.url(), "s1").await;
    let mut connection = db.connect().await;
    let status = migrator.status(&mut connection).await.unwrap();
    let history = migrator.history(&status).unwrap_or_else(|error| panic!("{}", shown(&error)));
    let lines: Vec<String> = history.iter().map(line).collect();
    let mut expected = [
        "s1 (m3) -> s2 side head",
        " (a2) -> s1 side applied",
        "a2,b2 () -> m3  head",
        "a1 () -> b2 ",
        "a1 () -> a2  applied",
        " () -> a1  applied",
    ];
    let graph: Vec<String> = migrator.graph().newest_first().map(|node| node.id().to_string()).collect();
    let order: Vec<String> = history.iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(order, graph);
    expected.sort_unstable();
    let mut sorted = lines;
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(history.iter().all(|entry| entry.message == format!("message of {}", entry.id)));
}

#[tokio::test]
async fn whoever_migrates_is_named() {
    let db = TestDb::new().await;
    let mut looker = db.connect().await;
    let gate = Gate::closed(&db).await;
    let migrator = migrator(&[Rev::new("a1", &[], GATE, "SELECT 1;")]);
    assert_eq!(migrator.migrating(&mut looker).await.unwrap(), None);
    let looking = async {
        let found = loop {
            let holder = migrator.migrating(&mut looker).await.unwrap();
            if let Some(holder) = holder.filter(|holder| holder.application == "limbeck a1") {
                break holder;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        gate.open().await;
        found
    };
    let looking = tokio::time::timeout(PATIENCE, looking);
    let (outcome, holder) = tokio::join!(run(&migrator, db.url(), Job::Upgrade("head")), looking);
    let holder = holder.expect("the holder of the lock is never named");
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert!(holder.pid > 0 && !holder.user.is_empty(), "{holder:?}");
    until_unlocked(&mut looker).await;
    assert_eq!(migrator.migrating(&mut looker).await.unwrap(), None);
}

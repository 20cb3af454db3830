//! Random graphs, run for real: any walk up and down leaves exactly the tables of the applied revisions,
//! and base leaves nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use limbeck::core::graph::Applied;
use limbeck::{Job, Migrator, Options, Pace};
use limbeck_testdb::TestDb;

use crate::support::{Rev, down, rows, run, shown, switched, up, value, with_options};

const GRAPHS: u64 = 12;
const WALKS: usize = 5;

/// A small graph with several roots, merges and dependencies; some revisions are in segments.
fn graph(random: &mut fastrand::Rng) -> Vec<Rev> {
    let mut revs: Vec<Rev> = Vec::new();
    for at in 0..random.usize(3..12) {
        let id = format!("r{at}");
        let mut parents = BTreeSet::new();
        let count = if at == 0 { 0 } else { [0, 1, 1, 1, 1, 2, 2][random.usize(..7)] };
        while parents.len() < count.min(at) {
            parents.insert(format!("r{}", random.usize(..at)));
        }
        let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
        let commit = if random.u8(..4) == 0 { "-- limbeck:commit\n" } else { "" };
        let sql = |first: &str, second: &str| format!("{first}\n{commit}{second}");
        let up =
            sql(&format!("CREATE TABLE t_{id} (id int);"), &format!("INSERT INTO log VALUES ('+{id}');"));
        let down = sql(&format!("INSERT INTO log VALUES ('-{id}');"), &format!("DROP TABLE t_{id};"));
        let mut rev = Rev::new(&id, &parents, &up, &down);
        if at > 0 && random.u8(..4) == 0 {
            rev = rev.depends_on(&[&format!("r{}", random.usize(..at))]);
        }
        revs.push(rev);
    }
    revs
}

/// The tables that must be there, by the rows.
fn expected(migrator: &Migrator, rows: &str) -> String {
    let rows: Vec<String> = rows.split_whitespace().map(str::to_owned).collect();
    let applied = Applied::new(migrator.graph(), &rows).unwrap();
    let tables: BTreeSet<String> = applied.iter().map(|node| format!("t_{}", node.id())).collect();
    tables.into_iter().collect::<Vec<_>>().join(" ")
}

const TABLES: &str = "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename COLLATE \"C\"), '') FROM pg_tables \
                      WHERE tablename LIKE 't\\_%'";

/// What ran, as the journal says, and as the revisions themselves have noted.
const JOURNALLED: &str = "SELECT string_agg(CASE direction WHEN 'upgrade' THEN '+' ELSE '-' END || revision, ' ' ORDER BY id) \
                          FROM limbeck.journal WHERE state = 'done'";
const LOGGED: &str = "SELECT string_agg(what, ' ' ORDER BY ctid) FROM log";

async fn walk(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let revs = graph(&mut random);
    let pace = if random.bool() { Pace::Segment } else { Pace::Statement };
    let migrator = with_options(&revs, Options { pace, ..Options::default() });
    let db = TestDb::new().await;
    value(db.url(), "CREATE TABLE log (what text)").await;
    let mut story = format!("seed {seed}: {revs:#?}\n");
    up(&migrator, db.url(), "heads").await;
    for _ in 0..WALKS {
        let target = revs[random.usize(..revs.len())].id.as_str();
        let job = if random.bool() { Job::Upgrade(target) } else { Job::Downgrade(target) };
        let before = rows(db.url()).await;
        let outcome = run(&migrator, db.url(), job).await;
        let after = rows(db.url()).await;
        let _ = writeln!(story, "{job:?}: {before} -> {after}");
        // Not every target is below the rows; but what is refused changes nothing.
        match outcome {
            Ok(report) => assert_eq!(report.rows.join(" "), after, "{story}"),
            Err(error) => assert_eq!(before, after, "{story}{}", shown(&error)),
        }
        assert_eq!(value(db.url(), TABLES).await, expected(&migrator, &after), "{story}");
    }
    up(&migrator, db.url(), "heads").await;
    let all = revs.iter().map(|rev| format!("t_{}", rev.id)).collect::<BTreeSet<_>>();
    assert_eq!(value(db.url(), TABLES).await, all.into_iter().collect::<Vec<_>>().join(" "), "{story}");
    down(&migrator, db.url(), "base").await;
    assert_eq!(rows(db.url()).await, "", "{story}");
    assert_eq!(value(db.url(), TABLES).await, "", "{story}");
    // What ran is what the journal says, in its order.
    assert_eq!(value(db.url(), JOURNALLED).await, value(db.url(), LOGGED).await, "{story}");
}

/// Two checkouts have a part of a graph each: with `switch` either one finds its own way, whatever the other one did.
async fn switch_between(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let revs = graph(&mut random);
    let halves = [part(&revs, &mut random), part(&revs, &mut random)];
    let db = TestDb::new().await;
    value(db.url(), "CREATE TABLE log (what text)").await;
    let mut story = format!("seed {seed}: {revs:#?}\n");
    for turn in 0..WALKS {
        let own = &halves[turn % 2];
        let pace = if random.bool() { Pace::Segment } else { Pace::Statement };
        let migrator = with_options(own, Options { pace, ..Options::default() });
        let report = switched(&migrator, db.url(), &mut Vec::new()).await;
        let now = rows(db.url()).await;
        let ids: Vec<&str> = own.iter().map(|rev| rev.id.as_str()).collect();
        let _ = writeln!(story, "switch to {ids:?}: {now}");
        let report = report.unwrap_or_else(|error| panic!("{story}{}", shown(&error)));
        assert_eq!(report.rows.join(" "), now, "{story}");
        assert_eq!(value(db.url(), TABLES).await, expected(&migrator, &now), "{story}");
        let tables = own.iter().map(|rev| format!("t_{}", rev.id)).collect::<BTreeSet<_>>();
        assert_eq!(
            value(db.url(), TABLES).await,
            tables.into_iter().collect::<Vec<_>>().join(" "),
            "{story}"
        );
    }
    assert_eq!(value(db.url(), JOURNALLED).await, value(db.url(), LOGGED).await, "{story}");
    // An entry of an undoing says which file it was that had been applied.
    let strange = "SELECT count(*)::text FROM limbeck.journal d WHERE direction = 'downgrade' AND NOT EXISTS (SELECT FROM \
                   limbeck.journal u WHERE u.direction = 'upgrade' AND u.revision = d.revision AND u.checksum = d.checksum \
                   AND u.downgrade_checksum = d.downgrade_checksum AND u.parents = d.parents AND u.id < d.id)";
    assert_eq!(value(db.url(), strange).await, "0", "{story}");
}

/// The first revision, and some others with all that they need.
fn part(revs: &[Rev], random: &mut fastrand::Rng) -> Vec<Rev> {
    let mut ids: BTreeSet<&str> = BTreeSet::from(["r0"]);
    for rev in revs.iter().rev() {
        if random.u8(..3) == 0 || ids.contains(rev.id.as_str()) {
            ids.insert(&rev.id);
            ids.extend(rev.parents.iter().chain(&rev.depends_on).map(String::as_str));
        }
    }
    revs.iter().filter(|rev| ids.contains(rev.id.as_str())).cloned().collect()
}

#[tokio::test]
async fn switch_leads_to_the_heads_of_any_checkout() {
    for seed in 100..100 + GRAPHS {
        switch_between(seed).await;
    }
}

#[tokio::test]
async fn any_walk_leaves_what_is_applied() {
    for seed in 0..GRAPHS {
        walk(seed).await;
    }
}

//! Processes that start at the same moment, each with a log of its own.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::start_support::{PATIENCE, eventually, kill};

/// What a gated revision does: it waits until nobody holds the gate.
pub(crate) const GATE: &str =
    "DO $$ BEGIN WHILE NOT pg_try_advisory_xact_lock(42) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;";

/// Holds a gated revision back for as long as it lives.
pub(crate) struct Gate(PgConnection);

impl Gate {
    pub(crate) async fn closed(mut connection: PgConnection) -> Self {
        sqlx::raw_sql("SELECT pg_advisory_lock(42)").execute(&mut connection).await.unwrap();
        Self(connection)
    }

    pub(crate) async fn open(self) {
        self.0.close().await.unwrap();
    }
}

/// One query's only value, as text.
pub(crate) async fn value(connection: &mut PgConnection, sql: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap()
}

/// What ran, in order; a revision that ran twice would be there twice.
pub(crate) async fn journal(connection: &mut PgConnection) -> String {
    let sql = "SELECT string_agg(revision || ' ' || state, ', ' ORDER BY id) FROM limbeck.journal";
    value(connection, sql).await
}

/// Processes, and what each has said so far.
pub(crate) struct Crowd {
    members: Vec<Member>,
    _folder: tempfile::TempDir,
}

struct Member {
    child: Child,
    log: PathBuf,
    ended: Option<(ExitStatus, Instant)>,
}

impl Crowd {
    pub(crate) fn start(size: usize, command: impl Fn() -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let member = |number: usize| {
            let log = folder.path().join(number.to_string());
            let file = std::fs::File::create(&log).unwrap();
            let child = command().stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
            Member { child, log, ended: None }
        };
        let members = (0..size).map(member).collect();
        Self { members, _folder: folder }
    }

    /// How many have said this.
    pub(crate) fn saying(&self, words: &str) -> usize {
        self.members.iter().filter(|member| member.said().contains(words)).count()
    }

    pub(crate) fn wait_for(&self, number: usize, words: &str) {
        eventually(&format!("{number} say `{words}`"), || self.saying(words) >= number);
    }

    /// Kills the one that has not said this, and forgets it.
    pub(crate) fn kill_the_one_without(&mut self, words: &str) {
        let mut without = (0..self.members.len()).filter(|&at| !self.members[at].said().contains(words));
        let (at, None) = (without.next().unwrap(), without.next()) else { panic!("more than one") };
        let mut member = self.members.remove(at);
        kill("KILL", &member.child.id().to_string());
        assert_eq!(member.child.wait().unwrap().signal(), Some(9));
    }

    /// Waits until all have ended, every one well; returns how long the last one took after `since`.
    pub(crate) fn all_end_well(&mut self, since: Instant) -> Duration {
        while self.members.iter().any(|member| member.ended.is_none()) {
            for member in &mut self.members {
                if member.ended.is_none() {
                    member.ended = member.child.try_wait().unwrap().map(|status| (status, Instant::now()));
                }
            }
            let unfinished = || self.members.iter().find(|member| member.ended.is_none()).map(Member::said);
            assert!(since.elapsed() < PATIENCE, "one does not end: {:?}", unfinished());
            std::thread::sleep(Duration::from_millis(5));
        }
        for member in &self.members {
            assert!(member.ended.unwrap().0.success(), "{:?}: {}", member.ended, member.said());
        }
        let ends = self.members.iter().map(|member| member.ended.unwrap().1);
        ends.max().unwrap().duration_since(since)
    }

    /// How often this was said by all of them together.
    pub(crate) fn count(&self, words: &str) -> usize {
        self.members.iter().map(|member| member.said().matches(words).count()).sum()
    }
}

impl Member {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

//! Whom a statement waits for: asked over a second connection while it waits, because afterwards nobody
//! knows.

use std::time::{Duration, Instant};

use limbeck_core::sql::StatementKind;
use limbeck_core::{Code, Problem};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use crate::connect::Connector;
use crate::event::{Blocker, Event};
use crate::state::session::simple_query;

/// How long a statement runs before limbeck looks whether it waits, and how often it looks then.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest such time, where `lock_timeout` is short.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);
/// How often it says for whom a statement waits, while that does not change.
const SAY: Duration = Duration::from_secs(5);
/// As many sessions a problem names.
const NAMED: usize = 5;
/// As much of another session's statement is shown.
const WORDS: usize = 60;

/// Whether a statement waits for other sessions' transactions to end, and would leave something half done if a
/// lock timeout stopped it: it runs under `concurrently_wait` in place of `lock_timeout`.
pub(super) fn waits_for_sessions(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::CreateIndexConcurrently { .. }
            | StatementKind::DropIndexConcurrently { .. }
            | StatementKind::ReindexConcurrently { .. }
            | StatementKind::DetachConcurrently { .. }
    )
}

/// Looks over a second connection, which is opened when a statement takes long and kept for the run.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    connection: Option<PgConnection>,
    /// The `lock_timeout` of what runs; zero for none.
    pub(super) lock_timeout: Duration,
    /// Whom the last statement waited for, when it was last looked at.
    blockers: Vec<Blocker>,
}

/// A wait took longer than `concurrently_wait` allows.
pub(super) struct Overdue;

impl Watch {
    /// Looks again and again whom a backend waits for, and tells. Ends only when one wait is longer than
    /// `bound`.
    pub(super) async fn look(
        &mut self,
        connector: Option<&dyn Connector>,
        pid: i32,
        bound: Option<Duration>,
        emit: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Overdue {
        self.blockers.clear();
        let Some(connector) = connector else { return std::future::pending().await };
        let pause = match self.lock_timeout {
            Duration::ZERO => LOOK,
            timeout => (timeout / 3).clamp(SHORTEST_LOOK, LOOK),
        };
        let mut waits_since: Option<Instant> = None;
        let mut said: Option<Instant> = None;
        loop {
            tokio::time::sleep(pause).await;
            // Where there is no second connection to be had, the statement goes on unwatched.
            let Some(found) = self.ask(connector, pid).await else { return std::future::pending().await };
            if found.blockers.is_empty() {
                (waits_since, said) = (None, None);
                continue;
            }
            let since = *waits_since.get_or_insert_with(Instant::now);
            let same =
                found.blockers.iter().map(|blocker| blocker.pid).eq(self.blockers.iter().map(|b| b.pid));
            self.blockers = found.blockers;
            if bound.is_some_and(|bound| since.elapsed() >= bound) {
                return Overdue;
            }
            if !same || said.is_none_or(|at| at.elapsed() >= SAY) {
                said = Some(Instant::now());
                emit(Event::Blocked {
                    relation: found.relation.as_deref(),
                    blockers: &self.blockers,
                    waited: since.elapsed(),
                });
            }
        }
    }

    /// Says good-bye on the second connection.
    pub(crate) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            crate::connect::close(connection).await;
        }
    }

    async fn ask(&mut self, connector: &dyn Connector, pid: i32) -> Option<Found> {
        if self.connection.is_none() {
            self.connection = connector.connect(crate::APPLICATION).await.ok();
        }
        let sets = simple_query(self.connection.as_mut()?, &question(pid)).await;
        let found = sets.and_then(|sets| Found::read(&sets.into_iter().flatten().collect::<Vec<_>>()));
        if found.is_err() {
            self.connection = None;
        }
        found.ok()
    }

    /// Adds to a lock's failure who was in the way.
    pub(super) fn name_blockers(&self, mut problem: Problem) -> Problem {
        for blocker in self.blockers.iter().take(NAMED) {
            problem = problem.note(format!("in the way: {blocker}{}", blocker.words()));
        }
        if self.blockers.len() > NAMED {
            problem = problem.note(format!("and {} more", self.blockers.len() - NAMED));
        }
        match self.blockers.first() {
            None => problem,
            Some(first) => problem.help(format!(
                "wait until that has ended, or end it with {}; then run the command again. `-- limbeck:timeout \
                 lock=30s` in the file, or `lock_timeout` in limbeck.toml, allows more time",
                first.way_to_end()
            )),
        }
    }

    /// What a statement ends with that waited for longer than `bound`.
    pub(super) fn overdue(&self, bound: Duration) -> Problem {
        let message = format!(
            "it waited for other sessions for longer than `concurrently_wait` allows ({} s)",
            bound.as_secs_f64()
        );
        let problem = self.name_blockers(Problem::new(Code::LockTimeout, message));
        let end = self
            .blockers
            .first()
            .map_or_else(String::new, |first| format!(", or end it with {}", first.way_to_end()));
        problem.help(format!(
            "wait until that has ended{end}; then run the command again. `concurrently_wait` in limbeck.toml \
             allows more time"
        ))
    }
}

/// What the server says of one wait.
struct Found {
    blockers: Vec<Blocker>,
    relation: Option<String>,
}

/// Sessions of other roles show their state only to members of `pg_read_all_stats`; a prepared transaction has
/// the pid 0.
fn question(pid: i32) -> String {
    format!(
        "SELECT b.pid, coalesce(nullif(a.application_name, ''), a.backend_type, '') AS application, \
         coalesce(a.usename::text, '') AS usename, coalesce(host(a.client_addr), '') AS address, \
         coalesce(a.state, '') AS state, extract(epoch FROM clock_timestamp() - CASE WHEN a.state = 'active' \
         THEN a.query_start ELSE a.state_change END)::float8 AS since, \
         extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS xact, coalesce(left(a.query, 1000), '') AS query, \
         (SELECT l.relation::regclass::text FROM pg_catalog.pg_locks l WHERE l.pid = {pid} AND NOT l.granted \
         LIMIT 1) AS relation \
         FROM (SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids({pid})) AS pid) b \
         LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid ORDER BY a.xact_start, b.pid"
    )
}

impl Found {
    fn read(rows: &[PgRow]) -> Result<Self, sqlx::Error> {
        let relation = rows.first().map_or(Ok(None), |row| row.try_get("relation"))?;
        Ok(Self { blockers: rows.iter().map(read_blocker).collect::<Result<_, _>>()?, relation })
    }
}

fn read_blocker(row: &PgRow) -> Result<Blocker, sqlx::Error> {
    let time = |name| {
        let seconds: Option<f64> = row.try_get(name)?;
        Ok::<_, sqlx::Error>(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    };
    Ok(Blocker {
        pid: row.try_get("pid")?,
        application: row.try_get("application")?,
        user: row.try_get("usename")?,
        address: row.try_get("address")?,
        state: row.try_get("state")?,
        since: time("since")?,
        transaction: time("xact")?,
        query: first_words(row.try_get("query")?),
    })
}

/// A statement's beginning in one line, without its constants, which are nobody's business.
fn first_words(query: &str) -> String {
    let query = query.split(['\'', '$']).next().unwrap_or_default();
    let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS) {
        Some((at, _)) => format!("{}...", line[..at].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::first_words;

    #[test]
    fn no_constant_is_shown() {
        assert_eq!(first_words("ALTER ROLE bob\n  PASSWORD 'sEcret'"), "ALTER ROLE bob PASSWORD");
        assert_eq!(first_words("SELECT $$sEcret$$"), "SELECT");
        assert_eq!(first_words(&"word ".repeat(30)).chars().count(), 62);
    }
}

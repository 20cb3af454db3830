//! What a batch statement has before it: how much there is to do, as the planner thinks, and how much is too
//! much; and whether the servers have room for the next batch.

use std::time::{Duration, Instant};

use limbeck_core::sql::{BatchOptions, Statement};
use limbeck_core::{Code, Problem};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::chunk::{BEGIN, Chunk};
use super::{Executor, first};
use crate::event::{Busy, Event};

/// As many batches more than its tables have rows may a statement take, in addition.
const SPARE_BATCHES: u64 = 100;
/// How often limbeck looks whether the servers have room again, and how often it says that it waits.
const LOOK: Duration = Duration::from_millis(500);
const SAY: Duration = Duration::from_secs(5);

/// How many rows the tables have that this transaction has locked, with the planner's density, or where they
/// were never analyzed with that of narrow rows.
const TABLE_ROWS: &str = "SELECT ceil(sum(pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::int8 \
     * CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples / c.relpages ELSE 226 END))::int8 AS table_rows \
     FROM (SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' \
     AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) l \
     JOIN pg_catalog.pg_class c ON c.oid = l.relation \
     WHERE c.relkind IN ('r', 'm') AND c.relnamespace <> 'pg_catalog'::regnamespace";

/// What the planner says of a batch statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outlook {
    /// How many rows it will find.
    pub(super) to_come: Option<u64>,
    /// How many rows its tables have; `None` where it has none, or does not say.
    table_rows: Option<u64>,
    /// The first line of the plan; empty for a statement that has none.
    root: String,
}

impl Outlook {
    fn read(rows: &[PgRow]) -> Self {
        let mut outlook = Self::default();
        let mut plan = Vec::new();
        for row in rows {
            match row.try_get::<Option<i64>, _>("table_rows") {
                Ok(rows) => outlook.table_rows = rows.and_then(|rows| u64::try_from(rows).ok()),
                Err(_) => plan.extend(row.try_get::<String, _>(0)),
            }
        }
        outlook.to_come = to_come(&plan);
        outlook.root = plan.into_iter().next().unwrap_or_default();
        outlook
    }

    /// # Errors
    /// The statement never ends, or nobody can tell when it has gone on for too long.
    pub(super) fn check(&self, statement: &Statement, options: &BatchOptions) -> Result<(), Problem> {
        let problem = |message: &str| Problem::new(Code::BatchWithoutEnd, message).at(statement.place());
        let node = self.root.split("  (").next().unwrap_or_default();
        if ["Aggregate", "Finalize Aggregate"].contains(&node) {
            return Err(problem("this batch statement returns a row each time, so it would never end")
                .help("write one that touches, or returns, the rows that it works on, and none when nothing is left"));
        }
        if self.root.is_empty() || self.table_rows.is_some() || options.max_rows.is_some() {
            return Ok(());
        }
        Err(problem("this batch statement names no table, so limbeck cannot tell how many rows are too many")
            .help(format!("say it: `-- limbeck:batch size={} max_rows=1000000`", options.size)))
    }

    /// As many rows may be touched in all.
    pub(super) fn ceiling(&self, options: &BatchOptions) -> Option<u64> {
        let spare = options.size.saturating_mul(SPARE_BATCHES);
        let natural = |rows: u64| rows.saturating_mul(2).saturating_add(spare);
        options.max_rows.or(self.table_rows.map(natural))
    }
}

/// The rows below the plan's first limit: those that are left to choose from.
fn to_come(plan: &[String]) -> Option<u64> {
    let is_limit = |line: &&String| line.trim_start_matches([' ', '-', '>']).starts_with("Limit  (");
    let below = plan.iter().skip_while(|line| !is_limit(line)).nth(1)?;
    below.split(" rows=").nth(1)?.split(' ').next()?.parse().ok()
}

impl Executor<'_, '_> {
    /// Asks the planner. What it makes of a wrong statement does not matter: that says for itself what is wrong.
    pub(super) async fn outlook(&mut self, settings: &[String], sql: &str) -> Result<Outlook, Problem> {
        let mut chunk = Chunk::default();
        chunk.own(BEGIN);
        chunk.own_all(settings);
        chunk.own(&format!("EXPLAIN {sql}"));
        chunk.own(TABLE_ROWS);
        let mut attempt = 1;
        loop {
            let mut rows = Vec::new();
            let outcome = self.deliver(&chunk, None, &mut |row| rows.push(row)).await;
            self.roll_back().await;
            match outcome {
                Ok(_) => return Ok(Outlook::read(&rows)),
                Err(failure) if failure.has_obstacle() => self.try_again(failure, &mut attempt).await?,
                Err(failure) if failure.state.is_some() && !self.cancel.is_requested() => {
                    return Ok(Outlook::default());
                }
                Err(failure) => return Err(failure.problem),
            }
        }
    }

    /// Waits until the servers have room for a batch.
    pub(super) async fn hold_on(&mut self, options: &BatchOptions) -> Result<(), Problem> {
        let begin = Instant::now();
        let mut said: Option<Instant> = None;
        while let Some(busy) = self.busy(options).await? {
            if said.is_none_or(|at| at.elapsed() >= SAY) {
                (self.emit)(Event::HoldingOn { busy, waited: begin.elapsed() });
                said = Some(Instant::now());
            }
            self.cancel.sleep(LOOK).await.map_err(first)?;
        }
        Ok(())
    }

    async fn busy(&mut self, options: &BatchOptions) -> Result<Option<Busy>, Problem> {
        if let Some(allowed) = options.max_lag {
            let row = self.ask_server(&lag_question()).await?;
            row.seen("the lag of replicas")?;
            let lag = Duration::try_from_secs_f64(row.number).unwrap_or_default();
            if lag > allowed {
                return Ok(Some(Busy::Lag { lag, allowed }));
            }
        }
        if let Some(allowed) = options.max_active {
            let row = self.ask_server(&active_question()).await?;
            row.seen("the activity of other sessions")?;
            // A count, which a float holds exactly.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts sessions")]
            let active = row.number as u64;
            if active > allowed {
                return Ok(Some(Busy::Active { sessions: active, allowed }));
            }
        }
        Ok(None)
    }

    async fn ask_server(&mut self, sql: &str) -> Result<Answer, Problem> {
        let mut chunk = Chunk::default();
        chunk.own(sql);
        let mut rows = Vec::new();
        self.deliver(&chunk, None, &mut |row| rows.push(row)).await.map_err(|failure| failure.problem)?;
        let read = |row: &PgRow| {
            Ok::<_, sqlx::Error>(Answer { number: row.try_get("number")?, hidden: row.try_get("hidden")? })
        };
        let row = rows.first().map(read).transpose().map_err(|e| super::failure::database(&e))?;
        row.ok_or_else(|| Problem::new(Code::Internal, "the server answered nothing"))
    }
}

/// An answer of the server's statistics.
struct Answer {
    number: f64,
    /// How many rows this role may not see.
    hidden: i64,
}

impl Answer {
    fn seen(&self, what: &str) -> Result<(), Problem> {
        if self.hidden == 0 {
            return Ok(());
        }
        Err(Problem::new(Code::Permission, format!("the role may not see {what}, so the batch's ceiling cannot be kept"))
            .help("grant it that (`GRANT pg_read_all_stats TO ...`), or take `max_lag` and `max_active` out of the `batch` line"))
    }
}

/// How far the furthest replica is behind, in seconds. One that is idle and up to date says NULL; what only
/// receives WAL (`pg_receivewal`) replays none, and its lag grows for ever.
fn lag_question() -> String {
    format!(
        "SELECT ({LAG})::float8 AS number, (SELECT count(*) FROM pg_catalog.pg_stat_replication WHERE state IS NULL) AS hidden"
    )
}

/// How many other sessions work.
fn active_question() -> String {
    format!(
        "SELECT ({ACTIVE})::float8 AS number, (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type IS NULL) \
         AS hidden"
    )
}

const LAG: &str = "SELECT coalesce(extract(epoch FROM max(replay_lag)), 0) FROM pg_catalog.pg_stat_replication WHERE replay_lsn IS NOT NULL";
const ACTIVE: &str = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' \
                      AND state = 'active' AND pid <> pg_backend_pid()";

/// The condition, as SQL, under which a batch has to wait; `None` where nothing is asked for.
pub(crate) fn has_to_wait(options: &BatchOptions) -> Option<String> {
    let lag = options.max_lag.map(|allowed| format!("({LAG}) > {}", allowed.as_secs_f64()));
    let active = options.max_active.map(|allowed| format!("({ACTIVE}) > {allowed}"));
    let all: Vec<String> = lag.into_iter().chain(active).collect();
    (!all.is_empty()).then(|| all.join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::to_come;

    #[test]
    fn the_rows_below_the_limit_are_to_come() {
        let plan = [
            "Update on one  (cost=0.5..3.1 rows=0 width=0)",
            "  ->  Hash Semi Join  (cost=0.5..3.1 rows=10 width=34)",
            "        ->  Seq Scan on one  (cost=0.00..2.00 rows=100 width=10)",
            "              ->  Limit  (cost=0.00..0.15 rows=10 width=4)",
            "                    ->  Seq Scan on one one_1  (cost=0.00..2.00 rows=1130 width=4)",
        ];
        assert_eq!(to_come(&plan.map(str::to_owned)), Some(1130));
        assert_eq!(to_come(&plan[..3].iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()), None);
        assert_eq!(to_come(&["Limit  (cost=0.00..0.15 rows=10 width=4)".to_owned()]), None);
    }
}

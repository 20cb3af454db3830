//! The one executor: runs a plan's steps on one connection, in parts that commit together with limbeck's
//! bookkeeping.

mod alone;
mod batch;
pub(crate) mod cancel;
pub(crate) mod chunk;
pub(crate) mod failure;
pub(crate) mod outlook;
pub(crate) mod parts;
mod patience;
pub(crate) mod prepare;
mod settle;
pub(crate) mod steps;
mod transaction;
pub(crate) mod watch;

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use limbeck_core::Problem;
use limbeck_core::plan::Direction;
use limbeck_core::sql::{Statement, UnitKind, Values};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Either};

use crate::connect::Connector;
use crate::error::Error;
use crate::event::Event;
use crate::state::journal::Running;
use crate::state::session::{Session, simple_query};
use crate::state::version_table;
use cancel::{Cancel, cancelled};
use chunk::{BEGIN, COMMIT, Chunk};
use parts::{Effort, Entries, Maker, Part, Prepared, Segment, Settled, TransactionMode, is_segmented};
use steps::RustSteps;
use watch::{Overdue, Watch};

/// How long a cancelled statement may take to end before the connection is dropped instead.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// From so many revisions on, preparing the statement of the journal's entries pays.
const PREPARED_FROM: usize = 5;

/// How much goes to the server as one message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// A segment: the fewest round trips.
    #[default]
    Segment,
    /// A statement: somebody watches, and is told which one runs.
    Statement,
}

/// How a run goes about its work.
#[derive(Debug, Clone)]
pub(crate) struct RunOptions<'a> {
    pub(crate) mode: TransactionMode,
    pub(crate) pace: Pace,
    pub(crate) effort: Effort,
    pub(crate) values: &'a Values,
    /// How long a CONCURRENTLY statement may wait for other sessions; zero for ever.
    pub(crate) concurrently_wait: Duration,
    /// The functions of revisions that have a step in Rust.
    pub(crate) steps: &'a RustSteps,
}

/// A run on a session that holds the lock.
pub(crate) struct Executor<'a, 'c> {
    pub(crate) session: &'a mut Session<'c>,
    pub(crate) connector: Option<&'a dyn Connector>,
    pub(crate) options: RunOptions<'a>,
    pub(crate) cancel: &'a Cancel,
    pub(crate) emit: &'a mut (dyn FnMut(Event<'_>) + Send),
    /// Whether a transaction of ours is open.
    pub(crate) in_transaction: bool,
    /// How many rows an earlier run has touched with the batch statement that comes first.
    pub(crate) batch_rows: u64,
    /// Looks whom statements wait for.
    pub(crate) watch: Watch,
}

/// Why a part did not end well.
struct PartFailure {
    problem: Problem,
    state: Option<String>,
}

/// Why a step did not end well, and how many of its segments are committed and stay.
struct StepFailure {
    problem: Problem,
    committed: usize,
}

impl From<Problem> for PartFailure {
    fn from(problem: Problem) -> Self {
        Self { problem, state: None }
    }
}

impl Executor<'_, '_> {
    /// Runs all steps. `running` is the first step's earlier, interrupted run, if there was one; `first` is
    /// sent and committed with the first part.
    pub(crate) async fn run(
        &mut self,
        steps: &[Prepared<'_>],
        running: Option<&Running>,
        first: Vec<String>,
    ) -> Result<(), Error> {
        let mut setup =
            self.session.setup(version_table::longest(steps.iter().flat_map(|step| &step.rows))).await?;
        setup.extend(first);
        setup.extend(self.session.settings(crate::APPLICATION));
        if self.options.mode == TransactionMode::Single {
            self.send_own(&[BEGIN.to_owned()]).await?;
        }
        let journal = self.session.journal.clone();
        let restore = self.session.settings(crate::APPLICATION);
        let settled = match (running, steps.first()) {
            (Some(running), Some(step)) => self.settle(step, running).await?,
            _ => Settled::NotDone,
        };
        let of = steps.len();
        let entries = if of < PREPARED_FROM { Entries::Spelled } else { Entries::Prepared };
        if entries == Entries::Prepared {
            setup.extend(journal.prepare_done());
        }
        let RunOptions { values, mode, effort, .. } = self.options;
        let maker = Maker { journal: &journal, values, mode, restore, entries, effort };
        let mut made = None;
        for (index, step) in steps.iter().enumerate() {
            let running = running.filter(|_| index == 0);
            let committed = running.map_or(0, |running| running.committed);
            self.batch_rows = running.map_or(0, |running| running.batch_rows);
            let segments = made.take().unwrap_or_else(|| maker.resumed(step, committed, settled));
            let begun = Instant::now();
            (self.emit)(Event::StepStarted {
                step: step.step,
                message: step.revision.header().summary(),
                number: index + 1,
                of,
            });
            // While the server works on this step, the next one is made ready.
            let next = async { made = steps.get(index + 1).map(|next| maker.segments(next, 0)) };
            let setup = std::mem::take(&mut setup);
            let (outcome, ()) = tokio::join!(biased; self.step(step, segments, running, setup), next);
            if let Err(failure) = outcome {
                return Err(self.failed(failure, steps, index).await);
            }
            (self.emit)(Event::StepFinished { step: step.step, elapsed: begun.elapsed() });
        }
        if self.options.mode == TransactionMode::Single
            && let Err(problem) = self.send_own(&[COMMIT.to_owned()]).await
        {
            self.roll_back().await;
            return Err(problem.prefixed("the commit failed: ").note(ALL_ROLLED_BACK).into());
        }
        self.session.set_up();
        Ok(())
    }

    async fn step(
        &mut self,
        step: &Prepared<'_>,
        segments: Result<Vec<Segment<'_>>, Problem>,
        running: Option<&Running>,
        setup: Vec<String>,
    ) -> Result<(), StepFailure> {
        let committed = running.map_or(0, |running| running.committed);
        let failed = |problem| StepFailure { problem, committed };
        self.cancel.check().map_err(|error| failed(first(error)))?;
        let segments = segments.map_err(failed)?;
        let of = step.script.units.len();
        if running.is_some() {
            let (revision, rows) = (&step.step.revision, self.batch_rows);
            (self.emit)(Event::Resuming { revision, committed, of, rows });
        }
        let mut setup = Some(setup);
        for segment in &segments {
            if of > 1 {
                (self.emit)(Event::SegmentStarted { number: segment.number, of });
            }
            for part in &segment.parts {
                let sent = self.part(step, part, setup.take().unwrap_or_default()).await;
                let committed = segment.number - 1;
                sent.map_err(|problem| StepFailure { problem, committed })?;
            }
            self.batch_rows = 0;
        }
        Ok(())
    }

    async fn part(
        &mut self,
        step: &Prepared<'_>,
        part: &Part<'_>,
        setup: Vec<String>,
    ) -> Result<(), Problem> {
        self.watch.lock_timeout = step.revision.timeouts().lock.unwrap_or(self.session.lock_timeout());
        if !matches!(part, Part::Transaction(_)) && !setup.is_empty() {
            self.send_own(&setup).await?;
        }
        match part {
            Part::Transaction(transaction) => self.transaction(step, transaction, setup).await,
            Part::Alone(alone) => self.alone(step, alone).await,
            Part::Batches { settings, statement, options } => {
                self.batches(step, settings, statement, options).await
            }
            Part::Rust(part) => self.rust_step(step, part).await,
        }
    }

    fn say(&mut self, step: &Prepared<'_>, statement: &Statement) {
        let sql = &step.revision.source().text()[statement.span()];
        (self.emit)(Event::StatementStarted { sql });
    }

    async fn send_own(&mut self, statements: &[String]) -> Result<(), Problem> {
        let mut chunk = Chunk::default();
        chunk.own_all(statements);
        self.send(&chunk).await.map(drop).map_err(|failure| failure.problem)
    }

    /// As `send_own`, in a transaction that is tried again while other sessions are in the way.
    async fn send_own_transaction(&mut self, statements: &[String]) -> Result<(), Problem> {
        let mut chunk = Chunk::default();
        chunk.own(BEGIN);
        chunk.own_all(statements);
        chunk.own(COMMIT);
        let mut attempt = 1;
        while let Err(failure) = self.send(&chunk).await {
            self.try_again(failure, &mut attempt).await?;
        }
        Ok(())
    }

    /// Sends a chunk; the result is the number of rows that each of its statements touched.
    async fn send(&mut self, chunk: &Chunk) -> Result<Vec<u64>, PartFailure> {
        self.send_within(chunk, None).await
    }

    /// As `send`; one wait for other sessions may take as long as `bound`.
    async fn send_within(&mut self, chunk: &Chunk, bound: Option<Duration>) -> Result<Vec<u64>, PartFailure> {
        self.deliver(chunk, bound, &mut |_| {}).await
    }

    /// As `send_within`; the rows that come back go to `rows`.
    async fn deliver(
        &mut self,
        chunk: &Chunk,
        bound: Option<Duration>,
        rows: &mut (dyn FnMut(PgRow) + Send),
    ) -> Result<Vec<u64>, PartFailure> {
        let mut counts = Vec::new();
        let work = stream(self.session.connection, chunk, &mut counts, rows);
        let attendants = Attendants {
            connector: self.connector,
            cancel: self.cancel,
            watch: &mut self.watch,
            emit: self.emit,
            pid: self.session.facts.backend_pid,
        };
        let (outcome, overdue) = attendants.attend(bound, work).await?;
        self.in_transaction = chunk.leaves_open(self.in_transaction, counts.len());
        let Err(error) = outcome else { return Ok(counts) };
        let state = failure::state(&error).map(str::to_owned);
        let problem = failure::in_chunk(&error, chunk, counts.len());
        let asked_to =
            state.as_deref() == Some(failure::sqlstate::QUERY_CANCELED) && self.cancel.is_requested();
        let problem = match (overdue, state.as_deref()) {
            _ if asked_to => at_place_of(cancelled(), &problem),
            (Some(bound), _) => at_place_of(self.watch.overdue(bound), &problem),
            (None, Some(failure::sqlstate::LOCK_NOT_AVAILABLE)) => self.watch.name_blockers(problem),
            _ => problem,
        };
        Err(PartFailure { problem, state })
    }

    /// Ends a transaction that failed, if one is open.
    async fn roll_back(&mut self) {
        if !std::mem::take(&mut self.in_transaction) {
            return;
        }
        // A lost connection cannot be rolled back, and need not be: the server does it.
        let _ =
            tokio::time::timeout(CANCEL_PATIENCE, simple_query(self.session.connection, "ROLLBACK")).await;
    }

    /// Rolls back, and says what was and what was not applied.
    async fn failed(&mut self, failure: StepFailure, steps: &[Prepared<'_>], index: usize) -> Error {
        self.roll_back().await;
        let step = &steps[index];
        let id = &step.step.revision;
        let doing = step.step.direction.as_str();
        let single = self.options.mode == TransactionMode::Single;
        let (committed, of) = (failure.committed, step.script.units.len());
        let unit = step.script.units.get(committed);
        let in_batches = unit.is_some_and(|unit| {
            matches!(unit.kind, UnitKind::Batches(_)) || self.options.steps.is_in_batches(step, unit)
        });
        let mut problem = failure.problem.note(match committed {
            _ if single => ALL_ROLLED_BACK.to_owned(),
            0 if !is_segmented(step) => format!("the {doing} of {id} was rolled back: nothing of it remains"),
            0 if in_batches => {
                format!("no segment of {id} is complete: batches that were committed stay, and the next run goes on after them")
            }
            0 => format!("nothing of the {doing} of {id} was committed"),
            _ => format!(
                "{committed} of {of} segments of {id} are committed and stay; the next run goes on after them"
            ),
        });
        let completes = step.step.direction == Direction::Upgrade
            && steps[index..].iter().any(|step| step.step.direction == Direction::Downgrade);
        if completes {
            problem = problem.note(format!(
                "an interrupted upgrade is completed before it is undone; or undo by hand what {id} committed, and \
                 `limbeck stamp` the revision before it"
            ));
        }
        for (direction, done) in [(Direction::Upgrade, "applied"), (Direction::Downgrade, "undone")] {
            let before = steps[..index].iter().filter(|step| step.step.direction == direction);
            let before: Vec<&str> = before.map(|step| step.step.revision.as_str()).collect();
            if !before.is_empty() && !single {
                problem = problem.note(format!("{done} before it, and kept: {}", before.join(", ")));
            }
        }
        problem.prefixed(&format!("{doing} of {id} failed: ")).into()
    }
}

/// Those who stand by while the server works.
struct Attendants<'a> {
    connector: Option<&'a dyn Connector>,
    cancel: &'a Cancel,
    watch: &'a mut Watch,
    emit: &'a mut (dyn FnMut(Event<'_>) + Send),
    pid: i32,
}

impl Attendants<'_> {
    /// Does the work to its end; cancels it when that is asked for, or when it waits for other sessions for longer
    /// than `bound`, which is then told beside its outcome.
    ///
    /// # Errors
    /// The server does not end what was cancelled.
    async fn attend<T>(
        self,
        bound: Option<Duration>,
        work: impl Future<Output = T>,
    ) -> Result<(T, Option<Duration>), Problem> {
        let Self { connector, cancel, watch, emit, pid } = self;
        tokio::pin!(work);
        let overdue = tokio::select! {
            outcome = &mut work => return Ok((outcome, None)),
            () = cancel.requested() => None,
            Overdue = watch.look(connector, pid, bound, &mut *emit) => bound,
        };
        emit(Event::Cancelling);
        cancel_backend(connector, pid).await;
        match tokio::time::timeout(CANCEL_PATIENCE, work).await {
            Ok(outcome) => Ok((outcome, overdue)),
            Err(_) => Err(cancelled().note(STILL_RUNNING)),
        }
    }
}

const ALL_ROLLED_BACK: &str = "the whole run was rolled back: the database is as it was before";
const STILL_RUNNING: &str = "the server did not end the statement in time; the connection was dropped, and the server rolls back when it notices";

fn at_place_of(problem: Problem, other: &Problem) -> Problem {
    match other.place() {
        Some(place) => problem.at(place.clone()),
        None => problem,
    }
}

fn first(error: Error) -> Problem {
    error.problems().first().cloned().unwrap_or_else(cancelled)
}

async fn stream(
    connection: &mut PgConnection,
    chunk: &Chunk,
    counts: &mut Vec<u64>,
    rows: &mut (dyn FnMut(PgRow) + Send),
) -> Result<(), sqlx::Error> {
    let mut answers = sqlx::raw_sql(AssertSqlSafe(chunk.sql().to_owned())).fetch_many(connection);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(done) => counts.push(done.rows_affected()),
            Either::Right(row) => rows(row),
        }
    }
    Ok(())
}

/// Cancels what a backend runs, over a second connection. Where none is to be had, the caller drops the
/// first one.
async fn cancel_backend(connector: Option<&dyn Connector>, pid: i32) {
    let Some(connector) = connector else { return };
    let cancel = async {
        if let Ok(mut connection) = connector.connect(crate::APPLICATION).await {
            let _ = simple_query(&mut connection, &format!("SELECT pg_cancel_backend({pid})")).await;
        }
    };
    let _ = tokio::time::timeout(CANCEL_PATIENCE, cancel).await;
}

//! Data steps that SQL cannot say: Rust functions that the application registers under a revision's id.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use limbeck_core::plan::Direction;
use limbeck_core::sql::{Script, Unit, UnitKind};
use limbeck_core::{Code, Problem};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::batch::Progress;
use super::cancel::cancelled;
use super::chunk::Chunk;
use super::parts::{self, Prepared, RustPart};
use super::{Executor, PartFailure, failure, first};
use crate::connect::BoxFuture;
use crate::error::Error;
use crate::event::Event;
use crate::project::Project;
use crate::state::session::simple_query;

/// Why a Rust step failed: anything that is an error. One of sqlx keeps what PostgreSQL said.
pub type StepError = Box<dyn std::error::Error + Send + Sync>;

type Work =
    dyn for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<u64, StepError>> + Send + Sync + 'static;

/// A data step in Rust, for the place in a revision's file that says `-- limbeck:rust`.
///
/// ```no_run
/// use limbeck::{Migrator, RustStep};
///
/// # async fn f() -> Result<(), limbeck::Error> {
/// let all_at_once = RustStep::transaction(|connection| {
///     Box::pin(async move {
///         sqlx::query("UPDATE people SET name_hash = md5(name)").execute(connection).await?;
///         Ok(())
///     })
/// });
/// let little_by_little = RustStep::batches(|connection| {
///     Box::pin(async move {
///         let sql = "UPDATE orders SET total_hash = md5(total) WHERE id IN \
///                    (SELECT id FROM orders WHERE total_hash IS NULL LIMIT 1000)";
///         Ok(sqlx::query(sql).execute(connection).await?.rows_affected())
///     })
/// });
/// let migrator = Migrator::from_dir("migrations/versions")?
///     .with_step("a1b2c3d4e5f6", all_at_once)
///     .with_step("b2c3d4e5f6a1", little_by_little);
/// migrator.upgrade("postgres://localhost/app").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RustStep {
    work: Arc<Work>,
    manner: Manner,
}

/// How often a step's function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Once, in one transaction.
    Once,
    /// Until nothing is left, each time in a transaction.
    Batches { pause: Duration, max_rows: Option<u64> },
}

impl RustStep {
    /// A function that is called once, inside the transaction of its segment: what it does and the journal's note
    /// of it commit together. It may begin nested transactions (`connection.begin()`), and must not end the outer
    /// one. It may be called again after a rollback, when other sessions were in the way.
    pub fn transaction<F>(function: F) -> Self
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<(), StepError>> + Send + Sync + 'static,
    {
        let work = general(move |connection| {
            let done = function(connection);
            Box::pin(async move { done.await.map(|()| 0) })
        });
        Self { work: Arc::new(work), manner: Manner::Once }
    }

    /// A function that is called again and again, each time in a transaction of its own, until it says that it
    /// touched no row. After an interruption it is simply called again, so it must find by itself what is left.
    pub fn batches<F>(function: F) -> Self
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<u64, StepError>> + Send + Sync + 'static,
    {
        Self { work: Arc::new(function), manner: Manner::Batches { pause: Duration::ZERO, max_rows: None } }
    }

    /// Waits between two batches. A step that is called once has none.
    #[must_use]
    pub fn pause(mut self, time: Duration) -> Self {
        if let Manner::Batches { pause, .. } = &mut self.manner {
            *pause = time;
        }
        self
    }

    /// Fails when batches have touched more rows than this, in all. Without it they may go on for ever.
    #[must_use]
    pub fn max_rows(mut self, rows: u64) -> Self {
        if let Manner::Batches { max_rows, .. } = &mut self.manner {
            *max_rows = Some(rows);
        }
        self
    }
}

/// Lets the compiler see that a closure takes a connection of any lifetime.
fn general<F>(work: F) -> F
where
    F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<u64, StepError>>,
{
    work
}

impl fmt::Debug for RustStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustStep").field("manner", &self.manner).finish_non_exhaustive()
    }
}

/// The steps that an application registered.
#[derive(Debug, Clone, Default)]
pub(crate) struct RustSteps {
    upgrade: BTreeMap<String, RustStep>,
    downgrade: BTreeMap<String, RustStep>,
}

impl RustSteps {
    pub(crate) fn register(&mut self, direction: Direction, revision: String, step: RustStep) {
        let steps = match direction {
            Direction::Upgrade => &mut self.upgrade,
            Direction::Downgrade => &mut self.downgrade,
        };
        steps.insert(revision, step);
    }

    fn of(&self, step: &Prepared<'_>) -> Option<&RustStep> {
        let steps = match step.step.direction {
            Direction::Upgrade => &self.upgrade,
            Direction::Downgrade => &self.downgrade,
        };
        steps.get(step.step.revision.as_str())
    }

    /// Whether a unit is a step in batches.
    pub(super) fn is_in_batches(&self, step: &Prepared<'_>, unit: &Unit) -> bool {
        let is_batches = |step: &RustStep| matches!(step.manner, Manner::Batches { .. });
        unit.kind == UnitKind::Rust && self.of(step).is_some_and(is_batches)
    }

    /// # Errors
    /// A step is registered where no file has a place for it.
    pub(crate) fn check(&self, project: &Project) -> Result<(), Error> {
        let problems: Vec<Problem> =
            [(Direction::Upgrade, &self.upgrade), (Direction::Downgrade, &self.downgrade)]
                .into_iter()
                .flat_map(|(direction, steps)| steps.keys().map(move |id| (direction, id)))
                .filter_map(|(direction, id)| misplaced(project, direction, id).transpose())
                .map(|problem| problem.unwrap_or_else(|problem| problem))
                .collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }

    /// # Errors
    /// A revision that is to run has a Rust step, and none is registered for it.
    pub(crate) fn complete(&self, steps: &[Prepared<'_>]) -> Result<(), Error> {
        let problems: Vec<Problem> = steps
            .iter()
            .filter(|step| self.of(step).is_none())
            .filter_map(|step| rust_unit(&step.script).map(|unit| missing(step, unit)))
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }
}

/// The unit of a script that is a Rust step.
pub(crate) fn rust_unit(script: &Script) -> Option<&Unit> {
    script.units.iter().find(|unit| unit.kind == UnitKind::Rust)
}

/// Why a registered step has no place.
fn misplaced(project: &Project, direction: Direction, id: &str) -> Result<Option<Problem>, Problem> {
    let way = direction.as_str();
    let problem = |what: String| Problem::new(Code::RustStep, what);
    let Some(revision) = project.revision(id) else {
        let message =
            format!("a Rust step is registered for the {way} of revision {id}, which is in no file");
        return Ok(Some(
            problem(message).help("register it under the revision's full id, as its file says it"),
        ));
    };
    let script = match direction {
        Direction::Upgrade => revision.upgrade_script()?,
        Direction::Downgrade => revision.downgrade_script()?,
    };
    if rust_unit(&script).is_some() {
        return Ok(None);
    }
    Ok(Some(
        problem(format!(
            "a Rust step is registered for the {way} of revision {id}, whose file has no place for it"
        ))
        .note(format!("file: {}", revision.source().name()))
        .help(format!("write `-- limbeck:rust` in its {way} section, where the step is to run")),
    ))
}

fn missing(step: &Prepared<'_>, unit: &Unit) -> Problem {
    let (id, way) = (&step.step.revision, step.step.direction.as_str());
    let method = match step.step.direction {
        Direction::Upgrade => "with_step",
        Direction::Downgrade => "with_downgrade_step",
    };
    let message = format!("the {way} of revision {id} has a step in Rust, which this program does not have");
    let problem = Problem::new(Code::RustStep, message).help(format!(
        "run the application that embeds limbeck and registers it (`Migrator::{method}(\"{id}\", ...)`); it can do \
         all that is pending"
    ));
    match &unit.directive {
        Some(place) => problem.at(place.clone()),
        None => problem,
    }
}

/// # Errors
/// A step that is to be printed is in Rust.
pub(crate) fn refuse_in_sql(steps: &[Prepared<'_>]) -> Result<(), Problem> {
    let found = steps.iter().find_map(|step| rust_unit(&step.script).map(|unit| (step, unit)));
    let Some((step, unit)) = found else { return Ok(()) };
    let id = &step.step.revision;
    let message = format!("revision {id} has a step in Rust, which SQL cannot say");
    let problem = Problem::new(Code::RustStep, message).help(format!(
        "print the revisions before it and after it (`--sql START:END`), and let the application that embeds \
         limbeck run {id} in between"
    ));
    Err(match &unit.directive {
        Some(place) => problem.at(place.clone()),
        None => problem,
    })
}

/// What went wrong in a step's transaction.
enum Trouble {
    /// With a statement of limbeck's own.
    Own(sqlx::Error),
    /// In the function.
    Step(StepError),
    /// The function ended the transaction.
    Ended,
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Own(error)
    }
}

/// When a transaction began: it tells one from the next.
const BEGAN: &str = "SELECT now()::text";

/// One transaction with the function in it; what is sent at the end depends on its result.
async fn transact(
    connection: &mut PgConnection,
    work: &Work,
    opening: &str,
    end: impl Fn(u64) -> String,
) -> Result<u64, Trouble> {
    // Begun by the driver, so that the function's own `begin()` makes a savepoint.
    let mut transaction = connection.begin().await?;
    let outcome = async {
        let began = began(&mut transaction, opening).await?;
        let rows = work(&mut transaction).await.map_err(Trouble::Step)?;
        if self::began(&mut transaction, "").await? != began {
            return Err(Trouble::Ended);
        }
        simple_query(&mut transaction, &end(rows)).await?;
        Ok(rows)
    };
    match outcome.await {
        Ok(rows) => {
            transaction.commit().await?;
            Ok(rows)
        }
        Err(trouble) => {
            // A lost connection cannot be rolled back, and need not be.
            let _ = transaction.rollback().await;
            Err(trouble)
        }
    }
}

async fn began(connection: &mut PgConnection, before: &str) -> Result<Option<String>, sqlx::Error> {
    use sqlx::Row as _;
    let sets = simple_query(connection, &format!("{before}{BEGAN}")).await?;
    sets.last().and_then(|set| set.last()).map(|row| row.try_get(0)).transpose()
}

fn joined(statements: &[String]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

impl Executor<'_, '_> {
    /// The Rust step of a revision.
    pub(super) async fn rust_step(&mut self, step: &Prepared<'_>, part: &RustPart) -> Result<(), Problem> {
        let registered = self.options.steps.of(step).cloned();
        let Some(RustStep { work, manner }) = registered else {
            let unit = rust_unit(&step.script);
            return Err(unit.map_or_else(cancelled, |unit| missing(step, unit)));
        };
        (self.emit)(Event::StatementStarted { sql: "the step in Rust" });
        match manner {
            Manner::Once => {
                let opening = joined(&part.settings) + &joined(&part.begin);
                let end = joined(&part.end);
                self.rust_transaction(step, &*work, &opening, |_| end.clone()).await.map(drop)
            }
            Manner::Batches { pause, max_rows } => {
                if !part.begin.is_empty() {
                    self.send_own_transaction(&part.begin).await?;
                }
                self.rust_batches(step, &*work, &joined(&part.settings), (pause, max_rows)).await?;
                self.send_own_transaction(&part.end).await
            }
        }
    }

    async fn rust_batches(
        &mut self,
        step: &Prepared<'_>,
        work: &Work,
        settings: &str,
        (pause, max_rows): (Duration, Option<u64>),
    ) -> Result<(), Problem> {
        let restore = joined(&self.session.settings(&parts::application(step)));
        let journal = self.session.journal.clone();
        let mut progress = Progress::after(self.batch_rows);
        loop {
            let before = progress.rows();
            if let Some(most) = max_rows.filter(|most| before > *most) {
                return Err(too_many(before, most));
            }
            let end = |rows: u64| match rows {
                0 => String::new(),
                rows => format!("{restore}{}", journal.note_batch(before + rows)),
            };
            let rows = self.rust_transaction(step, work, settings, end).await?;
            if rows == 0 {
                return Ok(());
            }
            self.touched(step, &mut progress, rows);
            self.cancel.sleep(pause).await.map_err(first)?;
        }
    }

    /// One transaction, tried again while only other sessions are in the way.
    async fn rust_transaction(
        &mut self,
        step: &Prepared<'_>,
        work: &Work,
        opening: &str,
        end: impl Fn(u64) -> String,
    ) -> Result<u64, Problem> {
        let mut attempt = 1;
        loop {
            self.cancel.check().map_err(first)?;
            let connection = &mut *self.session.connection;
            let pid = self.session.facts.backend_pid;
            let running = transact(connection, work, opening, &end);
            let attendants = super::Attendants {
                connector: self.connector,
                cancel: self.cancel,
                watch: &mut self.watch,
                emit: self.emit,
                pid,
            };
            let trouble = match attendants.attend(None, running).await? {
                (Ok(rows), _) => return Ok(rows),
                (Err(trouble), _) => trouble,
            };
            let failure = self.described(step, trouble);
            self.try_again(failure, &mut attempt).await?;
        }
    }

    fn described(&self, step: &Prepared<'_>, trouble: Trouble) -> PartFailure {
        let (error, is_step) = match trouble {
            Trouble::Own(error) => (error, false),
            Trouble::Ended => return placed(step, ended()).into(),
            Trouble::Step(error) => match error.downcast::<sqlx::Error>() {
                Ok(error) => (*error, true),
                Err(error) if self.cancel.is_requested() => {
                    return placed(step, cancelled().note(format!("the step in Rust said: {error}"))).into();
                }
                Err(error) => return placed(step, failed(error.as_ref())).into(),
            },
        };
        let state = failure::state(&error).map(str::to_owned);
        let canceled = state.as_deref() == Some(failure::sqlstate::QUERY_CANCELED);
        let problem = match state.as_deref() {
            _ if canceled && self.cancel.is_requested() => cancelled(),
            Some(failure::sqlstate::LOCK_NOT_AVAILABLE) => {
                self.watch.name_blockers(failure::in_chunk(&error, &Chunk::default(), 0))
            }
            None if is_step && !is_lost(&error) => failed(&error),
            _ => failure::in_chunk(&error, &Chunk::default(), 0),
        };
        PartFailure { problem: placed(step, problem), state }
    }
}

/// Whether the connection is gone; other errors of the driver's are the function's own (a row that it did not
/// find, say).
fn is_lost(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_)
    )
}

fn placed(step: &Prepared<'_>, problem: Problem) -> Problem {
    match rust_unit(&step.script).and_then(|unit| unit.directive.clone()) {
        Some(place) => problem.at(place),
        None => problem,
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut problem = Problem::new(Code::RustStep, format!("the step in Rust failed: {error}"));
    let mut cause = error.source();
    while let Some(error) = cause {
        problem = problem.note(format!("because: {error}"));
        cause = error.source();
    }
    problem.help("what the step had not committed is rolled back; correct the cause in the application and run it again")
}

fn ended() -> Problem {
    Problem::new(Code::RustStep, "the step in Rust ended limbeck's transaction")
        .note("what it committed itself stays, and the journal does not know of it")
        .help(
            "leave COMMIT and ROLLBACK of the outer transaction to limbeck (`connection.begin()` makes a savepoint), or \
             register the step with `RustStep::batches`, to commit in parts",
        )
}

fn too_many(rows: u64, most: u64) -> Problem {
    Problem::new(
        Code::BatchWithoutEnd,
        format!("the step in Rust has touched {rows} rows, and no more than {most} (`max_rows`) were to be expected"),
    )
    .help("make its function say 0 when nothing is left; or allow more, and run it again: it goes on")
}

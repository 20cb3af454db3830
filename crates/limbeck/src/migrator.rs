//! The facade: revisions plus settings, run against a database.

use std::path::PathBuf;
use std::time::Duration;

use limbeck_core::graph::{Applied, Graph};
use limbeck_core::plan::{self, Direction, Plan, Purge, Stamp};
use limbeck_core::revision::RevisionId;
use limbeck_core::sql::Values;
use limbeck_core::{Code, Problem};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::config::Subfolders;
use crate::connect::Connector;
use crate::edited::{self, Edited, Sections, WhenEdited};
use crate::embedded::Embedded;
use crate::error::Error;
use crate::event::Event;
use crate::execute::cancel::Cancel;
use crate::execute::parts::{Effort, Prepared, TransactionMode};
use crate::execute::prepare::prepare;
use crate::execute::steps::{RustStep, RustSteps};
use crate::execute::watch::Watch;
use crate::execute::{Executor, Pace, RunOptions};
use crate::log::{Log, LogFilter};
use crate::loss::{self, Losses};
use crate::project::Project;
use crate::repair::Repair;
use crate::state::journal::{Lineage, Running, Verdict};
use crate::state::lock;
use crate::state::session::{Checksums, FirstLook, Recorded, Session, StateOptions};
use crate::switch::{self, Switch};
use crate::{ahead, log, offline, repair, resolve, resume, stamp};

/// What a run is made with. The defaults are those of `limbeck.toml`.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where limbeck keeps its state, and how its sessions are set.
    pub state: StateOptions,
    /// How transactions and revisions relate.
    pub mode: TransactionMode,
    /// How much goes to the server at once.
    pub pace: Pace,
    /// How long to wait for another migration of the same database to end.
    pub lock_wait: Duration,
    /// What to do about an applied file that was edited.
    pub edited: WhenEdited,
    /// How long a CONCURRENTLY statement may wait for other sessions, at one time; zero waits for ever. It needs
    /// a second connection: see [`Migrator::run_on`].
    pub concurrently_wait: Duration,
    /// Declared variables with their values.
    pub values: Values,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            state: StateOptions::default(),
            mode: TransactionMode::default(),
            pace: Pace::default(),
            lock_wait: Duration::from_secs(3600),
            edited: WhenEdited::default(),
            concurrently_wait: Duration::from_secs(3600),
            values: Values::default(),
        }
    }
}

/// What to do with a database.
#[derive(Debug, Clone, Copy)]
pub enum Job<'a> {
    /// Apply revisions up to a target (`head`, an id, `+2`, ...).
    Upgrade(&'a str),
    /// Undo revisions down to a target (`base`, an id, `-1`, ...).
    Downgrade(&'a str),
    /// Count targets as applied without running anything.
    Stamp(&'a [String], Purge),
}

/// How a run is watched and stopped.
pub struct Control<'a> {
    /// Asks it to stop.
    pub cancel: Cancel,
    /// Is told what happens.
    pub emit: &'a mut (dyn FnMut(Event<'_>) + Send),
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The revisions that were applied or undone, in order.
    pub steps: Vec<(RevisionId, Direction)>,
    /// The version table's rows afterwards.
    pub rows: Vec<String>,
    /// Rows of a newer release.
    pub ahead: Vec<RevisionId>,
}

impl Report {
    /// That a plan was carried out.
    pub(crate) fn of(plan: &Plan) -> Self {
        let done = |step: &plan::Step| (step.revision.clone(), step.direction);
        Self {
            steps: plan.steps.iter().map(done).collect(),
            rows: plan.after.iter().map(ToString::to_string).collect(),
            ahead: Vec::new(),
        }
    }
}

/// How a database stands to these revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    rows: Vec<String>,
    known: Vec<String>,
    ahead: Vec<RevisionId>,
    pending: Vec<RevisionId>,
    running: Option<Running>,
    edited: Vec<Edited>,
    ready: bool,
}

impl Status {
    /// The version table's rows.
    pub fn rows(&self) -> &[String] {
        &self.rows
    }

    /// The rows as this checkout's revisions see them: a newer release's row stands for those of its
    /// ancestors that are known here.
    pub fn known_rows(&self) -> &[String] {
        &self.known
    }

    /// Rows of a newer release: no file knows them, the journal does.
    pub fn ahead(&self) -> &[RevisionId] {
        &self.ahead
    }

    /// These revisions' own that are not applied, oldest first.
    pub fn pending(&self) -> &[RevisionId] {
        &self.pending
    }

    /// A revision that began and did not end.
    pub fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Applied revisions whose files were edited since, in substance.
    pub fn edited(&self) -> &[Edited] {
        &self.edited
    }

    /// Whether none of these revisions is pending, nor half done. What a newer release is about is none of
    /// this one's business.
    pub fn is_ready(&self) -> bool {
        self.ready
    }
}

/// A project's revisions with the settings to run them.
///
/// ```no_run
/// # async fn f() -> Result<(), limbeck::Error> {
/// let migrator = limbeck::Migrator::from_dir("migrations/versions")?;
/// migrator.upgrade("postgres://localhost/app").await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Migrator {
    project: Project,
    options: Options,
    steps: RustSteps,
    effort: Effort,
}

impl Migrator {
    /// Reads a folder of revision files.
    ///
    /// # Errors
    /// As [`Project::read`].
    pub fn from_dir(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        Project::read(&[folder.into()], Subfolders::Ignored).map(Self::new)
    }

    /// Takes revisions that were compiled in with [`embed!`](crate::embed).
    ///
    /// # Errors
    /// As [`Project::embedded`].
    pub fn embedded(embedded: &Embedded) -> Result<Self, Error> {
        Project::embedded(embedded).map(Self::new)
    }

    /// Takes a project with default options.
    pub fn new(project: Project) -> Self {
        Self { project, options: Options::default(), steps: RustSteps::default(), effort: Effort::default() }
    }

    /// Sets the options.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// What runs are made with.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Registers the function for the `-- limbeck:rust` in a revision's upgrade. A later one takes an earlier one's
    /// place. A run fails, before it touches anything, where a step has no place in a file, or a place no step.
    #[must_use]
    pub fn with_step(mut self, revision: impl Into<String>, step: RustStep) -> Self {
        self.steps.register(Direction::Upgrade, revision.into(), step);
        self
    }

    /// As [`Migrator::with_step`], for the downgrade.
    #[must_use]
    pub fn with_downgrade_step(mut self, revision: impl Into<String>, step: RustStep) -> Self {
        self.steps.register(Direction::Downgrade, revision.into(), step);
        self
    }

    /// Leaves out what changes rows only: batches, and steps in Rust, which need not be registered then.
    pub(crate) fn structure_only(mut self) -> Self {
        self.effort = Effort::Structure;
        self
    }

    /// The revisions.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The revisions' graph.
    pub fn graph(&self) -> &Graph {
        self.project.graph()
    }

    /// Brings a database to head: a URL, a pool, a connection, or anything that opens connections.
    ///
    /// # Errors
    /// What [`Migrator::run`] fails with.
    pub async fn upgrade(&self, database: impl Connector) -> Result<Report, Error> {
        let mut quiet = |_: Event<'_>| {};
        let mut control = Control { cancel: Cancel::default(), emit: &mut quiet };
        self.run(&database, Job::Upgrade("head"), &mut control).await
    }

    /// Does a job on a connection of its own, under the migration lock.
    ///
    /// # Errors
    /// Whatever is wrong with the revisions, the target, the connection or a statement. What was not
    /// committed is rolled back; the error says what was.
    pub async fn run(
        &self,
        database: &dyn Connector,
        job: Job<'_>,
        control: &mut Control<'_>,
    ) -> Result<Report, Error> {
        self.require_revisions()?;
        let mut connection = database.connect(crate::APPLICATION).await?;
        let outcome = self.run_on(&mut connection, Some(database), job, control).await;
        // Closing gives the lock free. The work is committed or rolled back by now; a failing good-bye
        // changes nothing.
        let _ = connection.close().await;
        outcome
    }

    /// As [`Migrator::run`], on a connection that serves this purpose alone: its settings are limbeck's
    /// afterwards, and it should be closed soon. With a `connector`, a second connection cancels a
    /// statement when asked to, and looks whom one waits for that takes long.
    ///
    /// # Errors
    /// As [`Migrator::run`].
    pub async fn run_on(
        &self,
        connection: &mut PgConnection,
        connector: Option<&dyn Connector>,
        job: Job<'_>,
        control: &mut Control<'_>,
    ) -> Result<Report, Error> {
        self.require_revisions()?;
        let look = FirstLook::at(connection, &self.options.state).await?;
        self.run_after(look, connection, connector, job, control).await
    }

    /// As [`Migrator::run_on`], after a first look at this very connection, with these options.
    ///
    /// # Errors
    /// As [`Migrator::run`].
    pub async fn run_after(
        &self,
        look: FirstLook,
        connection: &mut PgConnection,
        connector: Option<&dyn Connector>,
        job: Job<'_>,
        control: &mut Control<'_>,
    ) -> Result<Report, Error> {
        self.require_revisions()?;
        let (mut session, recorded) =
            Session::after(look, connection, self.options.state.clone(), &crate::client());
        let way = match job {
            Job::Upgrade(target) => Way::Up(target),
            Job::Downgrade(target) => Way::Down(target),
            Job::Stamp(targets, purge) => {
                return stamp::run(self, &mut session, connector, (targets, purge), control).await;
            }
        };
        self.migrate(&mut session, recorded, connector, way, control).await
    }

    /// What a job would do now. Reads the database and changes nothing.
    ///
    /// # Errors
    /// As the job itself would, as far as it can be known without running it.
    pub async fn preview(&self, connection: &mut PgConnection, job: Job<'_>) -> Result<Preview, Error> {
        self.require_revisions()?;
        let mut session = self.session(connection).await?;
        let recorded = session.recorded(Checksums::Read).await?;
        let state = self.state(&mut session, recorded).await?;
        let plan = match job {
            Job::Upgrade(target) => {
                let plan = self.plan(&state, Way::Up(target))?;
                self.refuse_edited(&self.edited(&state)?)?;
                plan
            }
            Job::Downgrade(target) => self.plan(&state, Way::Down(target))?,
            Job::Stamp(targets, purge) => {
                let rows = &state.recorded.rows;
                let stamp = stamp::planned(self.graph(), &mut session, rows, targets, purge).await?;
                return Ok(Preview::Stamp(stamp));
            }
        };
        self.prepare(&plan)?;
        Ok(Preview::Plan(plan))
    }

    /// Says what became of the statement in which a revision was interrupted, where limbeck cannot tell (or
    /// should not ask): the next run goes on from there. The note is kept in the journal. The result is what
    /// was interrupted.
    ///
    /// # Errors
    /// Nothing is interrupted, or not this revision, or no statement's outcome is open; another migration that
    /// does not end; a failing connection.
    pub async fn resolve(
        &self,
        connection: &mut PgConnection,
        connector: Option<&dyn Connector>,
        revision: &str,
        verdict: Verdict,
        note: Option<&str>,
        control: &mut Control<'_>,
    ) -> Result<Running, Error> {
        let mut session = self.session(connection).await?;
        let patience = self.options.lock_wait;
        lock::acquire(&mut session, connector, patience, &control.cancel, control.emit).await?;
        let recorded = session.recorded(Checksums::Skip).await?;
        let state = self.state(&mut session, recorded).await?;
        resolve::run(&mut session, state.recorded.running, revision, verdict, note).await
    }

    /// What a downgrade would take away of what the database holds now. Reads a bounded number of rows, and
    /// changes nothing. Other jobs are not looked at, and give nothing.
    ///
    /// # Errors
    /// As [`Migrator::preview`].
    pub async fn losses(&self, connection: &mut PgConnection, job: Job<'_>) -> Result<Losses, Error> {
        let Job::Downgrade(target) = job else { return Ok(Losses::default()) };
        self.require_revisions()?;
        let mut session = self.session(connection).await?;
        let recorded = session.recorded(Checksums::Skip).await?;
        let state = self.state(&mut session, recorded).await?;
        let plan = self.plan(&state, Way::Down(target))?;
        let steps = self.prepare(&plan)?;
        // An interrupted upgrade, which is completed first, takes nothing away that was not to go anyway.
        let down = steps.iter().filter(|step| step.step.direction == Direction::Downgrade);
        let scripts = down.map(|step| (&step.step.revision, &step.script));
        loss::of_scripts(connection, scripts, &self.options.values).await
    }

    /// The SQL of a job, without a database (`--sql`). Applied with psql it leaves the database that the
    /// run would.
    ///
    /// # Errors
    /// A target or range that cannot be resolved without a database, or a revision that SQL cannot say.
    pub fn to_sql(&self, job: Job<'_>) -> Result<String, Error> {
        self.require_revisions()?;
        offline::render(&self.project, &self.options, job)
    }

    /// Creates the version table and the journal where they are missing.
    ///
    /// # Errors
    /// A failing connection or statement.
    pub async fn ensure_version(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let mut session = self.session(connection).await?;
        let setup = session.setup(0).await?;
        if !setup.is_empty() {
            session.query(&format!("BEGIN;\n{};\nCOMMIT", setup.join(";\n"))).await?;
        }
        Ok(())
    }

    /// The SQL of [`Migrator::ensure_version`].
    pub fn ensure_version_sql(&self) -> String {
        offline::ensure_version(&self.options)
    }

    /// How a database stands to these revisions; a few round trips on a connection that stays the
    /// caller's.
    ///
    /// # Errors
    /// A failing connection, or a row that neither a file nor the journal knows.
    pub async fn status(&self, connection: &mut PgConnection) -> Result<Status, Error> {
        let options = StateOptions { role: None, ..self.options.state.clone() };
        let look = FirstLook::at(connection, &options).await?;
        self.status_after(look, connection).await
    }

    /// As [`Migrator::status`], after a first look at this very connection.
    ///
    /// # Errors
    /// As [`Migrator::status`].
    pub async fn status_after(
        &self,
        look: FirstLook,
        connection: &mut PgConnection,
    ) -> Result<Status, Error> {
        let (mut session, recorded) =
            Session::after(look, connection, self.options.state.clone(), crate::APPLICATION);
        let state = self.state(&mut session, recorded).await?;
        let applied = Applied::new(self.graph(), &state.known)?;
        let pending: Vec<RevisionId> = applied.pending().map(|node| node.id().clone()).collect();
        let edited = edited::find(&self.project, &applied, &state.recorded.checksums, Sections::Both);
        let State { recorded, known, ahead, .. } = state;
        let is_ours = |running: &Running| self.graph().get(&running.revision).is_some();
        let ready = pending.is_empty() && !recorded.running.as_ref().is_some_and(is_ours);
        Ok(Status { rows: recorded.rows, known, ahead, pending, running: recorded.running, edited, ready })
    }

    /// What leads a database that other revisions have migrated back to these revisions' heads: what has no file
    /// here is undone with the journal's copy of its downgrade, then what is pending is applied. Reads the database and
    /// changes nothing.
    ///
    /// # Errors
    /// A revision that cannot be undone, a row that neither a file nor the journal knows, and all that an upgrade
    /// could know beforehand.
    pub async fn preview_switch(&self, connection: &mut PgConnection) -> Result<Switch, Error> {
        self.require_revisions()?;
        let mut session = self.session(connection).await?;
        switch::preview(self, &mut session).await
    }

    /// Does what [`Migrator::preview_switch`] has shown, under the migration lock, as far as nobody else has done it
    /// meanwhile. It undoes nothing that was not shown. The connection is used as by [`Migrator::run_on`].
    ///
    /// # Errors
    /// As [`Migrator::preview_switch`] and [`Migrator::run`]; there is more to undo than was shown.
    pub async fn switch(
        &self,
        connection: &mut PgConnection,
        connector: Option<&dyn Connector>,
        shown: &Switch,
        control: &mut Control<'_>,
    ) -> Result<Report, Error> {
        self.require_revisions()?;
        let mut session = self.session(connection).await?;
        switch::run(self, &mut session, connector, shown, control).await
    }

    /// Accepts edits of applied files: the journal is told that they are right as they are now. Takes the
    /// lock, and changes no version row. The connection is used as by [`Migrator::run_on`].
    ///
    /// # Errors
    /// A revision that is unknown, ambiguous, not applied or not edited; a failing connection.
    pub async fn repair(
        &self,
        look: FirstLook,
        connection: &mut PgConnection,
        connector: Option<&dyn Connector>,
        request: Repair<'_>,
        control: &mut Control<'_>,
    ) -> Result<Vec<Edited>, Error> {
        let (mut session, recorded) =
            Session::after(look, connection, self.options.state.clone(), &crate::client());
        let state = self.state(&mut session, recorded).await?;
        repair::run(self, &mut session, connector, state, request, control).await
    }

    /// What [`Migrator::repair`] would accept. Changes nothing.
    ///
    /// # Errors
    /// As [`Migrator::repair`].
    pub async fn preview_repair(
        &self,
        look: FirstLook,
        connection: &mut PgConnection,
        request: Repair<'_>,
    ) -> Result<Vec<Edited>, Error> {
        let (mut session, recorded) =
            Session::after(look, connection, self.options.state.clone(), crate::APPLICATION);
        let state = self.state(&mut session, recorded).await?;
        Ok(repair::wanted(self, &state, request)?)
    }

    /// What was done to a database, newest first; needs none of these revisions.
    ///
    /// # Errors
    /// As [`log::read`].
    pub async fn log(&self, connection: &mut PgConnection, filter: LogFilter<'_>) -> Result<Log, Error> {
        log::read(connection, &self.options.state, filter).await
    }

    async fn session<'c>(&self, connection: &'c mut PgConnection) -> Result<Session<'c>, Error> {
        Session::open(connection, self.options.state.clone(), &crate::client()).await
    }

    /// Finds the rows of a newer release.
    pub(crate) async fn state(
        &self,
        session: &mut Session<'_>,
        mut recorded: Recorded,
    ) -> Result<State, Error> {
        let all_known = recorded.rows.iter().all(|row| self.graph().get(row).is_some());
        let lineage = if all_known { Lineage::new() } else { session.lineage().await? };
        let (known, ahead) = ahead::known_rows(self.graph(), &recorded.rows, &lineage)?;
        let mut void = None;
        if let Some(running) = recorded.running.take() {
            // Of a revision without a file here the rows alone tell.
            let rows = if self.graph().get(&running.revision).is_some() { &known } else { &recorded.rows };
            let is_void = resume::is_void(self.graph(), rows, &running)?;
            *(if is_void { &mut void } else { &mut recorded.running }) = Some(running);
        }
        Ok(State { recorded, known, ahead, void })
    }

    /// Upgrades and downgrades: read, plan, and only if there is something to do lock, read and plan
    /// again, run.
    async fn migrate(
        &self,
        session: &mut Session<'_>,
        recorded: Recorded,
        connector: Option<&dyn Connector>,
        way: Way<'_>,
        control: &mut Control<'_>,
    ) -> Result<Report, Error> {
        let state = self.state(session, recorded).await?;
        let plan = self.plan(&state, way)?;
        let edited = self.edited(&state)?;
        if matches!(way, Way::Up(_)) {
            self.refuse_edited(&edited)?;
        }
        self.tell(&state, control);
        edited::tell(&edited, control.emit);
        for problem in &plan.warnings {
            (control.emit)(Event::Warning { problem });
        }
        if plan.steps.is_empty() {
            (control.emit)(Event::NothingToDo);
            return Ok(Report { steps: Vec::new(), rows: state.recorded.rows, ahead: state.ahead });
        }
        let steps = self.prepare(&plan)?;
        lock::acquire(session, connector, self.options.lock_wait, &control.cancel, control.emit).await?;
        self.run_locked(session, connector, way, (&plan, steps), control).await
    }

    async fn run_locked(
        &self,
        session: &mut Session<'_>,
        connector: Option<&dyn Connector>,
        way: Way<'_>,
        before: (&Plan, Vec<Prepared<'_>>),
        control: &mut Control<'_>,
    ) -> Result<Report, Error> {
        let recorded = session.recorded(Checksums::Skip).await?;
        let state = self.state(session, recorded).await?;
        let plan = self.plan(&state, way)?;
        // Nobody else was at work in most runs: what was prepared before the lock still holds.
        let steps = match before {
            (same, steps) if *same == plan => steps,
            _ => self.prepare(&plan)?,
        };
        let running = resume::check(state.recorded.running.as_ref(), &steps)?;
        let void: Vec<String> = state.void.iter().map(|_| session.journal.void_running()).collect();
        self.execute(session, connector, &steps, (running, void), control).await?;
        Ok(Report { ahead: state.ahead, ..Report::of(&plan) })
    }

    /// Runs steps, of which the first may go on with an earlier run; what is given with that is sent and
    /// committed with the first part.
    pub(crate) async fn execute(
        &self,
        session: &mut Session<'_>,
        connector: Option<&dyn Connector>,
        steps: &[Prepared<'_>],
        (running, first): (Option<&Running>, Vec<String>),
        control: &mut Control<'_>,
    ) -> Result<(), Error> {
        let options = RunOptions {
            mode: self.options.mode,
            pace: self.options.pace,
            effort: self.effort,
            values: &self.options.values,
            concurrently_wait: self.options.concurrently_wait,
            steps: &self.steps,
        };
        let mut executor = Executor {
            session,
            connector,
            options,
            cancel: &control.cancel,
            emit: control.emit,
            in_transaction: false,
            batch_rows: 0,
            watch: Watch::default(),
        };
        let outcome = executor.run(steps, running, first).await;
        executor.watch.close().await;
        outcome
    }

    /// A plan with everything that is checked before the database is touched.
    pub(crate) fn prepare<'p>(&'p self, plan: &'p Plan) -> Result<Vec<Prepared<'p>>, Error> {
        self.prepare_of(&self.project, plan)
    }

    /// The same for a project that holds more than these revisions.
    pub(crate) fn prepare_of<'p>(
        &self,
        project: &'p Project,
        plan: &'p Plan,
    ) -> Result<Vec<Prepared<'p>>, Error> {
        let steps = prepare(project, plan, &self.options.values, self.options.mode)?;
        if self.effort == Effort::Everything {
            self.steps.complete(&steps)?;
        }
        Ok(steps)
    }

    fn plan(&self, state: &State, way: Way<'_>) -> Result<Plan, Problem> {
        if !state.ahead.is_empty() {
            return ahead::plan(self.graph(), &state.known, &state.ahead, way);
        }
        resume::plan(self.graph(), &state.recorded.rows, state.recorded.running.as_ref(), way)
    }

    fn tell(&self, state: &State, control: &mut Control<'_>) {
        if !state.ahead.is_empty() {
            (control.emit)(Event::Ahead { rows: &state.ahead });
        }
        let is_foreign = |running: &&Running| self.graph().get(&running.revision).is_none();
        if let Some(running) = state.recorded.running.as_ref().filter(is_foreign) {
            (control.emit)(Event::Warning { problem: &resume::without_file(running) });
        }
    }

    /// The applied revisions whose upgrades were edited since.
    fn edited(&self, state: &State) -> Result<Vec<Edited>, Problem> {
        let applied = Applied::new(self.graph(), &state.known)?;
        Ok(edited::find(&self.project, &applied, &state.recorded.checksums, Sections::Upgrade))
    }

    pub(crate) fn refuse_edited(&self, edited: &[Edited]) -> Result<(), Problem> {
        match self.options.edited {
            WhenEdited::Warn => Ok(()),
            WhenEdited::Refuse => edited::refuse(edited),
        }
    }

    /// An empty folder is a wrong path far more often than a project without revisions.
    fn require_revisions(&self) -> Result<(), Error> {
        if !self.graph().is_empty() {
            return self.steps.check(&self.project);
        }
        Err(Problem::new(Code::NoRevisions, "the project has no revisions")
            .help("make the first one with `limbeck revision -m \"...\"`, or name the folder that holds them with `script_location` in limbeck.toml")
            .into())
    }
}

/// What a job would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preview {
    /// Steps.
    Plan(Plan),
    /// Bookkeeping only.
    Stamp(Stamp),
}

/// The direction and target of a migration.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way<'a> {
    Up(&'a str),
    Down(&'a str),
}

/// The recorded state, as these revisions see it.
pub(crate) struct State {
    pub(crate) recorded: Recorded,
    pub(crate) known: Vec<String>,
    pub(crate) ahead: Vec<RevisionId>,
    /// An unfinished entry that the rows contradict.
    pub(crate) void: Option<Running>,
}

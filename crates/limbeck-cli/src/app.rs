//! What the verbs share: the configuration, the revisions, the database; each looked at only when asked
//! for.

use std::cell::OnceCell;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::pin::pin;

use limbeck::config::{self, Config, ConfigFile, Given};
use limbeck::connect::Connection;
use limbeck::connect::process_env;
use limbeck::{Cancel, Error, FirstLook, Migrator, Options, Project, StateOptions, Status};
use limbeck_core::graph::{Node, Target};
use limbeck_core::sql::Values;
use limbeck_core::{Code, Problem};

use crate::commands::Globals;
use crate::database::Database;
use crate::reporter::Verbosity;
use crate::signals::Signals;

/// A connection, and what the database said first.
pub(crate) struct Connected {
    pub(crate) connection: Connection,
    pub(crate) look: FirstLook,
}

/// One invocation of the program.
pub(crate) struct App {
    globals: Globals,
    signals: Signals,
    config: OnceCell<Config>,
    database: tokio::sync::OnceCell<Database>,
}

impl App {
    pub(crate) fn new(globals: Globals, signals: Signals) -> Self {
        Self { globals, signals, config: OnceCell::new(), database: tokio::sync::OnceCell::new() }
    }

    /// Lets go of the database; a local server that nobody else uses ends.
    pub(crate) async fn close(mut self) {
        if let Some(database) = self.database.take() {
            database.close().await;
        }
    }

    /// The file that `-c` names, whether it exists or not.
    pub(crate) fn named_configuration(&self) -> Option<PathBuf> {
        self.globals.config.clone()
    }

    /// The configuration.
    pub(crate) fn config(&self) -> Result<&Config, Error> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let here = here()?;
        let given = Given { file: self.globals.config.as_deref(), name: self.globals.name.as_deref() };
        let mut config = config::load(given, &here)?;
        shorten(&mut config, &here);
        Ok(self.config.get_or_init(|| config))
    }

    /// The configuration of a verb that may do without a project: the defaults, where there is no file and none is
    /// named.
    pub(crate) fn config_or_defaults(&self) -> Result<&Config, Error> {
        let here = here()?;
        let is_named = self.globals.config.is_some() || self.globals.name.is_some();
        if is_named || config::find(None, &here).is_ok() {
            return self.config();
        }
        Ok(self.config.get_or_init(|| Config::defaults(&here)))
    }

    /// The revisions, read afresh. They are never dropped: the process ends with them, and to free a
    /// thousand files one by one before that takes longer than to list them.
    pub(crate) fn project(&self) -> Result<ManuallyDrop<Project>, Error> {
        let config = self.config()?;
        let project = Project::read(&config.version_locations, config.recursive_version_locations);
        project.map(ManuallyDrop::new).map_err(|error| unread(config, error))
    }

    /// The revisions with the configuration's settings, and those that a verb changes.
    pub(crate) fn migrator(
        &self,
        adjust: impl FnOnce(&mut Options),
    ) -> Result<ManuallyDrop<Migrator>, Error> {
        let options = self.options(adjust)?;
        let project = ManuallyDrop::into_inner(self.project()?);
        Ok(ManuallyDrop::new(Migrator::new(project).with_options(options)))
    }

    /// The same with a connection, which is made, and has its first questions answered, while the files are
    /// read. What is wrong with the files is said first, and no local server is started for them.
    pub(crate) async fn connected(
        &self,
        adjust: impl FnOnce(&mut Options),
    ) -> Result<(ManuallyDrop<Migrator>, Connected), Error> {
        let config = self.config()?;
        let options = self.options(adjust)?;
        let (folders, subfolders) = (config.version_locations.clone(), config.recursive_version_locations);
        let mut reading = tokio::task::spawn_blocking(move || Project::read(&folders, subfolders));
        let state = options.state.clone();
        let mut connecting = pin!(async {
            let mut connection = self.database().await?.connect("limbeck").await?;
            let look = FirstLook::at(&mut connection, &state).await?;
            Ok::<_, Error>(Connected { connection, look })
        });
        let mut connected = None;
        let is_local = !Database::is_elsewhere(config, self.globals.url.as_deref());
        let project = loop {
            tokio::select! {
                project = &mut reading => break project,
                outcome = &mut connecting, if !is_local && connected.is_none() => connected = Some(outcome),
                () = self.cancelled() => return Err(cancelled()),
            }
        };
        let project = project.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let project = project.map_err(|error| unread(config, error))?;
        let connected = match connected {
            Some(outcome) => outcome?,
            None => tokio::select! {
                outcome = connecting => outcome?,
                () = self.cancelled() => return Err(cancelled()),
            },
        };
        Ok((ManuallyDrop::new(Migrator::new(project).with_options(options)), connected))
    }

    fn options(&self, adjust: impl FnOnce(&mut Options)) -> Result<Options, Error> {
        let config = self.config()?;
        let mut options = Options {
            state: StateOptions::of(config),
            edited: config.edited,
            values: self.values(config)?,
            concurrently_wait: config.concurrently_wait,
            ..Options::default()
        };
        adjust(&mut options);
        Ok(options)
    }

    /// The declared variables, with the values that they are given.
    pub(crate) fn values(&self, config: &Config) -> Result<Values, Problem> {
        let pair = |text: &String| {
            let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            pair.ok_or_else(|| {
                Problem::new(Code::SqlVariable, format!("`-x {text}` is not of the form NAME=VALUE"))
                    .help("write -x name=value")
            })
        };
        let flags: Vec<_> = self.globals.variables.iter().map(pair).collect::<Result<_, _>>()?;
        let given = config.vars(&flags, &process_env)?;
        let mut values = Values::new();
        for declared in &config.vars {
            values.declare(&declared.name);
        }
        for (name, value) in &given {
            values.set(name, value.reveal());
        }
        Ok(values)
    }

    /// The database, opened at first use: with none configured, the local one, which belongs to a project.
    pub(crate) async fn database(&self) -> Result<&Database, Error> {
        let (config, flag) = (self.config()?, self.globals.url.as_deref());
        if config.file.is_none() && matches!(config.database(flag, &process_env)?, config::Database::Local) {
            config::find(None, &config.folder).map_err(|problem| {
                problem.help("name a database with --url, or begin a project with `limbeck init`")
            })?;
        }
        self.database.get_or_try_init(|| Database::open(config, flag, self.verbosity())).await
    }

    /// The database that `--url` or the environment names, where there is no project.
    pub(crate) async fn database_alone(&self, config: &Config) -> Result<Option<&Database>, Error> {
        let flag = self.globals.url.as_deref();
        if !Database::is_elsewhere(config, flag) {
            return Ok(None);
        }
        let open = async { Database::open(config, flag, self.verbosity()).await };
        self.database.get_or_try_init(|| open).await.map(Some)
    }

    /// How the database stands to the revisions.
    pub(crate) async fn status(&self, migrator: &Migrator) -> Result<Status, Error> {
        let database = self.database().await?;
        let work = async {
            let mut connection = database.connect("limbeck").await?;
            let status = migrator.status(&mut connection).await;
            Database::disconnect(connection).await;
            status
        };
        tokio::select! {
            status = work => status,
            () = self.cancelled() => Err(cancelled()),
        }
    }

    /// The same on a connection that ends with it.
    pub(crate) async fn status_on(&self, migrator: &Migrator, connected: Connected) -> Result<Status, Error> {
        let Connected { mut connection, look } = connected;
        let work = async {
            let status = migrator.status_after(look, &mut connection).await;
            Database::disconnect(connection).await;
            status
        };
        tokio::select! {
            status = work => status,
            () = self.cancelled() => Err(cancelled()),
        }
    }

    /// The revisions that an identifier names; the database is asked only if it must be.
    pub(crate) async fn revisions<'m>(
        &self,
        migrator: &'m Migrator,
        target: &Target,
    ) -> Result<Vec<&'m Node>, Error> {
        let rows = match target.needs_database() {
            true => Some(self.status(migrator).await?.known_rows().to_vec()),
            false => None,
        };
        Ok(migrator.graph().revisions(target, rows.as_deref())?)
    }

    pub(crate) fn cancel(&self) -> Cancel {
        self.signals.cancel.clone()
    }

    pub(crate) async fn cancelled(&self) {
        self.signals.cancel.requested().await;
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    pub(crate) fn verbosity(&self) -> Verbosity {
        if self.globals.quiet { Verbosity::Quiet } else { Verbosity::Normal }
    }
}

fn here() -> Result<PathBuf, Problem> {
    std::env::current_dir().map_err(|error| {
        Problem::new(Code::File, format!("cannot tell the working directory: {error}"))
            .help("change to a directory that exists")
    })
}

/// Why the revisions cannot be read: perhaps only because none of several databases was chosen.
fn unread(config: &Config, error: Error) -> Error {
    none_chosen(config).map_or(error, Error::from)
}

/// A signal came.
pub(crate) fn cancelled() -> Error {
    Problem::new(Code::Cancelled, "cancelled").into()
}

/// The better problem, where there are no revisions because nobody said which database's.
fn none_chosen(config: &Config) -> Option<Problem> {
    let file = config.file.as_deref().filter(|_| config.name.is_none())?;
    if config.version_locations.iter().any(|folder| folder.exists()) {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    let parsed = ConfigFile::parse(file, &file.display().to_string(), &text).ok()?;
    let names: Vec<&str> = parsed.names().collect();
    let first = names.first()?;
    let message = "the configuration describes several databases, and none is chosen";
    Some(
        Problem::new(Code::ConfigMissing, message)
            .note(format!("there are: {}", names.join(", ")))
            .help(format!("choose one before the command: `limbeck -n {first} ...`")),
    )
}

/// Paths as a user would type them: relative to where they are.
fn shorten(config: &mut Config, here: &std::path::Path) {
    for path in
        config.version_locations.iter_mut().chain([&mut config.script_location]).chain(&mut config.snapshot)
    {
        if let Ok(short) = path.strip_prefix(here) {
            *path = short.to_owned();
        }
    }
}

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use limbeck::connect::{RetryPolicy, process_env};
use limbeck::startup::{NotReady, Ready, Stage, Startup, prepare};
use limbeck::{Control, Error, Event};
use limbeck_core::{Code, Problem};
use tracing::{error, info, warn};

use super::validate::VALIDATION_FAILED;
use crate::app::App;
use crate::child;
use crate::exit::{Failure, MIGRATION_FAILED, NO_DATABASE, NOT_EXECUTABLE, NOT_FOUND};
use crate::logging::{self, LogFormat};
use crate::probe::{Address, Doing, Probe};
use crate::render;
use crate::reporter::{BatchLines, Weight, sentence};

/// Wait for the database, migrate to head, validate the schema, then become the service
///
/// Any number of replicas may start at once: one migrates, the others wait, nobody fails. The command
/// takes limbeck's place, with its pid and signals; with the local database limbeck stays as its parent.
///
/// DB_MAX_RETRIES (default 30) and DB_RETRY_INTERVAL (seconds, default 2) say how long to wait for the
/// database. LIMBECK_URL is not handed on to the command.
///
/// With --probe an orchestrator sees meanwhile that the process lives: /health and /health/live answer 200,
/// everything else 503 and what is being done. The address is free again before the command starts.
///
/// Exit codes: 1 no database, 2 the migration (or with --strict the validation) failed, 126 and 127 the
/// command cannot be executed; then the command's own.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Fail where required tables are missing, instead of warning
    #[arg(long)]
    strict: bool,
    /// How log lines look
    #[arg(long, value_enum, default_value_t, env = "LIMBECK_LOG_FORMAT")]
    log_format: LogFormat,
    /// Seconds to wait for another process's migration to end
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    lock_wait: u64,
    /// Answer health probes at this address until the command starts, which may listen there too
    #[arg(long, value_name = "HOST:PORT")]
    probe: Option<Address>,
    /// The service's command [default: `command` under `[start]` in limbeck.toml]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Start {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        logging::lines(self.log_format);
        let doing = Doing::default();
        let probe = self.answer_probes(&doing).await?;
        let outcome = self.make_ready(app, &doing).await;
        // Before the command, which may want the same address.
        if let Some(probe) = probe {
            probe.end().await;
        }
        outcome?;
        self.hand_over(app).await
    }

    async fn answer_probes(&self, doing: &Doing) -> Result<Option<Probe>, Failure> {
        let Some(address) = &self.probe else { return Ok(None) };
        let (probe, bound) = Probe::listen(address, doing.clone())
            .await
            .map_err(|problem| self.told(&problem.into(), "migration not begun", MIGRATION_FAILED))?;
        info!("migration: answering probes at {bound} until the command starts");
        Ok(Some(probe))
    }

    /// Waits, migrates, validates.
    async fn make_ready(&self, app: &App, doing: &Doing) -> Result<(), Failure> {
        let ready = self.prepare(app, doing).await.map_err(|reason| match reason {
            NotReady::NoDatabase(error) => self.told(&error, "migration failed", NO_DATABASE),
            NotReady::Migration(error) => self.told(&error, "migration failed", MIGRATION_FAILED),
        })?;
        if !ready.missing_tables.is_empty() {
            let missing = ready.missing_tables.join(", ");
            if self.strict {
                error!(missing, "migration: {VALIDATION_FAILED} ({missing})");
                return Err(Failure::Code(MIGRATION_FAILED));
            }
            warn!(missing, "migration: {VALIDATION_FAILED} ({missing})");
        }
        let rows = if ready.report.rows.is_empty() { "base".to_owned() } else { ready.report.rows.join(", ") };
        info!(rows, "migration: complete, the database is at {rows}");
        Ok(())
    }

    async fn prepare(&self, app: &App, doing: &Doing) -> Result<Ready, NotReady> {
        let no_database = |error: Error| NotReady::NoDatabase(error);
        // What is wrong with the files is said before anybody waits for a database.
        let migrator = app
            .migrator(|options| options.lock_wait = Duration::from_secs(self.lock_wait))
            .map_err(NotReady::Migration)?;
        let config = app.config().map_err(NotReady::Migration)?;
        let policy = RetryPolicy::from_env(&process_env).map_err(|problem| no_database(problem.into()))?;
        let database = app.database().await.map_err(no_database)?;
        let startup = Startup {
            policy,
            target: &config.start.target,
            when_ahead: config.start.ahead,
            required_tables: &config.required_tables,
        };
        let mut batches = BatchLines::default();
        let mut emit = |event: Event<'_>| say(&event, &mut batches, doing);
        let mut control = Control { cancel: app.cancel(), emit: &mut emit };
        tell(doing, &format!("migration: waiting for PostgreSQL at {}", database.masked_url()));
        let mut on_stage = |reached: Stage<'_>| stage(reached, doing);
        prepare(&migrator, database.spec(), &startup, &mut control, &mut on_stage).await
    }

    /// Logs why a start ends, and leaves the code.
    fn told(&self, error: &Error, what: &str, code: u8) -> Failure {
        for problem in error.problems() {
            let heads = if problem.code() == Code::MultipleHeads { "Multiple heads detected. " } else { "" };
            let place = problem.place().map(ToString::to_string);
            let notes = (!problem.notes().is_empty()).then(|| problem.notes().join("; "));
            let help = problem.help_text();
            let code = problem.code().as_str();
            // In text, all of it follows below, where it can be read.
            match self.log_format {
                LogFormat::Json => error!(code, place, notes, help, "{what}: {heads}{}", problem.message()),
                LogFormat::Text => error!("{what}: {heads}{}", problem.message()),
            }
        }
        if self.log_format == LogFormat::Text {
            render::error(error);
        }
        Failure::Code(code)
    }

    /// Becomes the command, or with a database of our own its parent.
    async fn hand_over(&self, app: &App) -> Result<(), Failure> {
        let configured = &app.config()?.start.command;
        let words = if self.command.is_empty() { configured } else { &self.command };
        let Some((program, arguments)) = words.split_first() else {
            info!("migration: no command to start (`limbeck start -- COMMAND`, or `command` under `[start]`)");
            return Ok(());
        };
        let mut command = Command::new(program);
        command.args(arguments).env_remove("LIMBECK_URL");
        let database = app.database().await?;
        info!("migration: done, starting {program}");
        let ended = match database.local_url() {
            Some(url) => {
                command.env("DATABASE_URL", url);
                child::run(command, app.signals()).await
            }
            None => app.signals().replaced_by(|| command.exec()).map_or(Ok(None), Err),
        };
        match ended {
            Ok(Some(0)) => Ok(()),
            Ok(Some(code)) => Err(Failure::Code(code)),
            Ok(None) => Err(self.told(&cancelled(program), "migration done", MIGRATION_FAILED)),
            Err(error) => Err(self.not_executed(program, &error)),
        }
    }

    fn not_executed(&self, program: &str, error: &std::io::Error) -> Failure {
        let code = if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
        let problem = Problem::new(Code::File, format!("cannot execute `{program}`: {error}"))
            .help("check the command after `--`, or `command` under `[start]` in limbeck.toml, and PATH");
        self.told(&problem.into(), "migration done, but the service does not start", code)
    }
}

/// A signal came when everything was done but the service did not run yet.
fn cancelled(program: &str) -> Error {
    Problem::new(Code::Cancelled, format!("cancelled before {program} was started")).into()
}

fn stage(stage: Stage<'_>, doing: &Doing) {
    match stage {
        Stage::Attempt { number, of, reason, next_in } => {
            let next = next_in.map_or_else(String::new, |time| format!(", next one in {} s", time.as_secs_f64()));
            warn_of(doing, &format!("migration: no database yet, attempt {number} of {of}: {reason}{next}"));
        }
        Stage::Connected => tell(doing, "migration: connected to PostgreSQL"),
        _ => {}
    }
}

fn say(event: &Event<'_>, batches: &mut BatchLines, doing: &Doing) {
    if let Some(line) = batches.line(event) {
        tell(doing, &format!("migration: {line}"));
    }
    if let Event::NothingToDo = event {
        tell(doing, "migration: nothing pending");
    }
    match sentence(event) {
        Some((Weight::Progress, line)) => tell(doing, &format!("migration: {line}")),
        Some((Weight::Warning, line)) => warn_of(doing, &format!("migration: {line}")),
        None => {}
    }
}

/// In the log, and to whoever probes.
fn tell(doing: &Doing, line: &str) {
    doing.now(line);
    info!("{line}");
}

fn warn_of(doing: &Doing, line: &str) {
    doing.now(line);
    warn!("{line}");
}

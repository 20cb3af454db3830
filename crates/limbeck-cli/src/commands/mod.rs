//! The verbs: one file each. A verb's doc comment is its help; its file holds its arguments and one
//! short `run`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::App;
use crate::exit::Failure;
use crate::logging;
use crate::render;
use crate::signals::Signals;

/// Declares every verb once: its module, its variant of [`Command`], its dispatch.
macro_rules! verbs {
    ($($(#[$attribute:meta])* $module:ident :: $name:ident,)+) => {
        $(mod $module;)+

        /// The verbs.
        #[derive(Debug, Subcommand)]
        enum Command {
            $($(#[$attribute])* $name($module::$name),)+
        }

        impl Command {
            async fn run(self, app: &App) -> Result<(), Failure> {
                match self { $(Self::$name(verb) => verb.run(app).await,)+ }
            }
        }
    };
}

mod compare;
mod consent;
mod migrate;
mod upgrade_hooks;
mod view;

verbs! {
    init::Init,
    revision::Revision,
    check::Check,
    snapshot::Snapshot,
    diff::Diff,
    models::Models,
    baseline::Baseline,
    merge::Merge,
    upgrade::Upgrade,
    downgrade::Downgrade,
    stamp::Stamp,
    switch::Switch,
    resolve::Resolve,
    current::Current,
    history::History,
    log::Log,
    repair::Repair,
    heads::Heads,
    branches::Branches,
    show::Show,
    edit::Edit,
    wait::Wait,
    validate::Validate,
    dump::Dump,
    doctor::Doctor,
    reset::Reset,
    start::Start,
    #[command(name = "ensure_version", visible_alias = "ensure-version")]
    ensure_version::EnsureVersion,
    #[command(name = "list_templates", visible_alias = "list-templates")]
    list_templates::ListTemplates,
    completions::Completions,
}

/// PostgreSQL migrations: a revision graph of plain SQL files.
///
/// limbeck understands Alembic's commands: a link named `alembic` to this program serves old scripts.
#[derive(Debug, Parser)]
#[command(name = "limbeck", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
The database: --url, else LIMBECK_URL, else DATABASE_URL, else `url` in limbeck.toml, else a local
PostgreSQL that limbeck starts itself in the project's folder .limbeck.

-c, -n, -x and --raiseerr stand before the command: `limbeck -n billing upgrade head`.

Exit codes: 0 done, 1 failed, 64 wrong usage; `start`, `doctor`, `check`, `diff` and `snapshot` have
their own (see their --help).";

/// Options of every verb.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The configuration file [default: limbeck.toml, here or in a folder above]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The named section of the configuration to use, where it describes several databases
    #[arg(short, long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A value for a variable that `[vars]` declares (may be given again)
    #[arg(short = 'x', value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// The database's URL
    #[arg(long, global = true, value_name = "URL", display_order = 900)]
    pub(crate) url: Option<String>,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true, display_order = 901)]
    pub(crate) quiet: bool,
    /// Show errors in full detail, as a bug report needs them
    #[arg(long)]
    pub(crate) raiseerr: bool,
}

/// Runs what was asked for; the result is the process's exit code.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let raise = cli.globals.raiseerr;
    let signals = Signals::listen();
    if !matches!(cli.command, Command::Start(_)) {
        logging::notices();
    }
    let app = App::new(cli.globals, signals.clone());
    let outcome = cli.command.run(&app).await;
    app.close().await;
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    if let Some(error) = failure.error() {
        render::error(error);
        if raise {
            crate::output::progress(&format!("{error:#?}"));
        }
    }
    ExitCode::from(signals.exit_code().unwrap_or_else(|| failure.code()))
}

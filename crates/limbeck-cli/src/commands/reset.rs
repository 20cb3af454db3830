use clap::Args;
use limbeck::config::Environment;
use limbeck::connect::Connection;
use limbeck::{Contents, Control, Event, Migrator, Report};
use limbeck_core::{Code, Problem};
use serde_json::json;

use super::consent::{self, Consent};
use crate::app::{App, Connected};
use crate::database::Database;
use crate::exit::Failure;
use crate::output;
use crate::reporter::Reporter;

/// Destroy everything in a development database, and apply the revisions again
///
/// All tables, views, types and functions go, in one transaction, with the version table and the journal.
/// Roles and settings stay, and so do extensions and schemas that no revision creates (schemas are emptied).
/// It lists what goes, and asks on a terminal; elsewhere it wants --yes. It refuses where the configuration
/// says `environment = "production"`, and where other programs keep their migrations in the same database.
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Where to go afterwards
    #[arg(value_name = "REVISION", default_value = "head")]
    target: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Another program's version table that may go too (may be given again)
    #[arg(long, value_name = "TABLE")]
    also: Vec<String>,
    /// List what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Seconds to wait for another migration of the same database to end
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    lock_wait: u64,
}

impl Reset {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        if app.config()?.environment == Environment::Production {
            return Err(Problem::new(Code::DataLoss, "this is production, where nothing is reset")
                .note("nothing was changed; `environment` in limbeck.toml says so")
                .help("to undo revisions there, one after another: limbeck downgrade")
                .into());
        }
        let adjust = |options: &mut limbeck::Options| {
            options.lock_wait = std::time::Duration::from_secs(self.lock_wait);
        };
        let (migrator, Connected { mut connection, .. }) = app.connected(adjust).await?;
        let contents = migrator.contents(&mut connection).await?;
        let name = app.database().await?.masked_url();
        if self.dry_run {
            show(&contents, &name, output::line);
            Database::disconnect(connection).await;
            return Ok(contents.check(&self.also)?);
        }
        contents.check(&self.also)?;
        self.consent(app, &contents, &name).await?;
        let report = self.carry_out(app, &migrator, connection).await?;
        if self.json {
            let steps: Vec<&str> = report.steps.iter().map(|(id, _)| id.as_str()).collect();
            output::json(&json!({ "destroyed": view(&contents), "applied": steps, "rows": report.rows }));
        }
        Ok(())
    }

    /// Lists what goes; asks, or wants to be told beforehand.
    async fn consent(&self, app: &App, contents: &Contents, name: &str) -> Result<(), Failure> {
        if contents.is_empty() {
            return Ok(());
        }
        show(contents, name, output::progress);
        if Consent::given_by(self.yes) == Consent::Given {
            return Ok(());
        }
        if !consent::somebody_answers() {
            return Err(Problem::new(Code::DataLoss, "a reset destroys all of this")
                .note("nothing was changed")
                .help("if it may go: limbeck reset --yes")
                .into());
        }
        consent::ask(app, "Destroy all of this?", "reset").await
    }

    async fn carry_out(
        &self,
        app: &App,
        migrator: &Migrator,
        mut connection: Connection,
    ) -> Result<Report, Failure> {
        let mut reporter = Reporter::new(app.verbosity());
        let mut emit = |event: Event<'_>| reporter.event(&event);
        let mut control = Control { cancel: app.cancel(), emit: &mut emit };
        let reset = limbeck::Reset { target: &self.target, also: &self.also };
        let spec = app.database().await?.spec();
        let outcome = migrator.reset(&mut connection, Some(spec), &reset, &mut control).await;
        reporter.finish();
        Database::disconnect(connection).await;
        Ok(outcome?)
    }
}

fn show(contents: &Contents, name: &str, line: impl Fn(&str)) {
    line(&format!("A reset destroys everything in {name}:"));
    for (table, amount) in &contents.tables {
        line(&format!("  {table}: {amount}"));
    }
    match contents.others {
        0 => {}
        1 => line("  and 1 other object"),
        others => line(&format!("  and {others} other objects (views, types, functions, ...)")),
    }
}

fn view(contents: &Contents) -> serde_json::Value {
    let rows = |amount: limbeck::Amount| match amount {
        limbeck::Amount::Exactly(rows) | limbeck::Amount::About(rows) => Some(rows),
        limbeck::Amount::Unknown => None,
    };
    let tables: Vec<_> =
        contents.tables.iter().map(|(name, amount)| json!({ "name": name, "rows": rows(*amount) })).collect();
    json!({ "tables": tables, "other_objects": contents.others })
}

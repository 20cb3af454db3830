use std::time::Duration;

use clap::Args;
use limbeck::connect::Connection;
use limbeck::{Control, Event, Migrator, Options, Pace, Report, Switch as Plan, TransactionMode, Undone};
use limbeck_core::{Code, Problem};
use serde_json::json;

use super::consent::{self, Consent};
use super::migrate::ReportView;
use super::upgrade::mode;
use crate::app::{App, Connected};
use crate::database::Database;
use crate::exit::Failure;
use crate::output;
use crate::reporter::{Reporter, Verbosity};

/// Undo what another branch or release did, and go to this checkout's heads
///
/// First undoes what has no file here, with the downgrade that the journal has kept of it; then applies what is
/// pending, up to all heads. It shows what it will do and what data that destroys, and asks before it undoes
/// anything; where nobody can be asked, it needs --yes. Variables in a kept downgrade are names: they get today's values.
#[derive(Debug, Args)]
pub(crate) struct Switch {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Destroy data in production
    #[arg(long)]
    allow_data_loss: bool,
    /// Show what would be undone and applied; change nothing
    #[arg(long)]
    dry_run: bool,
    /// One transaction for all of it: all or nothing
    #[arg(long)]
    single_transaction: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    /// Seconds to wait for another migration of the same database to end
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    lock_wait: u64,
}

impl Switch {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let (migrator, connected) = app.connected(|options| self.adjust(app, options)).await?;
        let Connected { mut connection, .. } = connected;
        let done = self.on(app, &migrator, &mut connection).await;
        Database::disconnect(connection).await;
        done
    }

    fn adjust(&self, app: &App, options: &mut Options) {
        options.mode = mode(self.single_transaction);
        options.lock_wait = Duration::from_secs(self.lock_wait);
        let per_revision = options.mode == TransactionMode::PerRevision;
        if output::is_watched() && app.verbosity() == Verbosity::Normal && per_revision {
            options.pace = Pace::Statement;
        }
    }

    async fn on(&self, app: &App, migrator: &Migrator, connection: &mut Connection) -> Result<(), Failure> {
        let plan = tokio::select! {
            plan = migrator.preview_switch(connection) => plan?,
            () = app.cancelled() => return Err(crate::app::cancelled().into()),
        };
        if self.dry_run {
            self.show(migrator, &plan);
            return Ok(());
        }
        if !plan.undone().is_empty() {
            if !self.yes || app.verbosity() == Verbosity::Normal {
                lines(migrator, &plan).iter().for_each(|line| output::progress(line));
            }
            self.consent(app, &plan).await?;
        }
        let report = carry_out(app, migrator, connection, &plan).await?;
        if report.steps.is_empty() && app.verbosity() == Verbosity::Normal {
            output::progress("Nothing to do: the database is at this checkout's heads.");
        }
        if self.json {
            output::json(&ReportView::from(&report));
        }
        Ok(())
    }

    async fn consent(&self, app: &App, plan: &Plan) -> Result<(), Failure> {
        consent::require_in_production(app, plan.losses(), Consent::given_by(self.allow_data_loss), "switch")?;
        if self.yes {
            return Ok(());
        }
        let what = counted(plan.undone().len());
        if !consent::somebody_answers() {
            let message = format!("this would undo {what}, and nobody is there to be asked");
            return Err(Problem::new(Code::NotConfirmed, message)
                .note("nothing was changed")
                .help("`limbeck switch --yes` does it without asking")
                .into());
        }
        consent::ask(app, &format!("Undo {what}?"), "switch").await
    }

    fn show(&self, migrator: &Migrator, plan: &Plan) {
        if self.json {
            let applied: Vec<&str> = plan.applied().map(AsRef::as_ref).collect();
            let rows: Vec<&str> = plan.plan().after.iter().map(AsRef::as_ref).collect();
            let undone: Vec<_> = plan.undone().iter().map(view).collect();
            let losses = consent::view(plan.losses());
            output::json(&json!({ "undone": undone, "losses": losses, "applied": applied, "rows": rows }));
            return;
        }
        lines(migrator, plan).iter().for_each(|line| output::line(line));
        if plan.plan().is_empty() {
            output::progress("Nothing to do.");
        }
    }
}

async fn carry_out(
    app: &App,
    migrator: &Migrator,
    connection: &mut Connection,
    plan: &Plan,
) -> Result<Report, Failure> {
    let database = app.database().await?;
    let mut reporter = Reporter::new(app.verbosity());
    let mut emit = |event: Event<'_>| reporter.event(&event);
    let mut control = Control { cancel: app.cancel(), emit: &mut emit };
    let outcome = migrator.switch(connection, Some(database.spec()), plan, &mut control).await;
    reporter.finish();
    Ok(outcome?)
}

/// What will be done: each revision that goes with who applied it, then those that come.
fn lines(migrator: &Migrator, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if !plan.undone().is_empty() {
        lines.push("To be undone, with the downgrade that the journal has kept (no file here has it):".to_owned());
    }
    for Undone { revision, message, applied_at, database_user, client, .. } in plan.undone() {
        lines.push(format!("  {revision}, {}", message.lines().next().unwrap_or_default()));
        lines.push(format!("      {applied_at} UTC by {database_user}, {client}"));
    }
    let losses = plan.losses();
    if !losses.is_empty() {
        lines.push(format!("This {} data:", consent::verb(losses)));
        lines.extend(losses.lines().map(|line| format!("  {line}")));
    }
    let mut applied = plan.applied().peekable();
    if applied.peek().is_some() {
        lines.push(if plan.undone().is_empty() { "To be applied:" } else { "Then to be applied:" }.to_owned());
    }
    for id in applied {
        let revision = migrator.project().revision(id.as_str());
        lines.push(format!("  {id}, {}", revision.map_or("", |revision| revision.header().summary())));
    }
    lines
}

fn view(undone: &Undone) -> serde_json::Value {
    json!({
        "revision": undone.revision.as_str(),
        "message": undone.message,
        "applied_at": format!("{}Z", undone.applied_at.replacen(' ', "T", 1)),
        "database_user": undone.database_user,
        "client": undone.client,
        "downgrade": undone.downgrade,
    })
}

fn counted(number: usize) -> String {
    if number == 1 { "1 revision".to_owned() } else { format!("{number} revisions") }
}

//! What `upgrade`, `downgrade` and `stamp` share: run, print SQL, or print the plan.

use clap::Args;
use limbeck::connect::Connection;
use limbeck::{Control, Event, Job, Losses, Migrator, Options, Pace, Preview, Report, TransactionMode};
use limbeck_core::graph::Target;
use limbeck_core::plan::{Plan, Step};
use serde::Serialize;

use super::consent::{self, Consent};
use crate::app::{App, Connected, cancelled};
use crate::database::Database;
use crate::exit::Failure;
use crate::output;
use crate::reporter::{self, Reporter, Verbosity};

/// How a migration is carried out or only shown.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// Print SQL instead of running it; the database is not read
    #[arg(long, conflicts_with_all = ["dry_run", "json"])]
    pub(crate) sql: bool,
    /// Read the database and print the plan; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepted for Alembic's sake; it has no effect
    #[arg(long, value_name = "TAG", hide_short_help = true)]
    pub(crate) tag: Option<String>,
    /// Seconds to wait for another migration of the same database to end
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) lock_wait: u64,
    #[arg(skip)]
    pub(super) consent: Consent,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Revisions ran on the database.
    Changed,
    /// None did: nothing was pending, or the run was only shown.
    Unchanged,
}

/// Does the job in the way that was asked for.
pub(super) async fn run(
    app: &App,
    how: &How,
    mode: TransactionMode,
    job: Job<'_>,
) -> Result<Outcome, Failure> {
    let adjust = |options: &mut Options| {
        options.mode = mode;
        options.lock_wait = std::time::Duration::from_secs(how.lock_wait);
        if output::is_watched()
            && app.verbosity() == Verbosity::Normal
            && mode == TransactionMode::PerRevision
        {
            options.pace = Pace::Statement;
        }
    };
    if how.sql {
        output::text(&app.migrator(adjust)?.to_sql(job)?);
        return Ok(Outcome::Unchanged);
    }
    let (migrator, mut connected) = app.connected(adjust).await?;
    let losses = tokio::select! {
        losses = migrator.losses(&mut connected.connection, job) => losses?,
        () = app.cancelled() => return Err(cancelled().into()),
    };
    if how.dry_run {
        preview(how, &migrator, connected.connection, job, &losses).await?;
        return Ok(Outcome::Unchanged);
    }
    consent::obtain(app, &losses, how.consent, "downgrade").await?;
    let report = execute(app, &migrator, connected, job).await?;
    if app.verbosity() == Verbosity::Normal
        && let Some(id) = passed(&migrator, &report, job)
    {
        let at = report.rows.join(", ");
        output::progress(&format!(
            "{id} is applied already, and the database is at {at}: nothing to do. To go back: limbeck downgrade {id}"
        ));
    }
    if how.json {
        output::json(&ReportView { losses: views(job, &losses), ..ReportView::from(&report) });
    }
    Ok(if report.steps.is_empty() { Outcome::Unchanged } else { Outcome::Changed })
}

/// The target of an upgrade that did nothing, where it is not what the database is at: most likely a
/// downgrade was meant.
fn passed<'m>(migrator: &'m Migrator, report: &Report, job: Job<'_>) -> Option<&'m str> {
    let Job::Upgrade(target) = job else { return None };
    if !report.steps.is_empty() || !report.ahead.is_empty() {
        return None;
    }
    let target = Target::parse(target).ok().filter(|target| !target.needs_database())?;
    let nodes = migrator.graph().revisions(&target, None).ok()?;
    let [node] = nodes[..] else { return None };
    let id = node.id().as_str();
    (!node.is_head() && !report.rows.iter().any(|row| row == id)).then_some(id)
}

async fn execute(
    app: &App,
    migrator: &Migrator,
    connected: Connected,
    job: Job<'_>,
) -> Result<Report, Failure> {
    let Connected { mut connection, look } = connected;
    let database = app.database().await?;
    let mut reporter = Reporter::new(app.verbosity());
    let mut emit = |event: Event<'_>| reporter.event(&event);
    let mut control = Control { cancel: app.cancel(), emit: &mut emit };
    let outcome = migrator.run_after(look, &mut connection, Some(database.spec()), job, &mut control).await;
    reporter.finish();
    Database::disconnect(connection).await;
    Ok(outcome?)
}

async fn preview(
    how: &How,
    migrator: &Migrator,
    mut connection: Connection,
    job: Job<'_>,
    losses: &Losses,
) -> Result<(), Failure> {
    match migrator.preview(&mut connection, job).await? {
        Preview::Plan(plan) if how.json => {
            output::json(&PlanView { losses: views(job, losses), ..PlanView::from(&plan) });
        }
        Preview::Plan(plan) => {
            for step in &plan.steps {
                let revision = migrator.project().revision(step.revision.as_str());
                let message = revision.map_or("", |revision| revision.header().summary());
                output::line(&reporter::running_line(step, message).replacen("Running", "Would run", 1));
            }
            if plan.steps.is_empty() {
                output::progress("Nothing to do.");
            }
            if !losses.is_empty() {
                output::line(match losses.losses.is_empty() {
                    true => "It may destroy data:",
                    false => "It would destroy data:",
                });
                losses.lines().for_each(|line| output::line(&format!("  {line}")));
            }
        }
        Preview::Stamp(stamp) if how.json => {
            let rows: Vec<&str> = stamp.after.iter().map(AsRef::as_ref).collect();
            output::json(&serde_json::json!({ "rows": rows }));
        }
        Preview::Stamp(stamp) => {
            let rows: Vec<&str> = stamp.after.iter().map(AsRef::as_ref).collect();
            let line = if rows.is_empty() { "no row (base)".to_owned() } else { rows.join(", ") };
            output::line(&format!("The version table would hold: {line}"));
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct StepView<'a> {
    revision: &'a str,
    direction: &'static str,
}

#[derive(Serialize)]
struct PlanView<'a> {
    steps: Vec<StepView<'a>>,
    rows: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    losses: Option<serde_json::Value>,
}

#[derive(Serialize)]
pub(super) struct ReportView<'a> {
    steps: Vec<StepView<'a>>,
    rows: &'a [String],
    ahead: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    losses: Option<serde_json::Value>,
}

/// What a downgrade destroys; no other job has it.
fn views(job: Job<'_>, losses: &Losses) -> Option<serde_json::Value> {
    matches!(job, Job::Downgrade(_)).then(|| consent::view(losses))
}

impl<'a> From<&'a Plan> for PlanView<'a> {
    fn from(plan: &'a Plan) -> Self {
        let view = |step: &'a Step| StepView {
            revision: step.revision.as_str(),
            direction: step.direction.as_str(),
        };
        Self {
            steps: plan.steps.iter().map(view).collect(),
            rows: plan.after.iter().map(AsRef::as_ref).collect(),
            losses: None,
        }
    }
}

impl<'a> From<&'a Report> for ReportView<'a> {
    fn from(report: &'a Report) -> Self {
        let steps = report.steps.iter();
        Self {
            steps: steps
                .map(|(id, way)| StepView { revision: id.as_str(), direction: way.as_str() })
                .collect(),
            rows: &report.rows,
            ahead: report.ahead.iter().map(AsRef::as_ref).collect(),
            losses: None,
        }
    }
}

use clap::Args;
use limbeck::Edited;
use limbeck_core::graph::{Applied, describe};
use limbeck_core::{Code, Problem};
use serde::Serialize;
use serde_json::json;

use super::view::{EditedView, RevisionView};
use crate::app::App;
use crate::exit::Failure;
use crate::output;
use crate::reporter::shortened;
use limbeck::Running;

/// A revision that began and did not end, as JSON.
#[derive(Serialize)]
struct InterruptedView<'a> {
    revision: &'a str,
    direction: &'a str,
    segments_committed: usize,
    segments: usize,
    /// The statement outside a transaction at which it was.
    statement: Option<&'a str>,
    /// Whether `limbeck resolve` must say what became of that statement.
    needs_resolve: bool,
}

impl<'a> From<&'a Running> for InterruptedView<'a> {
    fn from(running: &'a Running) -> Self {
        Self {
            revision: &running.revision,
            direction: &running.direction,
            segments_committed: running.committed,
            segments: running.segments,
            statement: running.intent.as_deref(),
            needs_resolve: running.needs_verdict(),
        }
    }
}

/// How far a revision came, and what leads on.
fn interrupted(running: &Running) -> String {
    let Running { revision, direction, committed, segments, .. } = running;
    let far =
        format!("the {direction} of {revision} was interrupted after {committed} of {segments} segments");
    match (&running.intent, running.needs_verdict()) {
        (Some(statement), true) => format!(
            "{far}, in a statement whose outcome is unknown ({}); look whether it took effect, then \
             `limbeck resolve {revision} --done` or `--not-done`",
            shortened(statement)
        ),
        (Some(statement), false) => {
            let statement = shortened(statement);
            format!("{far}, in a statement outside a transaction ({statement}); the next {direction} goes on there")
        }
        (None, _) => format!("{far}; the next {direction} goes on there"),
    }
}

/// Show the revisions that the database is at
#[derive(Debug, Args)]
pub(crate) struct Current {
    /// Show everything about each revision, and which database it is
    #[arg(short, long)]
    verbose: bool,
    /// Fail unless the database is at all heads
    #[arg(short = 'c', long)]
    check_heads: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Current {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let (migrator, connected) = app.connected(|_| {}).await?;
        let graph = migrator.graph();
        let status = app.status_on(&migrator, connected).await?;
        let applied = Applied::new(graph, status.known_rows())?;
        let current = applied.branch_ends();
        if self.json {
            let views: Vec<_> = current.iter().map(|node| RevisionView::new(graph, node, None)).collect();
            let ids = |ids: &[limbeck_core::revision::RevisionId]| {
                ids.iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            let edited: Vec<_> = status.edited().iter().map(EditedView::from).collect();
            output::json(&json!({
                "rows": status.rows(),
                "current": views,
                "pending": ids(status.pending()),
                "ahead": ids(status.ahead()),
                "edited": edited,
                "interrupted": status.running().map(InterruptedView::from),
            }));
        } else {
            if self.verbose {
                output::line(&format!("Current revision(s) for {}:", app.database().await?.masked_url()));
            }
            let ahead = match status.known_rows().is_empty() {
                true => "not one of these revisions: the database of another project?",
                false => "ahead: applied by a newer release",
            };
            for id in status.ahead() {
                output::line(&format!("{id} ({ahead})"));
            }
            for node in current {
                output::line(&match self.verbose {
                    true => describe::verbose(graph, node, describe::Mark::Plain),
                    false => describe::current_line(node),
                });
            }
            if self.verbose {
                status.edited().iter().map(edited_line).for_each(|line| output::line(&line));
            }
            // Not on stdout: scripts read Alembic's lines there.
            if let Some(running) = status.running() {
                output::progress(&format!("warning: {}", interrupted(running)));
            }
        }
        if let (true, Some(running)) = (self.check_heads, status.running()) {
            return Err(Problem::new(Code::DatabaseState, "Database is not on all head revisions")
                .note(format!("the {} of {} was interrupted", running.direction, running.revision))
                .help(format!("limbeck {} {}", running.direction, running.revision))
                .into());
        }
        if self.check_heads && !applied.missing_heads().is_empty() {
            let missing: Vec<&str> = applied.missing_heads().iter().map(|node| node.id().as_str()).collect();
            return Err(Problem::new(Code::BadTarget, "Database is not on all head revisions")
                .note(format!("not applied: {}", missing.join(", ")))
                .help("limbeck upgrade heads")
                .into());
        }
        Ok(())
    }
}

/// That a file is no longer what was applied. An edited downgrade alone changes nothing of what is in the database.
fn edited_line(edited: &Edited) -> String {
    let Edited { revision, file, upgrade, .. } = edited;
    match upgrade {
        Some(_) => format!("{revision} (edited: {file} is not what was applied; limbeck repair {revision} accepts it)"),
        None => {
            format!("{revision} (only the downgrade was edited: {file}; what was applied is unchanged)")
        }
    }
}

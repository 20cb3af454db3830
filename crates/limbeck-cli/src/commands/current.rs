use clap::Args;
use limbeck::Edited;
use limbeck_core::graph::{Applied, describe};
use limbeck_core::{Code, Problem};
use serde_json::json;

use super::view::{EditedView, RevisionView};
use crate::app::App;
use crate::exit::Failure;
use crate::output;

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
            let running = status.running().map(|running| &running.revision);
            output::json(&json!({
                "rows": status.rows(),
                "current": views,
                "pending": ids(status.pending()),
                "ahead": ids(status.ahead()),
                "edited": edited,
                "interrupted": running,
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
            if let Some(running) = status.running() {
                output::line(&format!(
                    "{} (interrupted: {} of {}, {} of {} segments are committed)",
                    running.revision, running.direction, running.revision, running.committed, running.segments
                ));
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

use clap::Args;
use limbeck_core::graph::{Applied, HistoryRange, describe};

use super::view::RevisionView;
use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// List the revisions, newest first
///
/// The database is asked only where `current` or a relative end needs it, or for -i.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Only a range: START:END, START: or :END, both ends included; an end may be `current` or relative
    #[arg(short, long, value_name = "START:END", allow_hyphen_values = true)]
    rev_range: Option<String>,
    /// Show everything about each
    #[arg(short, long)]
    verbose: bool,
    /// Mark the revisions that are the database's current ones
    #[arg(short, long)]
    indicate_current: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl History {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let migrator = app.migrator(|_| {})?;
        let graph = migrator.graph();
        let range = self.rev_range.as_deref().map_or_else(|| Ok(HistoryRange::default()), HistoryRange::parse)?;
        let rows = if self.indicate_current || range.needs_database() {
            Some(app.status(&migrator).await?.known_rows().to_vec())
        } else {
            None
        };
        let applied = rows.as_ref().filter(|_| self.indicate_current);
        let applied = applied.map(|rows| Applied::new(graph, rows)).transpose()?;
        let revisions = range.revisions(graph, rows.as_deref())?;
        if self.json {
            let views: Vec<_> =
                revisions.iter().map(|node| RevisionView::new(graph, node, applied.as_ref())).collect();
            output::json(&views);
            return Ok(());
        }
        let mut text = String::new();
        for node in revisions {
            let mark = applied.as_ref().map_or_else(Default::default, |applied| describe::Mark::of(node, applied));
            text += &match self.verbose {
                true => describe::verbose(graph, node, mark),
                false => describe::history_line(node, mark),
            };
            text.push('\n');
        }
        output::text(&text);
        Ok(())
    }
}

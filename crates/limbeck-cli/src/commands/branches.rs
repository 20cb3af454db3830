use clap::Args;
use limbeck_core::graph::describe::{self, Detail};

use super::view::RevisionView;
use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// Show the branch points, each with the revisions that follow it
#[derive(Debug, Args)]
pub(crate) struct Branches {
    /// Show everything about each
    #[arg(short, long)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Branches {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let project = app.project()?;
        let graph = project.graph();
        if self.json {
            let views: Vec<_> = graph.branch_points().map(|node| RevisionView::new(graph, node, None)).collect();
            output::json(&views);
            return Ok(());
        }
        let detail = if self.verbose { Detail::Verbose } else { Detail::Short };
        for node in graph.branch_points() {
            output::line(&describe::branch_point(graph, node, detail));
            output::line("");
        }
        Ok(())
    }
}

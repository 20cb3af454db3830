use clap::Args;
use limbeck_core::graph::{Node, describe};

use super::view::RevisionView;
use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// Show the heads: revisions that nothing follows
#[derive(Debug, Args)]
pub(crate) struct Heads {
    /// Show everything about each
    #[arg(short, long)]
    verbose: bool,
    /// A revision that another one depends on is no head
    #[arg(long)]
    resolve_dependencies: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Heads {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let project = app.project()?;
        let graph = project.graph();
        let heads: Vec<&Node> =
            if self.resolve_dependencies { graph.real_heads().collect() } else { graph.heads().collect() };
        if self.json {
            let views: Vec<_> = heads.iter().map(|head| RevisionView::new(graph, head, None)).collect();
            output::json(&views);
            return Ok(());
        }
        for head in heads {
            output::line(&match self.verbose {
                true => describe::verbose(graph, head, describe::Mark::Plain),
                false => describe::head_line(head),
            });
        }
        Ok(())
    }
}

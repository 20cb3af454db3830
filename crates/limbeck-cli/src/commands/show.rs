use clap::Args;
use limbeck_core::graph::{Target, describe};

use super::view::RevisionView;
use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// Show everything about a revision
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A revision: an id or its beginning, a label, `head`, `heads`, `current`, a relative identifier
    #[arg(value_name = "REVISION", allow_negative_numbers = true)]
    revision: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let migrator = app.migrator(|_| {})?;
        let graph = migrator.graph();
        let nodes = app.revisions(&migrator, &Target::parse(&self.revision)?).await?;
        if self.json {
            let views: Vec<_> = nodes.iter().map(|node| RevisionView::new(graph, node, None)).collect();
            output::json(&views);
            return Ok(());
        }
        for node in nodes {
            output::line(&describe::verbose(graph, node, describe::Mark::Plain));
        }
        Ok(())
    }
}

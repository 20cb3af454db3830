use clap::Args;
use limbeck::{Job, TransactionMode};
use limbeck_core::plan::Purge;

use super::migrate::{self, How};
use crate::app::App;
use crate::exit::Failure;

/// Count revisions as applied, without running them
///
/// Changes the rows of the target's own line; other branches stay as they are. The journal notes it. A
/// revision that was interrupted counts as settled by hand: limbeck will not go on with it.
#[derive(Debug, Args)]
pub(crate) struct Stamp {
    /// What to count as applied: `head`, `heads`, `base`, ids
    #[arg(value_name = "REVISION", required = true)]
    targets: Vec<String>,
    /// Delete every row of the version table first, also those that no file knows
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    how: How,
}

impl Stamp {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let purge = if self.purge { Purge::Purge } else { Purge::Keep };
        migrate::run(app, &self.how, TransactionMode::PerRevision, Job::Stamp(&self.targets, purge)).await.map(drop)
    }
}

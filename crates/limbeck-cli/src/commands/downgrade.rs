use clap::Args;
use limbeck::Job;

use super::migrate::{self, How};
use super::upgrade::mode;
use crate::app::App;
use crate::exit::Failure;

/// Undo revisions down to a target
///
/// Targets: `-1` (one step back), a revision id or its beginning (which stays applied), `base`
/// (everything), `billing@base` (one branch only).
#[derive(Debug, Args)]
pub(crate) struct Downgrade {
    /// Where to go; with --sql a range FROM:TO
    #[arg(value_name = "REVISION", allow_negative_numbers = true)]
    target: String,
    /// One transaction for all revisions: all of them are undone, or none
    #[arg(long)]
    single_transaction: bool,
    #[command(flatten)]
    how: How,
}

impl Downgrade {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        migrate::run(app, &self.how, mode(self.single_transaction), Job::Downgrade(&self.target)).await
    }
}

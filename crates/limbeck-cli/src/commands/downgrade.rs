use clap::Args;
use limbeck::Job;

use super::consent::Consent;
use super::migrate::{self, How};
use super::upgrade::mode;
use crate::app::App;
use crate::exit::Failure;

/// Undo revisions down to a target
///
/// Targets: `-1` (one step back), a revision id or its beginning (which stays applied), `base`
/// (everything), `billing@base` (one branch only).
///
/// What would be destroyed and holds data is listed first. On a terminal you are asked; elsewhere the run goes
/// on, except with `environment = "production"`, which wants --allow-data-loss.
#[derive(Debug, Args)]
pub(crate) struct Downgrade {
    /// Where to go; with --sql a range FROM:TO
    #[arg(value_name = "REVISION", allow_negative_numbers = true)]
    target: String,
    /// One transaction for all revisions: all of them are undone, or none
    #[arg(long)]
    single_transaction: bool,
    /// Destroy data without asking
    #[arg(long)]
    allow_data_loss: bool,
    #[command(flatten)]
    how: How,
}

impl Downgrade {
    pub(crate) async fn run(mut self, app: &App) -> Result<(), Failure> {
        self.how.consent = Consent::given_by(self.allow_data_loss);
        migrate::run(app, &self.how, mode(self.single_transaction), Job::Downgrade(&self.target)).await.map(drop)
    }
}

use clap::Args;
use limbeck::{Job, TransactionMode};

use super::migrate::{self, How, Outcome};
use super::upgrade_hooks;
use crate::app::App;
use crate::exit::Failure;

/// Apply revisions up to a target
///
/// Targets: `head` or `heads`, a revision id or its beginning, `+2` (two further), `ae10+2` (two after
/// that one), `billing@head` (a branch). Each revision runs in a transaction of its own, with its row in
/// the version table; many processes may do this at once, one of them works and the others wait. On a developer's machine, programs under
/// `post_upgrade_hooks` in limbeck.toml run afterwards.
#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    /// Where to go; with --sql also a range START:END
    #[arg(value_name = "REVISION", allow_negative_numbers = true)]
    target: String,
    /// One transaction for all revisions: all of them are applied, or none
    #[arg(long)]
    single_transaction: bool,
    #[command(flatten)]
    how: How,
}

impl Upgrade {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        match migrate::run(app, &self.how, mode(self.single_transaction), Job::Upgrade(&self.target)).await? {
            Outcome::Changed => upgrade_hooks::run(app).await,
            Outcome::Unchanged => Ok(()),
        }
    }
}

pub(super) fn mode(single_transaction: bool) -> TransactionMode {
    if single_transaction { TransactionMode::Single } else { TransactionMode::PerRevision }
}

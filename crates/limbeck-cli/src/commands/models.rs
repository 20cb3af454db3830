use clap::{Args, Subcommand};
use crate::app::App;
use crate::exit::Failure;
/// Rust models: write them from a database or from the revisions
#[derive(Debug, Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Action,
}
#[derive(Debug, Subcommand)]
enum Action {}
impl Models {
    pub(crate) async fn run(self, _app: &App) -> Result<(), Failure> { match self.action {} }
}

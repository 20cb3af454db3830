use clap::Args;
use limbeck_core::graph::merge;

use super::compare::Scratch;
use super::snapshot;
use super::revision::{folder, id, labels};
use crate::app::App;
use crate::exit::Failure;
use crate::new_file::{Draft, Form};

/// Write a revision that joins several heads
#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The heads to join: `heads` for all, or at least two, as ids or as `billing@head`
    #[arg(value_name = "REVISION", required = true)]
    revisions: Vec<String>,
    /// What is merged; the file's name comes from it
    #[arg(short, long, default_value = "", hide_default_value = true)]
    message: String,
    /// A name for the branch that begins here
    #[arg(long, value_name = "LABEL")]
    branch_label: Vec<String>,
    /// The id, instead of a random one
    #[arg(long, value_name = "ID")]
    rev_id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Merge {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let config = app.config()?;
        let project = app.project()?;
        let labels = labels(&self.branch_label)?;
        let place = merge(project.graph(), &self.revisions, id(self.rev_id.as_deref())?, labels)?;
        let message = match self.message.is_empty() {
            true => format!("merge {}", self.revisions.join(" and ")),
            false => self.message,
        };
        let form = Form::of(self.json);
        Draft::new(config, &folder(config, None)?, place, &message)?.save(config, form)?;
        snapshot::after_new(app, &Scratch::default(), &project).await
    }
}

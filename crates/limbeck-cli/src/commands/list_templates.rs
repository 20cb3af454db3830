use clap::Args;

use super::init::TEMPLATES;
use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// List the templates of `init`
#[derive(Debug, Args)]
pub(crate) struct ListTemplates {}

impl ListTemplates {
    pub(crate) async fn run(self, _app: &App) -> Result<(), Failure> {
        output::line("Available templates:\n");
        for template in TEMPLATES {
            output::line(&format!("{} - {}", template.name, template.meaning));
        }
        output::line("\nTemplates are used via the 'init' command, e.g.:\n\n  limbeck init --template generic migrations");
        Ok(())
    }
}

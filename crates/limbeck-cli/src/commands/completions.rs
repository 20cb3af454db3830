use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// Print a shell's completions
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) async fn run(self, _app: &App) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "limbeck", &mut script);
        output::text(&String::from_utf8_lossy(&script));
        Ok(())
    }
}

use std::process::Command;

use clap::Args;
use limbeck_core::graph::Target;
use limbeck_core::{Code, Problem};

use super::compare::Scratch;
use super::snapshot;
use crate::app::App;
use crate::exit::Failure;

/// Open a revision's file in $VISUAL or $EDITOR
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// A revision: an id or its beginning, a label, `head`, `current`, a relative identifier
    #[arg(value_name = "REVISION", allow_negative_numbers = true)]
    revision: String,
}

impl Edit {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let migrator = app.migrator(|_| {})?;
        let nodes = app.revisions(&migrator, &Target::parse(&self.revision)?).await?;
        if nodes.is_empty() {
            return Err(Problem::new(Code::NotFound, format!("`{}` names no revision", self.revision))
                .help("`limbeck history` lists the revisions")
                .into());
        }
        let words = editor()?;
        let files = nodes.iter().map(|node| node.header().source.name());
        let status = Command::new(&words[0]).args(&words[1..]).args(files).status();
        match status {
            Ok(status) if status.success() => snapshot::afresh(app, &Scratch::default()).await,
            Ok(status) => Err(failed(&words[0], &status.to_string()).into()),
            Err(error) => Err(failed(&words[0], &error.to_string()).into()),
        }
    }
}

/// The editor's words: `$VISUAL`, else `$EDITOR`.
fn editor() -> Result<Vec<String>, Problem> {
    let named = ["VISUAL", "EDITOR"].iter().filter_map(|name| std::env::var(name).ok());
    let words = named.map(|text| shell_words::split(&text).unwrap_or_default()).find(|words| !words.is_empty());
    words.ok_or_else(|| {
        Problem::new(Code::File, "neither VISUAL nor EDITOR names an editor").help("export EDITOR=vim, for example")
    })
}

fn failed(editor: &str, why: &str) -> Problem {
    Problem::new(Code::File, format!("the editor `{editor}` failed: {why}")).help("check VISUAL and EDITOR")
}

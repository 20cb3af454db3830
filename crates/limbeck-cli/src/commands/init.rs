use std::path::{Path, PathBuf};

use clap::Args;
use limbeck_core::{Code, Problem};

use crate::app::App;
use crate::exit::Failure;
use crate::new_file;
use crate::output;
use crate::reporter::Verbosity;

/// A kind of project that `init` makes.
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    configuration: &'static str,
}

/// All templates.
pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "generic",
        meaning: "One database.",
        configuration: include_str!("../templates/generic.toml"),
    },
    Template {
        name: "multidb",
        meaning: "Several databases, each with revisions of its own.",
        configuration: include_str!("../templates/multidb.toml"),
    },
];

/// Make a project: limbeck.toml and a folder for revisions
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to make; revisions go into `versions` below it
    #[arg(value_name = "DIR", default_value = "migrations")]
    folder: PathBuf,
    /// What kind of project, see `limbeck list_templates`
    #[arg(short, long, default_value = "generic")]
    template: String,
}

impl Init {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let template = TEMPLATES.iter().find(|template| template.name == self.template);
        let template = template.ok_or_else(|| unknown(&self.template))?;
        let configuration = app.named_configuration().unwrap_or_else(|| PathBuf::from("limbeck.toml"));
        let versions = self.folder.join("versions");
        for path in [&configuration, &versions] {
            if path.exists() {
                return Err(taken(path).into());
            }
        }
        let folder = self.folder.display().to_string();
        let text = template.configuration.replace("{folder}", &folder.replace('\\', "\\\\").replace('"', "\\\""));
        make(&versions, &configuration, &text)?;
        if app.verbosity() == Verbosity::Quiet {
            return Ok(());
        }
        output::progress(&format!("Wrote {}", configuration.display()));
        output::progress(&format!("Made {}", versions.display()));
        output::progress("Next: limbeck revision -m \"first tables\"");
        Ok(())
    }
}

/// Makes folder and configuration; where one cannot be made, nothing is left of the other.
fn make(versions: &Path, configuration: &Path, text: &str) -> Result<(), Problem> {
    let made: Vec<&Path> = versions.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    let keep = versions.join(".gitkeep");
    let all = || {
        std::fs::create_dir_all(versions).map_err(|error| broken(versions, &error))?;
        std::fs::write(&keep, "").map_err(|error| broken(&keep, &error))?;
        new_file::save(configuration, text)
    };
    all().inspect_err(|_| {
        // The innermost first; what somebody else has put there meanwhile keeps its folder.
        let _ = std::fs::remove_file(&keep);
        for folder in &made {
            let _ = std::fs::remove_dir(folder);
        }
    })
}

fn unknown(name: &str) -> Problem {
    let names: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
    Problem::new(Code::NotFound, format!("there is no template `{name}`"))
        .help(format!("the templates are {}", names.join(", ")))
}

fn taken(path: &Path) -> Problem {
    Problem::new(Code::File, format!("{} is there already; nothing was changed", path.display()))
        .help("remove it first, or make the project in another folder")
}

fn broken(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::File, format!("cannot write {}: {error}", path.display()))
        .help("give this user permission to write there")
}

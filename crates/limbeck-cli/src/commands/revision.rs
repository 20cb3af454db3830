use std::path::{Path, PathBuf};

use clap::Args;
use limbeck::config::Config;
use limbeck_core::graph::{Request, Splice, new_revision};
use limbeck_core::revision::{BranchLabel, RevisionId};
use limbeck_core::{Code, Problem};

use crate::app::App;
use crate::exit::Failure;
use crate::new_file::{self, Form};

/// Write a new, empty revision file
///
/// It gets a random id and follows the head. No database is asked. Programs under `post_write_hooks` in
/// limbeck.toml run on the new file.
#[derive(Debug, Args)]
pub(crate) struct Revision {
    /// What the revision does; the file's name comes from it
    #[arg(short, long, default_value = "", hide_default_value = true)]
    message: String,
    /// Fill it with the difference between the models and the revisions (not in this version)
    #[arg(long)]
    autogenerate: bool,
    /// Accepted for Alembic's sake: a new revision never writes to a database
    #[arg(long, hide_short_help = true)]
    sql: bool,
    /// The revision that it follows; `base` begins a new root, `heads` follows all heads
    #[arg(long, default_value = "head", value_name = "REVISION")]
    head: String,
    /// Allow a parent that is not a head: begin a new branch there
    #[arg(long)]
    splice: bool,
    /// A name for the branch that begins here
    #[arg(long, value_name = "LABEL")]
    branch_label: Vec<String>,
    /// The folder for the file, one of `version_locations`
    #[arg(long, value_name = "DIR")]
    version_path: Option<PathBuf>,
    /// The id, instead of a random one
    #[arg(long, value_name = "ID")]
    rev_id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A revision that must be applied before this one (may be given again)
    #[arg(long, value_name = "REVISION")]
    depends_on: Vec<String>,
}

impl Revision {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        if self.autogenerate {
            return Err(Problem::new(Code::NotPossible, "this version of limbeck cannot autogenerate yet")
                .note("nothing was written")
                .help("leave out --autogenerate, and write the SQL into the new file by hand")
                .into());
        }
        let config = app.config()?;
        let project = app.project()?;
        let request = Request {
            id: id(self.rev_id.as_deref())?,
            head: &self.head,
            splice: if self.splice { Splice::Allow } else { Splice::Refuse },
            branch_labels: labels(&self.branch_label)?,
            depends_on: &self.depends_on,
        };
        let place = new_revision(project.graph(), &request)?;
        let folder = folder(config, self.version_path.as_deref())?;
        Ok(new_file::create(config, &folder, place, &self.message, Form::of(self.json))?)
    }
}

/// The given id, or a random one.
pub(super) fn id(given: Option<&str>) -> Result<RevisionId, Problem> {
    given.map_or_else(new_file::random_id, RevisionId::new)
}

pub(super) fn labels(given: &[String]) -> Result<Vec<BranchLabel>, Problem> {
    given.iter().map(|label| BranchLabel::new(label)).collect()
}

/// Where a new file goes: the first of the project's folders, or the one that was named.
pub(super) fn folder(config: &Config, given: Option<&Path>) -> Result<PathBuf, Problem> {
    let locations = &config.version_locations;
    let Some(given) = given else { return Ok(locations.first().cloned().unwrap_or_default()) };
    let same = |folder: &&PathBuf| match (folder.canonicalize(), given.canonicalize()) {
        (Ok(folder), Ok(given)) => folder == given,
        _ => folder.as_path() == given,
    };
    locations.iter().find(same).cloned().ok_or_else(|| {
        let names: Vec<String> = locations.iter().map(|folder| folder.display().to_string()).collect();
        Problem::new(
            Code::ConfigValue,
            format!("Path {} is not represented in current version locations", given.display()),
        )
        .note(format!("version_locations: {}", names.join(", ")))
        .help("add the folder to `version_locations` in limbeck.toml, so that later commands find the file")
    })
}

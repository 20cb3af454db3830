use std::path::{Path, PathBuf};

use clap::Args;
use limbeck::autogenerate::{Difference, Wanted, Workshop};
use limbeck::config::Config;
use limbeck_core::diff::{Rename, RenameCandidate};
use limbeck_core::graph::{Request, Splice, new_revision};
use limbeck_core::revision::{BranchLabel, RevisionId};
use limbeck_core::{Code, Problem};

use super::check::Against;
use super::compare::{self, Current, Scratch};
use super::{consent, snapshot};
use crate::app::App;
use crate::database::Database;
use crate::exit::Failure;
use crate::new_file::{self, Draft, Form};
use crate::output;

/// Write a new revision file
///
/// It gets a random id and follows the head. With --autogenerate it holds what leads from the revisions to the models and
/// schema files, and back; both ways are tried on a scratch server before the file is written. Programs under
/// `post_write_hooks` in limbeck.toml run on the new file.
#[derive(Debug, Args)]
pub(crate) struct Revision {
    /// What the revision does; the file's name comes from it
    #[arg(short, long, default_value = "", hide_default_value = true)]
    message: String,
    /// Fill it with the difference between the models and the revisions
    #[arg(long)]
    autogenerate: bool,
    /// What the models are compared with
    #[arg(long, value_name = "WHAT", default_value = "revisions", requires = "autogenerate")]
    against: Against,
    /// Plain statements, not those that are gentle to tables in use
    #[arg(long, requires = "autogenerate")]
    plain: bool,
    /// Write it without trying it on a scratch server; the file says so
    #[arg(long, requires = "autogenerate")]
    no_verify: bool,
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
    #[command(flatten)]
    scratch: Scratch,
}

impl Revision {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
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
        let draft = Draft::new(config, &folder, place, &self.message)?;
        if self.autogenerate {
            return self.autogenerate(app, draft).await;
        }
        draft.save(config, Form::of(self.json))?;
        snapshot::after_new(app, &self.scratch, &project).await
    }

    /// Works it out and proves it; only then it is written.
    async fn autogenerate(&self, app: &App, mut draft: Draft) -> Result<(), Failure> {
        let wanted = Wanted::read(app.config()?)?;
        let mut live = match self.against {
            Against::Database => Some(app.database().await?.connect("limbeck").await?),
            Against::Revisions => None,
        };
        let mut workshop = self.scratch.workshop(app, live.as_ref().and_then(compare::major))?;
        let current = Current::of(app, &mut workshop, live.as_mut()).await;
        if let Some(connection) = live {
            Database::disconnect(connection).await;
        }
        let written = match current {
            Ok(current) => self.write(app, &mut workshop, &mut draft, current, &wanted).await,
            Err(failure) => Err(failure),
        };
        let closed = compare::close(workshop).await;
        written?;
        Ok(closed?)
    }

    async fn write(
        &self,
        app: &App,
        workshop: &mut Workshop,
        draft: &mut Draft,
        current: Current,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        if self.fill(app, workshop, draft, current, wanted).await?.is_empty() {
            output::progress("No changes detected: models and revisions agree, and no file was written.");
            return Ok(());
        }
        draft.save(app.config()?, Form::of(self.json))?;
        snapshot::in_workshop(app, workshop).await
    }

    async fn fill(
        &self,
        app: &App,
        workshop: &mut Workshop,
        draft: &mut Draft,
        mut current: Current,
        wanted: &Wanted,
    ) -> Result<Difference, Failure> {
        let difference = renamed(app, current.against(app, workshop, wanted).await?).await?;
        for change in &difference.changes().changes {
            output::progress(&format!("Detected: {}", compare::line(change)));
        }
        if difference.is_empty() {
            return Ok(difference);
        }
        let mode = compare::mode(self.plain);
        draft.fill(difference.upgrade(mode), difference.downgrade(mode));
        if self.no_verify {
            draft.unproved("--no-verify was given");
        } else {
            let project = app.project()?;
            let proof = workshop.prove(&project, &draft.source(), &current.side.schema, &difference).await?;
            if let Some(revisions) = current.revisions.filter(|revisions| *revisions != current.side.schema) {
                workshop.follows(&project, &draft.source(), &revisions).await?;
            }
            draft.remark(proof.line());
        }
        Ok(difference)
    }
}

/// Asks what cannot be known: whether something that goes and something like it that comes are one thing.
async fn renamed(app: &App, difference: Difference) -> Result<Difference, Failure> {
    let candidates = difference.rename_candidates();
    if candidates.is_empty() {
        return Ok(difference);
    }
    let mut renames: Vec<Rename> = Vec::new();
    for RenameCandidate { rename, words, .. } in candidates {
        if !consent::somebody_answers() {
            output::progress(&format!(
                "note: perhaps a rename: {words}; say `renamed_from` in the model to keep the data"
            ));
        } else if consent::agreed(app, &format!("Is this a rename: {words}?")).await? {
            renames.push(rename);
        }
    }
    Ok(if renames.is_empty() { difference } else { difference.with_renames(renames) })
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

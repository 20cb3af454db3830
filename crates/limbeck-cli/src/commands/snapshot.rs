use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use limbeck::autogenerate::{Freshness, Workshop};
use limbeck::{Error, Project};
use limbeck_core::{Code, Problem};
use serde_json::{Value, json};

use super::compare::{self, Scratch};
use crate::app::App;
use crate::exit::{DIFFERENT, Failure};
use crate::reporter::Verbosity;
use crate::{logging, new_file, output};

/// Write what all revisions make into the file that `snapshot` in limbeck.toml names
///
/// It is the schema as readable SQL, and names the heads in its first line: a pull request shows what its revisions do,
/// and two branches that each add one collide in git. `revision` and `merge` rewrite it; run this after a revision was
/// edited by hand. With --check nothing is written. Exit code 0: it is up to date; 1: it is not; 2: could not tell.
#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    /// Write nothing, and say whether the file is up to date
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scratch: Scratch,
}

impl Snapshot {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let done = self.compared_or_written(app).await;
        let (path, stale) = if self.check { done.map_err(Failure::undecided) } else { done }?;
        if self.json {
            output::json(&json!({ "path": path.display().to_string(), "stale": view(stale.as_ref()) }));
        }
        match stale {
            Some(stale) => {
                if !self.json {
                    output::line(&stale.sentence);
                }
                output::progress(&format!("help: {HELP}"));
                Err(Failure::Code(DIFFERENT))
            }
            None if self.check && !self.json => {
                output::line(&format!("{} is up to date.", path.display()));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The file, and that it is stale if it is to be left as it is.
    async fn compared_or_written(&self, app: &App) -> Result<(PathBuf, Option<Stale>), Failure> {
        let Some(path) = app.config()?.snapshot.clone() else { return Err(unconfigured().into()) };
        let mut workshop = self.scratch.workshop(app, None)?;
        let outcome = match self.check {
            true => stale(app, &mut workshop).await,
            false => write(app, &mut workshop, &path).await.map(|()| None),
        };
        let closed = compare::close(workshop).await;
        let stale = outcome?;
        closed?;
        Ok((path, stale))
    }
}

/// What brings a stale file up to date.
pub(super) const HELP: &str = "rewrite it with `limbeck snapshot`, and commit it";

fn unconfigured() -> Problem {
    Problem::new(Code::ConfigMissing, "limbeck.toml names no snapshot")
        .help("add snapshot = \"migrations/schema.sql\"; limbeck then keeps the file up to date")
}

/// That the snapshot does not show what the revisions make.
pub(super) struct Stale {
    pub(super) path: PathBuf,
    pub(super) sentence: String,
}

/// For scripts: null, or why.
pub(super) fn view(stale: Option<&Stale>) -> Value {
    stale.map_or(Value::Null, |stale| Value::String(stale.sentence.clone()))
}

/// Whether the snapshot is stale, where the configuration names one.
///
/// # Errors
/// A revision fails on the scratch server; the file cannot be read.
pub(super) async fn stale(app: &App, workshop: &mut Workshop) -> Result<Option<Stale>, Failure> {
    let Some(path) = app.config()?.snapshot.clone() else { return Ok(None) };
    let text = read(&path)?;
    let freshness = workshop.verify_snapshot(&*app.project()?, &path, text.as_deref()).await?;
    let why = match freshness {
        Freshness::Fresh => return Ok(None),
        Freshness::Missing => "is not there, though limbeck.toml names it",
        Freshness::OfOtherHeads => "is stale: its first line does not name the heads that the revisions have",
        Freshness::Edited => "is stale: it does not show what the revisions make",
    };
    Ok(Some(Stale { sentence: format!("{} {why}", path.display()), path }))
}

/// Works the snapshot out and writes it.
async fn write(app: &App, workshop: &mut Workshop, path: &Path) -> Result<(), Failure> {
    let snapshot = workshop.snapshot(&*app.project()?).await?;
    snapshot.notes.iter().for_each(|note| logging::warning(note));
    save(app, path, snapshot.text())
}

fn save(app: &App, path: &Path, text: &str) -> Result<(), Failure> {
    if read(path)?.as_deref() != Some(text) {
        new_file::replace(path, text)?;
        if app.verbosity() == Verbosity::Normal {
            output::progress(&format!("Writing {} ...  done", path.display()));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<String>, Problem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problem::new(Code::File, format!("cannot read {}: {error}", path.display()))
            .help("correct `snapshot` in limbeck.toml, or give this user permission to read the file")),
    }
}

/// Brings the snapshot up to date after a revision file was written, where the configuration names one. `before` is the
/// project without it. A new revision that holds nothing yet only changes the first line, and no server is asked.
///
/// # Errors
/// It cannot be worked out; the revision stays, and the problem says so.
pub(super) async fn after_new(app: &App, scratch: &Scratch, before: &Project) -> Result<(), Failure> {
    let Some(path) = app.config()?.snapshot.clone() else { return Ok(()) };
    let after = app.project()?;
    if let Some(text) = read(&path)?.and_then(|text| limbeck::autogenerate::Snapshot::renamed(&text, before, &after)) {
        return save(app, &path, &text);
    }
    afresh(app, scratch).await
}

/// Brings the snapshot up to date, where the configuration names one, on a scratch server.
///
/// # Errors
/// As [`after_new`].
pub(super) async fn afresh(app: &App, scratch: &Scratch) -> Result<(), Failure> {
    if app.config()?.snapshot.is_none() {
        return Ok(());
    }
    let mut workshop = scratch.workshop(app, None)?;
    let written = in_workshop(app, &mut workshop).await;
    let closed = compare::close(workshop).await;
    written?;
    Ok(closed?)
}

/// The same in a workshop that is there already.
///
/// # Errors
/// As [`after_new`].
pub(super) async fn in_workshop(app: &App, workshop: &mut Workshop) -> Result<(), Failure> {
    let Some(path) = app.config()?.snapshot.clone() else { return Ok(()) };
    write(app, workshop, &path).await.map_err(|failure| unwritten(failure, &path))
}

/// The file of the revision is there all the same.
fn unwritten(failure: Failure, path: &Path) -> Failure {
    let Some(error) = failure.error() else { return failure };
    let said = |problem: &Problem| {
        problem.clone().note(format!(
            "the revision is written; {} is not, and shows what the revisions made before: correct the revision, then \
             run `limbeck snapshot`",
            path.display()
        ))
    };
    Error::from(error.problems().iter().map(said).collect::<Vec<_>>()).into()
}

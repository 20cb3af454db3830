//! Revisions, run on an empty database for their structure.

use limbeck_core::Problem;
use limbeck_core::revision::Revision;
use limbeck_core::sql::UnitKind;

use crate::connect;
use crate::error::Error;
use crate::event::Event;
use crate::execute::cancel::Cancel;
use crate::migrator::{Control, Job, Migrator, Options};
use crate::project::Project;
use crate::scratch::{MissingRoles, Scratch, make_role, role_in};

/// Upgrades a scratch database. A role that a revision names and nobody makes is made, where the server goes as a whole.
///
/// # Errors
/// A statement that fails on an empty database.
pub(super) async fn run(
    scratch: &Scratch,
    database: &str,
    project: &Project,
    targets: &[String],
    options: Options,
) -> Result<(), Error> {
    if project.graph().is_empty() {
        return Ok(());
    }
    let migrator = Migrator::new(project.copy()?).with_options(options).structure_only();
    for target in targets {
        job(scratch, database, &migrator, Job::Upgrade(target)).await?;
    }
    Ok(())
}

/// Says where it happened: what is "kept" there is gone in a moment.
pub(super) fn explained(error: Error) -> Error {
    let explained = |problem: &Problem| {
        let problem = problem.clone();
        problem
            .note("this was on a scratch database, on which the revisions were tried from the first one on")
    };
    error.problems().iter().map(explained).collect::<Vec<_>>().into()
}

/// Does a job on a scratch database, with the roles that it needs.
///
/// # Errors
/// As the job.
pub(super) async fn job(
    scratch: &Scratch,
    database: &str,
    migrator: &Migrator,
    job: Job<'_>,
) -> Result<(), Error> {
    let mut made = Vec::new();
    loop {
        let mut connection = scratch.connect(database).await?;
        let mut quiet = |_: Event<'_>| {};
        let mut control = Control { cancel: Cancel::default(), emit: &mut quiet };
        let outcome = migrator.run_on(&mut connection, None, job, &mut control).await;
        let missing = match &outcome {
            Err(error) if scratch.missing_roles() == MissingRoles::Made => {
                error.problems().first().and_then(|it| role_in(it.message()))
            }
            _ => None,
        };
        let again = match missing {
            // A role that is still missing after it was made is not what is wrong.
            Some(role) if !made.contains(&role) => {
                let role_made = make_role(&mut connection, &role).await;
                made.push(role);
                role_made.map(|()| true)
            }
            _ => Ok(false),
        };
        connect::close(connection).await;
        if !again? {
            return outcome.map(|_| ());
        }
    }
}

/// What a replay leaves out, in sentences.
pub(super) fn left_out(project: &Project) -> Vec<String> {
    let left_out = |revision: &Revision| {
        let script = revision.upgrade_script().ok()?;
        let has = |wanted: fn(UnitKind) -> bool| script.units.iter().any(|unit| wanted(unit.kind));
        let what = match (has(is_rust), has(is_batch)) {
            (true, true) => "its step in Rust and its batches",
            (true, false) => "its step in Rust",
            (false, true) => "its batches",
            (false, false) => return None,
        };
        let id = revision.header().id.value.as_str();
        Some(format!("{id} was replayed without {what}: what they do to the structure is not seen"))
    };
    project.revisions().filter_map(left_out).collect()
}

fn is_rust(kind: UnitKind) -> bool {
    matches!(kind, UnitKind::Rust)
}

fn is_batch(kind: UnitKind) -> bool {
    matches!(kind, UnitKind::Batches(_))
}

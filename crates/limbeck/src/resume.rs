//! A revision that an earlier run began and did not end comes first, and goes on where it stopped.

use std::collections::HashSet;

use limbeck_core::graph::{Applied, Graph};
use limbeck_core::plan::{self, Direction, Plan};
use limbeck_core::revision::RevisionId;
use limbeck_core::{Code, Problem};

use crate::execute::parts::Prepared;
use crate::migrator::Way;
use crate::state::journal::Running;

/// Whether the version rows, which are the truth, contradict an unfinished entry: another tool has finished
/// the revision, or has left the place where it began.
///
/// # Errors
/// A row that the graph does not know.
pub(crate) fn is_void(graph: &Graph, known: &[String], running: &Running) -> Result<bool, Problem> {
    let is_row = known.contains(&running.revision);
    if running.direction == Direction::Downgrade.as_str() {
        return Ok(!is_row);
    }
    let Some(node) = graph.get(&running.revision) else { return Ok(is_row) };
    let applied: HashSet<RevisionId> =
        Applied::new(graph, known)?.iter().map(|node| node.id().clone()).collect();
    let mut below = graph.parents(node).chain(graph.dependencies(node));
    Ok(applied.contains(node.id()) || below.any(|other| !applied.contains(other.id())))
}

/// The steps of a job. One that leads down from an unfinished upgrade completes that first; one that leads up
/// from an unfinished downgrade is refused, since to complete that may destroy what the upgrade is to keep.
///
/// # Errors
/// The target cannot be reached, or something else is unfinished.
pub(crate) fn plan(
    graph: &Graph,
    rows: &[String],
    running: Option<&Running>,
    way: Way<'_>,
) -> Result<Plan, Problem> {
    match way {
        Way::Up(target) => first(graph, plan::upgrade(graph, rows, target)?, running),
        Way::Down(target) => {
            let is_upgrade = |running: &&Running| running.direction == Direction::Upgrade.as_str();
            let Some(upgrade) = running.filter(is_upgrade).filter(|r| graph.get(&r.revision).is_some())
            else {
                return first(graph, plan::downgrade(graph, rows, target)?, running);
            };
            let completed = first(graph, plan::upgrade(graph, rows, &upgrade.revision)?, running)?;
            let rows: Vec<String> = completed.after.iter().map(ToString::to_string).collect();
            let down = plan::downgrade(graph, &rows, target)?;
            Ok(Plan {
                steps: completed.steps.into_iter().chain(down.steps).collect(),
                before: completed.before,
                ..down
            })
        }
    }
}

/// Checks that a plan can go on with what is unfinished. What a newer release left unfinished stands in the
/// way of a plan with steps only.
///
/// # Errors
/// The plan does not begin with the unfinished revision.
pub(crate) fn first(graph: &Graph, plan: Plan, running: Option<&Running>) -> Result<Plan, Problem> {
    let is_ours = |running: &&Running| graph.get(&running.revision).is_some();
    let Some(running) = running.filter(|running| !plan.is_empty() || is_ours(running)) else {
        return Ok(plan);
    };
    let begins = plan.steps.first().is_some_and(|step| {
        step.revision.as_str() == running.revision && step.direction.as_str() == running.direction
    });
    if begins { Ok(plan) } else { Err(unfinished(graph, running)) }
}

/// The unfinished run of the first step, if there is one and it can go on.
///
/// # Errors
/// A file that is no longer what began.
pub(crate) fn check<'r>(
    running: Option<&'r Running>,
    steps: &[Prepared<'_>],
) -> Result<Option<&'r Running>, Problem> {
    let (Some(running), Some(step)) = (running, steps.first()) else { return Ok(None) };
    // What is not committed yet may have been corrected; what is committed is in the database.
    let begun = step.script.checksum_of_first(running.committed).map(|sum| sum.to_string());
    if begun != running.committed_checksum {
        return Err(edited(running, step));
    }
    Ok(Some(running))
}

/// Nobody but an operator can tell what became of the statement.
pub(crate) fn unknown(running: &Running) -> Problem {
    let id = &running.revision;
    let statement = running.intent.as_deref().unwrap_or_default();
    Problem::new(
        Code::OutcomeUnknown,
        format!("revision {id} was interrupted in a statement outside a transaction, and its outcome is unknown"),
    )
    .note(format!("the statement: {statement}"))
    .help(format!(
        "look in the database whether it took effect; then `limbeck resolve {id} --done`, and the next run goes on \
         after it, or `limbeck resolve {id} --not-done`, and it runs again"
    ))
}

/// The interrupted statement turned out to be done, and the file says another one by now.
pub(crate) fn edited_after(running: &Running, step: &Prepared<'_>) -> Problem {
    let id = &running.revision;
    let statement = running.intent.as_deref().unwrap_or_default();
    Problem::new(
        Code::NotPossible,
        format!("revision {id} was interrupted in a statement that took effect, and that has been edited since"),
    )
    .note(format!("the statement: {statement}"))
    .note(format!("file: {}", step.revision.source().name()))
    .help(format!(
        "put the statement back as it was, and run the command again; or undo by hand what it did, and `limbeck \
         resolve {id} --not-done`"
    ))
}

/// What leads out of the middle of a statement failed itself.
pub(crate) fn not_mended(problem: Problem, statements: &[String]) -> Problem {
    problem
        .prefixed("mending the interrupted statement failed: ")
        .note(format!("what was to mend it: {}", statements.join("; ")))
}

fn edited(running: &Running, step: &Prepared<'_>) -> Problem {
    let Running { revision, direction, committed, segments, .. } = running;
    Problem::new(
        Code::NotPossible,
        format!("revision {revision} was interrupted after {committed} of {segments} segments, and these have been edited since"),
    )
    .note(format!("file: {}", step.revision.source().name()))
    .help(format!(
        "put the file back as it was up to there (what comes after may be corrected); or finish the rest of \
         the {direction} of {revision} by hand and `limbeck stamp` the result"
    ))
}

/// A revision was left unfinished that has no file here: a newer release's, or one whose file is gone.
pub(crate) fn without_file(running: &Running) -> Problem {
    let Running { revision, direction, committed, segments, .. } = running;
    Problem::new(
        Code::DatabaseState,
        format!("the {direction} of revision {revision} was interrupted after {committed} of {segments} segments, and its file is not here"),
    )
    .help("complete it with the release that holds the file")
}

/// `stamp` gives up what was unfinished.
pub(crate) fn given_up(running: &Running) -> Problem {
    let Running { revision, direction, committed, segments, .. } = running;
    Problem::new(
        Code::DatabaseState,
        format!("the {direction} of revision {revision} was interrupted, and limbeck no longer continues it: {committed} of its {segments} segments are in the database, the rest is not"),
    )
    .help("finish or undo it by hand, and look for invalid indexes")
}

fn unfinished(graph: &Graph, running: &Running) -> Problem {
    let Running { revision, direction, committed, segments, .. } = running;
    Problem::new(
        Code::DatabaseState,
        format!(
            "the {direction} of revision {revision} was interrupted after {committed} of {segments} segments"
        ),
    )
    .help(match direction.as_str() {
        "upgrade" => format!(
            "complete it first: `limbeck upgrade {revision}`; or undo by hand what it committed, and `limbeck \
             stamp` the revision before it"
        ),
        _ => format!("complete it first: `limbeck downgrade {}`", below(graph, revision)),
    })
}

/// The target that undoes a revision and no more.
fn below(graph: &Graph, revision: &str) -> String {
    let parents: Vec<_> = graph.get(revision).into_iter().flat_map(|node| graph.parents(node)).collect();
    match parents[..] {
        [] => "base".to_owned(),
        [parent] => parent.id().to_string(),
        _ => format!("{revision}-1"),
    }
}

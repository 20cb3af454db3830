//! What is made ready, and checked, before the first statement is sent.

use limbeck_core::plan::{Direction, Plan, RowChange, Step};
use limbeck_core::revision::RevisionId;
use limbeck_core::sql::Values;
use limbeck_core::{Code, Problem};

use super::parts::{self, Prepared, TransactionMode};
use crate::error::Error;
use crate::project::Project;

/// What stands ready before the first statement is sent.
pub(crate) fn prepare<'a>(
    project: &'a Project,
    plan: &'a Plan,
    values: &Values,
    mode: TransactionMode,
) -> Result<Vec<Prepared<'a>>, Error> {
    let mut problems = Vec::new();
    let mut prepared = Vec::with_capacity(plan.steps.len());
    let mut rows = plan.before.clone();
    for step in &plan.steps {
        let before = std::mem::take(&mut rows);
        rows = after(&before, &step.rows);
        let prepared_step = prepare_step(project, step, [before, rows.clone()], values)
            .and_then(|step| parts::check_mode(&step, mode).map(|()| step));
        match prepared_step {
            Ok(step) => prepared.push(step),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(prepared) } else { Err(problems.into()) }
}

fn prepare_step<'a>(
    project: &'a Project,
    step: &'a Step,
    [before, rows]: [Vec<RevisionId>; 2],
    values: &Values,
) -> Result<Prepared<'a>, Problem> {
    let id = step.revision.as_str();
    let missing = || Problem::new(Code::Internal, format!("the plan names {id}, which is in no file"));
    let revision = project.revision(id).ok_or_else(missing)?;
    let script = match step.direction {
        Direction::Upgrade => revision.upgrade_script()?,
        Direction::Downgrade => revision.downgrade_script()?,
    };
    script.check(values)?;
    let node = project.graph().get(id).ok_or_else(missing)?;
    let depends_on = project.graph().dependencies(node).map(|node| node.id().clone()).collect();
    Ok(Prepared { step, revision, script, depends_on, before, rows })
}

/// The rows after a change.
pub(crate) fn after(rows: &[RevisionId], change: &RowChange) -> Vec<RevisionId> {
    let gone = |id: &RevisionId| {
        change.delete.contains(id) || change.update.as_ref().is_some_and(|(from, _)| from == id)
    };
    let mut rows: Vec<RevisionId> = rows.iter().filter(|id| !gone(id)).cloned().collect();
    rows.extend(change.update.iter().map(|(_, to)| to.clone()));
    rows.extend(change.insert.iter().cloned());
    rows.sort();
    rows
}

//! Planning towards the heads.

use super::{Direction, Plan, rows};
use crate::graph::{Applied, Edges, Graph, Node, Resolver, Target, Wording};
use crate::problem::Problem;

/// The revisions that a database with these rows has.
///
/// # Errors
/// [`crate::Code::UnknownRow`].
pub fn applied<'g>(graph: &'g Graph, rows: &[String]) -> Result<Applied<'g>, Problem> {
    Applied::new(graph, rows)
}

/// The revisions that a database with these rows lacks, oldest first.
///
/// # Errors
/// [`crate::Code::UnknownRow`].
pub fn pending<'g>(graph: &'g Graph, rows: &[String]) -> Result<Vec<&'g Node>, Problem> {
    Ok(Applied::new(graph, rows)?.pending().collect())
}

/// The steps from these rows to a target, with everything that the target needs. A target that is
/// applied already gives a plan without steps.
///
/// # Errors
/// [`crate::Code::UnknownRow`], and what resolving the target gives.
pub fn upgrade(graph: &Graph, rows: &[String], target: &str) -> Result<Plan, Problem> {
    from(&Applied::new(graph, rows)?, target)
}

/// The plan from a known state.
pub(super) fn from(applied: &Applied<'_>, typed: &str) -> Result<Plan, Problem> {
    let graph = applied.graph();
    let resolver = Resolver { graph, applied: Some(applied), wording: Wording::Target, typed };
    let targets = resolver.ceiling(&Target::parse(typed)?)?;
    let needed = graph.ancestors(targets.iter().copied(), Edges::All).difference(applied.set());
    Ok(rows::plan(applied, needed.iter(), Direction::Upgrade, &targets))
}

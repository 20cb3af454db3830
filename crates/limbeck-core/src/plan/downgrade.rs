//! Planning towards base.

use super::{Direction, Plan, rows};
use crate::graph::{Anchor, Applied, Edges, Floor, Graph, Node, NodeSet, Resolver, Target, Wording};
use crate::problem::{Code, Problem};
use crate::revision::RevisionId;

/// The steps from these rows down to a target: what descends from the target goes, with everything that
/// depends on it. The target itself stays.
///
/// `-N` counts from the first of several rows, as in Alembic; the plan then has a warning, since which
/// row is first is an accident of the table.
///
/// # Errors
/// [`Code::BadTarget`] where the target is not applied, [`Code::UnknownRow`], and what resolving the
/// target gives.
pub fn downgrade(graph: &Graph, rows: &[String], target: &str) -> Result<Plan, Problem> {
    from(&Applied::new(graph, rows)?, target)
}

/// The steps that undo exactly these revisions, in this order.
///
/// # Errors
/// [`Code::BadTarget`] where one of them is not applied, or something that is applied by then stands on it;
/// [`Code::UnknownRow`].
pub fn undo(graph: &Graph, rows: &[String], revisions: &[RevisionId]) -> Result<Plan, Problem> {
    let applied = Applied::new(graph, rows)?;
    let mut left = applied.set().clone();
    let mut order = Vec::with_capacity(revisions.len());
    for id in revisions {
        let node = graph.get(id.as_str()).filter(|node| left.contains(node.index()));
        let node = node.ok_or_else(|| {
            Problem::new(Code::BadTarget, format!("{id} cannot be undone: it is not applied"))
                .help("`limbeck current` says what is")
        })?;
        if let Some(above) = node.above(Edges::All).find(|above| left.contains(*above)) {
            let above = graph.id(above);
            return Err(Problem::new(
                Code::BadTarget,
                format!("{id} cannot be undone: {above} stands on it"),
            )
            .help(format!("undo {above} first")));
        }
        left.remove(node.index());
        order.push(node.index());
    }
    Ok(rows::plan(&applied, order.into_iter(), Direction::Downgrade, &[]))
}

/// The plan from a known state.
pub(super) fn from(applied: &Applied<'_>, typed: &str) -> Result<Plan, Problem> {
    let graph = applied.graph();
    let resolver = Resolver { graph, applied: Some(applied), wording: Wording::Target, typed };
    let target = Target::parse(typed)?;
    let floor = resolver.floor(&target)?;
    let removed = removed(applied, &floor, typed)?;
    let mut plan = rows::plan(applied, removed.iter().rev(), Direction::Downgrade, floor.node.as_slice());
    plan.warnings.extend(ambiguous_start(applied, &target));
    Ok(plan)
}

fn removed(applied: &Applied<'_>, floor: &Floor, typed: &str) -> Result<NodeSet, Problem> {
    let graph = applied.graph();
    let roots = roots(applied, floor, typed)?;
    let removed = graph.descendants(roots, Edges::All).intersection(applied.set());
    match floor.node {
        Some(node) if removed.is_empty() && !applied.is_row(graph.id(node).as_str()) => {
            Err(nothing_to_drop(applied, node, typed))
        }
        _ => Ok(removed),
    }
}

/// The lowest revisions to remove: what stands directly on the floor, on the named branch where there is
/// a choice.
fn roots(applied: &Applied<'_>, floor: &Floor, typed: &str) -> Result<Vec<usize>, Problem> {
    let graph = applied.graph();
    let all: Vec<usize> = match floor.node {
        Some(node) => graph.children(graph.node(node)).map(Node::index).collect(),
        None => graph.bases().map(Node::index).collect(),
    };
    let (Some(branch), true) = (floor.branch, all.len() > 1) else { return Ok(all) };
    let below = graph.ancestors([branch], Edges::Parents);
    let chosen: Vec<usize> = all.iter().copied().filter(|root| below.contains(*root)).collect();
    if chosen.is_empty() {
        return Err(no_line_of_branch(applied, branch, &all, typed));
    }
    Ok(chosen)
}

fn not_valid(typed: &str) -> Problem {
    let message = format!("Destination {typed} is not a valid downgrade target from current head(s)");
    Problem::new(Code::BadTarget, message)
}

fn no_line_of_branch(applied: &Applied<'_>, branch: usize, roots: &[usize], typed: &str) -> Problem {
    let graph = applied.graph();
    not_valid(typed)
        .note(format!(
            "several revisions follow the target ({}), and {} is above none of them",
            graph.list(roots.iter().copied()),
            graph.id(branch)
        ))
        .help("leave out the branch to undo all of them, or name the branch by a revision above one of them")
}

/// Alembic's sentence, with what is the case: the target is not applied, or something depends on it.
fn nothing_to_drop(applied: &Applied<'_>, node: usize, typed: &str) -> Problem {
    let graph = applied.graph();
    let id = graph.id(node);
    if !applied.set().contains(node) {
        let rows = graph.list(applied.row_indices().iter().copied());
        let rows = if rows.is_empty() {
            "nothing is applied".to_owned()
        } else {
            format!("the current revisions are {rows}")
        };
        return not_valid(typed)
            .note(format!("{id} is not applied; {rows}"))
            .help(format!("`limbeck upgrade {id}` goes there"));
    }
    let dependants = graph.dependants(graph.node(node)).filter(|node| applied.set().contains(node.index()));
    let dependants: Vec<usize> = dependants.map(Node::index).collect();
    let list = graph.list(dependants.iter().copied());
    let problem = not_valid(typed)
        .note(format!("{id} is applied without a row of its own, because of what depends on it: {list}"))
        .note(format!("nothing that descends from {id} is applied, so there is nothing to undo above it"));
    match dependants.first() {
        None => problem,
        Some(&first) => {
            let upper = graph.node(first);
            let floor = graph.parents(upper).next().map_or("base", |parent| parent.id().as_str());
            problem.help(format!("to undo {0} as well, run `limbeck downgrade {0}@{floor}`", upper.id()))
        }
    }
}

fn ambiguous_start(applied: &Applied<'_>, target: &Target) -> Option<Problem> {
    let Target::Steps { branch: None, from: Anchor::Database, by } = target else { return None };
    let [first, _, ..] = applied.row_indices() else { return None };
    let graph = applied.graph();
    let rows = graph.list(applied.row_indices().iter().copied());
    let message =
        format!("downgrade {by:+} from multiple heads is ambiguous: it starts at {}", graph.id(*first));
    Some(
        Problem::new(Code::Relative, message)
            .note(format!("the current revisions are {rows}"))
            .help(format!("say from which: for example `{}@{by:+}`", graph.id(*first))),
    )
}

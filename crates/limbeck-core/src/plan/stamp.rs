//! `stamp`: what the rows become without running anything.

use super::{RowChange, Stamp, StampChange};
use crate::graph::{Applied, Edges, Graph, NodeSet, Resolver, Target, Wording, overlap};
use crate::problem::Problem;
use crate::revision::RevisionId;

/// Whether a stamp first deletes every row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purge {
    /// Rows of other lineages stay.
    #[default]
    Keep,
    /// Every row goes first, those that no file knows too (`--purge`).
    Purge,
}

/// The rows that make a database look as if it were at these targets. Rows that share no lineage with a
/// target, dependencies included, stay.
///
/// # Errors
/// [`crate::Code::Overlap`] for targets of which one implies another, [`crate::Code::UnknownRow`] except
/// with [`Purge::Purge`], and what resolving the targets gives.
pub fn stamp(graph: &Graph, rows: &[String], targets: &[String], purge: Purge) -> Result<Stamp, Problem> {
    let rows = match purge {
        Purge::Keep => rows,
        Purge::Purge => &[],
    };
    let applied = Applied::new(graph, rows)?;
    let goals = resolve(&applied, targets)?;
    let mut table =
        Table { graph, old: applied.row_indices().to_vec(), new: Vec::new(), changes: Vec::new() };
    for lineage in &goals.cleared {
        table.clear(lineage.as_ref());
    }
    for &node in &goals.nodes {
        table.move_to(node, &goals.is_goal);
    }
    let mut after = graph.all_ids(table.old.iter().chain(&table.new).copied());
    after.sort_unstable();
    let before = graph.all_ids(applied.row_indices().iter().copied());
    Ok(Stamp { purge, before, changes: table.changes, after })
}

/// What the targets mean together.
struct Goals {
    /// Lineages that end at base; `None` is all.
    cleared: Vec<Option<NodeSet>>,
    /// The revisions that become rows, each once.
    nodes: Vec<usize>,
    is_goal: NodeSet,
}

fn resolve(applied: &Applied<'_>, targets: &[String]) -> Result<Goals, Problem> {
    let graph = applied.graph();
    let mut goals = Goals { cleared: Vec::new(), nodes: Vec::new(), is_goal: graph.no_nodes() };
    for typed in targets {
        let resolver = Resolver { graph, applied: Some(applied), wording: Wording::Stamp, typed };
        let target = Target::parse(typed)?;
        let found = resolver.any(&target)?;
        if found.is_empty() {
            goals.cleared.push(resolver.branch_of(&target)?);
        }
        // The plain heads of a branch may imply each other; only separate targets must not.
        let found = graph.tips_among(&found);
        check_overlap(graph, &found, &goals.nodes)?;
        for node in found {
            if goals.is_goal.insert(node) {
                goals.nodes.push(node);
            }
        }
    }
    Ok(goals)
}

/// Refuses a target that another one implies.
fn check_overlap(graph: &Graph, new: &[usize], old: &[usize]) -> Result<(), Problem> {
    let below = |nodes: &[usize]| graph.ancestors(nodes.iter().copied(), Edges::All);
    let implied = |lower: &[usize], upper: &[usize]| {
        let below = below(upper);
        lower.iter().copied().find(|node| !upper.contains(node) && below.contains(*node))
    };
    let (lower, uppers) = match (implied(old, new), implied(new, old)) {
        (Some(lower), _) => (lower, new),
        (None, Some(lower)) => (lower, old),
        (None, None) => return Ok(()),
    };
    let upper = uppers.iter().copied().find(|upper| below(&[*upper]).contains(lower)).unwrap_or(lower);
    Err(overlap(graph, upper, &[lower])
        .note(format!("{} implies {}", graph.id(upper), graph.id(lower)))
        .help(format!("name only {}", graph.id(upper))))
}

/// The rows while a stamp is made.
struct Table<'g> {
    graph: &'g Graph,
    /// What is left of the rows that were there.
    old: Vec<usize>,
    new: Vec<usize>,
    changes: Vec<StampChange>,
}

impl Table<'_> {
    /// Deletes every row of a lineage.
    fn clear(&mut self, lineage: Option<&NodeSet>) {
        let goes = |row: &usize| lineage.is_none_or(|lineage| lineage.contains(*row));
        for row in self.old.extract_if(.., |row| goes(row)).collect::<Vec<_>>() {
            let ids = self.graph.all_ids([row]);
            let rows = RowChange { delete: ids.clone(), ..RowChange::default() };
            self.changes.push(StampChange { rows, from: ids, to: Vec::new() });
        }
    }

    /// Puts one row in the place of all that share its lineage and are not targets themselves.
    fn move_to(&mut self, node: usize, is_goal: &NodeSet) {
        let lineage = self.graph.lineage(node, Edges::All);
        let goes = |row: &usize| lineage.contains(*row) && !is_goal.contains(*row);
        let replaced: Vec<usize> = self.old.extract_if(.., |row| goes(row)).collect();
        let present = self.old.contains(&node);
        if present && replaced.is_empty() {
            return;
        }
        let from = self.graph.all_ids(replaced);
        let to = self.graph.id(node).clone();
        let rows = if present {
            RowChange { delete: from.clone(), ..RowChange::default() }
        } else {
            self.new.push(node);
            replace(&from, &to)
        };
        self.changes.push(StampChange { rows, from, to: vec![to] });
    }
}

fn replace(from: &[RevisionId], to: &RevisionId) -> RowChange {
    match from {
        [] => RowChange { insert: vec![to.clone()], ..RowChange::default() },
        [first, others @ ..] => RowChange {
            delete: others.to_vec(),
            update: Some((first.clone(), to.clone())),
            insert: Vec::new(),
        },
    }
}

//! The version table's rows, step by step.

use super::{Direction, Plan, RowChange, Step};
use crate::graph::{Applied, Edges, Graph, NodeSet};
use crate::revision::RevisionId;

/// The rows while a plan is made: the applied revisions on which no applied one stands.
struct Rows<'g> {
    graph: &'g Graph,
    /// How many applied revisions stand directly on each, children and dependants.
    above: Vec<u32>,
    applied: NodeSet,
}

impl<'g> Rows<'g> {
    fn new(applied: &Applied<'g>) -> Self {
        let graph = applied.graph();
        let mut above = vec![0; graph.len()];
        for node in applied.iter() {
            node.below(Edges::All).for_each(|below| above[below] += 1);
        }
        Self { graph, above, applied: applied.set().clone() }
    }

    /// INSERT for a root or where no parent is a row; else the first parent's row is renamed and the
    /// others go. What is absorbed but no row stays out of it.
    fn apply(&mut self, node: usize) -> RowChange {
        let below = || self.graph.node(node).below(Edges::All);
        let rows: Vec<usize> = below().filter(|parent| self.above[*parent] == 0).collect();
        below().for_each(|parent| self.above[parent] += 1);
        self.applied.insert(node);
        match rows[..] {
            [] => RowChange { insert: self.graph.all_ids([node]), ..RowChange::default() },
            [first, ref others @ ..] => RowChange {
                delete: self.graph.all_ids(others.iter().copied()),
                update: Some((self.graph.id(first).clone(), self.graph.id(node).clone())),
                insert: Vec::new(),
            },
        }
    }

    /// DELETE for a root or where other rows imply every parent; else the row is renamed to the first
    /// parent that becomes a row, and the others come back.
    fn undo(&mut self, node: usize) -> RowChange {
        let below = || self.graph.node(node).below(Edges::All);
        below().for_each(|parent| self.above[parent] -= 1);
        let rows: Vec<usize> = below().filter(|parent| self.above[*parent] == 0).collect();
        self.applied.remove(node);
        match rows[..] {
            [] => RowChange { delete: self.graph.all_ids([node]), ..RowChange::default() },
            [first, ref others @ ..] => RowChange {
                delete: Vec::new(),
                update: Some((self.graph.id(node).clone(), self.graph.id(first).clone())),
                insert: self.graph.all_ids(others.iter().copied()),
            },
        }
    }

    fn sorted(&self) -> Vec<RevisionId> {
        sorted(self.graph, self.applied.iter().filter(|node| self.above[*node] == 0))
    }
}

fn sorted(graph: &Graph, nodes: impl Iterator<Item = usize>) -> Vec<RevisionId> {
    let mut ids = graph.all_ids(nodes);
    ids.sort_unstable();
    ids
}

/// The plan that applies or undoes these revisions, in this order.
pub(super) fn plan(
    applied: &Applied<'_>,
    revisions: impl Iterator<Item = usize>,
    direction: Direction,
    targets: &[usize],
) -> Plan {
    let graph = applied.graph();
    let before = sorted(graph, applied.row_indices().iter().copied());
    let mut rows = Rows::new(applied);
    let mut steps: Vec<Step> = revisions.map(|node| step(&mut rows, node, direction)).collect();
    let after = match steps.first_mut() {
        Some(first) => {
            first.rows.delete.extend(graph.all_ids(applied.redundant_rows()));
            rows.sorted()
        }
        None => before.clone(),
    };
    let targets = graph.all_ids(targets.iter().copied());
    Plan { steps, before, after, targets, warnings: applied.overlap().into_iter().collect() }
}

fn step(rows: &mut Rows<'_>, index: usize, direction: Direction) -> Step {
    let graph = rows.graph;
    let node = graph.node(index);
    let itself = vec![node.id().clone()];
    let parents = graph.parents(node).map(|parent| parent.id().clone()).collect();
    let (change, from, to) = match direction {
        Direction::Upgrade => (rows.apply(index), parents, itself),
        Direction::Downgrade => (rows.undo(index), itself, parents),
    };
    Step { revision: node.id().clone(), direction, rows: change, from, to }
}

//! Spreading branch labels.

use super::{Edges, Graph};
use crate::revision::BranchLabel;

/// Gives every node the labels of its branches: a label goes to all descendants, and to ancestors up to
/// the previous branch or merge point. It goes to ancestors only where nothing forks or merges above
/// either: from a revision after which the history forks, "the branch" has no single line to go down
/// (Alembic walks down from the branch's end, which comes to the same).
pub(super) fn spread(graph: &mut Graph) {
    let labels: Vec<(BranchLabel, usize)> =
        graph.labels.iter().map(|(label, node)| (label.clone(), *node)).collect();
    // The map's order is the labels', so each node's list comes out sorted.
    for (label, node) in labels {
        for member in members(graph, node) {
            graph.nodes[member].labels.push(label.clone());
        }
    }
}

fn members(graph: &Graph, node: usize) -> Vec<usize> {
    let mut members: Vec<usize> = graph.descendants([node], Edges::Parents).iter().collect();
    if members.iter().any(|member| stops(graph, *member)) {
        return members;
    }
    let mut at = node;
    while let [parent] = graph.nodes[at].parents[..] {
        if stops(graph, parent) {
            break;
        }
        members.push(parent);
        at = parent;
    }
    members
}

fn stops(graph: &Graph, node: usize) -> bool {
    graph.nodes[node].is_real_branch_point() || graph.nodes[node].is_merge_point()
}

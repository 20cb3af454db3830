//! The graph as a value: nodes in order, and names.

use std::collections::BTreeMap;

use super::{Edges, Node};
use crate::revision::{BranchLabel, RevisionId};

/// All revisions of a project and how they follow from each other. Immutable.
#[derive(Debug, Default)]
pub struct Graph {
    /// Ordered so that everything below a node has a smaller index.
    pub(super) nodes: Vec<Node>,
    pub(super) ids: BTreeMap<RevisionId, usize>,
    /// Each label with the revision that declares it.
    pub(super) labels: BTreeMap<BranchLabel, usize>,
}

impl Graph {
    /// The number of revisions.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// No revision at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The revision with exactly this id.
    pub fn get(&self, id: &str) -> Option<&Node> {
        self.ids.get(id).map(|index| &self.nodes[*index])
    }

    /// Every revision after its parents and dependencies.
    pub fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Every revision before its parents and dependencies: the order of `history`.
    pub fn newest_first(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.nodes.iter().rev()
    }

    /// The revisions without children, oldest first: what `limbeck heads` lists.
    pub fn heads(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_head())
    }

    /// The revisions without children and dependants: what the target `heads` means, and
    /// `limbeck heads --resolve-dependencies` lists.
    pub fn real_heads(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_real_head())
    }

    /// The revisions without parents.
    pub fn bases(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_base())
    }

    /// The revisions with more than one child, newest first: what `limbeck branches` lists.
    pub fn branch_points(&self) -> impl Iterator<Item = &Node> {
        self.newest_first().filter(|node| node.is_branch_point())
    }

    /// Every label with the revision that declares it, sorted by label.
    pub fn labels(&self) -> impl Iterator<Item = (&BranchLabel, &Node)> {
        self.labels.iter().map(|(label, index)| (label, &self.nodes[*index]))
    }

    /// The parents of a revision, in the order of its header.
    pub fn parents(&self, node: &Node) -> impl Iterator<Item = &Node> {
        node.parents.iter().map(|index| &self.nodes[*index])
    }

    /// What a revision depends on beyond its parents, without what an ancestor already declares. Where there
    /// is something, looks at all ancestors each time.
    pub fn dependencies(&self, node: &Node) -> impl Iterator<Item = &Node> {
        // Most revisions declare none: their ancestors need not be looked at.
        let parents = if node.dependencies.is_empty() { &[][..] } else { &node.parents };
        let ancestors = self.ancestors(parents.iter().copied(), Edges::Parents);
        let declared = node.dependencies.iter().map(|index| &self.nodes[*index]);
        declared.filter(move |other| !other.dependants.iter().any(|node| ancestors.contains(*node)))
    }

    /// The revisions that have this one as a parent.
    pub fn children(&self, node: &Node) -> impl Iterator<Item = &Node> {
        node.children.iter().map(|index| &self.nodes[*index])
    }

    /// The revisions that declare this one as a dependency and are not its children.
    pub fn dependants(&self, node: &Node) -> impl Iterator<Item = &Node> {
        node.dependants.iter().map(|index| &self.nodes[*index])
    }

    pub(crate) fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    pub(crate) fn id(&self, index: usize) -> &RevisionId {
        self.nodes[index].id()
    }

    pub(crate) fn all_ids(&self, indices: impl IntoIterator<Item = usize>) -> Vec<RevisionId> {
        indices.into_iter().map(|index| self.id(index).clone()).collect()
    }

    /// Ids for a sentence: `a, b, c`.
    pub(crate) fn list(&self, indices: impl IntoIterator<Item = usize>) -> String {
        let ids: Vec<&str> = indices.into_iter().map(|index| self.id(index).as_str()).collect();
        ids.join(", ")
    }
}

//! One revision in its graph.

use std::sync::Arc;

use super::Edges;
use crate::revision::{BranchLabel, Header, RevisionId};

/// A revision with its links. Its neighbours are read through [`super::Graph`].
#[derive(Debug)]
pub struct Node {
    pub(super) header: Arc<Header>,
    /// The place in the graph's order: greater than that of every parent and dependency.
    pub(super) index: usize,
    pub(super) parents: Vec<usize>,
    /// As declared, except parents. One that an ancestor declares too changes nothing for plans and rows,
    /// so it may stay here; only [`super::Graph::dependencies`] leaves it out.
    pub(super) dependencies: Vec<usize>,
    pub(super) children: Vec<usize>,
    /// Everything that declares this as a dependency, except children.
    pub(super) dependants: Vec<usize>,
    /// Own and inherited ones, sorted.
    pub(super) labels: Vec<BranchLabel>,
}

impl Node {
    /// What the file says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The revision's id.
    pub fn id(&self) -> &RevisionId {
        &self.header.id.value
    }

    /// The labels that this revision declares itself.
    pub fn own_labels(&self) -> impl Iterator<Item = &BranchLabel> {
        self.header.branch_labels.iter().map(|label| &label.value)
    }

    /// The labels of the branches that this revision belongs to, sorted. A label spreads to all
    /// descendants, and to ancestors up to the previous branch or merge point.
    pub fn labels(&self) -> &[BranchLabel] {
        &self.labels
    }

    /// No revision has it as a parent; dependants do not count. Alembic prints `(head)` or
    /// `(effective head)`.
    pub fn is_head(&self) -> bool {
        self.children.is_empty()
    }

    /// Neither a child nor a dependant: what `heads` means as a target, and what a row can be when
    /// everything is applied.
    pub fn is_real_head(&self) -> bool {
        self.is_head() && self.dependants.is_empty()
    }

    /// A head that something depends on, so that it never keeps a row of its own.
    pub fn is_effective_head(&self) -> bool {
        self.is_head() && !self.dependants.is_empty()
    }

    /// Without parents; it may have dependencies.
    pub fn is_base(&self) -> bool {
        self.parents.is_empty()
    }

    /// More than one child.
    pub fn is_branch_point(&self) -> bool {
        self.children.len() > 1
    }

    /// More than one child or dependant: where a label stops on its way to the ancestors.
    pub(super) fn is_real_branch_point(&self) -> bool {
        self.children.len() + self.dependants.len() > 1
    }

    /// More than one parent.
    pub fn is_merge_point(&self) -> bool {
        self.parents.len() > 1
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// What must be applied before: parents, then dependencies.
    pub(crate) fn below(&self, edges: Edges) -> impl Iterator<Item = usize> {
        self.parents.iter().chain(edges.more(&self.dependencies)).copied()
    }

    /// What must be undone before: children, then dependants.
    pub(crate) fn above(&self, edges: Edges) -> impl Iterator<Item = usize> {
        self.children.iter().chain(edges.more(&self.dependants)).copied()
    }
}

//! Revisions as JSON, the same for every verb that lists them.

use limbeck::{Change, Edited};
use limbeck_core::graph::{Applied, Graph, Node, describe};
use serde::Serialize;

/// What scripts may want to know of a revision.
#[derive(Debug, Serialize)]
pub(crate) struct RevisionView<'a> {
    revision: &'a str,
    message: &'a str,
    down_revision: Vec<&'a str>,
    depends_on: Vec<&'a str>,
    branch_labels: Vec<&'a str>,
    next: Vec<&'a str>,
    head: bool,
    branchpoint: bool,
    mergepoint: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<bool>,
    created: Option<&'a str>,
    path: &'a str,
}

impl<'a> RevisionView<'a> {
    /// `applied` is known where the database was asked.
    pub(crate) fn new(graph: &'a Graph, node: &'a Node, applied: Option<&Applied<'_>>) -> Self {
        let header = node.header();
        Self {
            revision: node.id().as_str(),
            message: header.summary(),
            down_revision: header.down_revision.iter().map(|id| id.value.as_str()).collect(),
            depends_on: header.depends_on.iter().map(|name| name.value.as_str()).collect(),
            branch_labels: node.labels().iter().map(|label| label.as_str()).collect(),
            next: graph.children(node).map(|child| child.id().as_str()).collect(),
            head: node.is_head(),
            branchpoint: node.is_branch_point(),
            mergepoint: node.is_merge_point(),
            current: applied.map(|applied| describe::Mark::of(node, applied) == describe::Mark::Current),
            created: header.created.as_deref(),
            path: header.source.name(),
        }
    }
}

/// An applied revision whose file was edited.
#[derive(Debug, Serialize)]
pub(crate) struct EditedView<'a> {
    revision: &'a str,
    path: &'a str,
    upgrade: Option<ChangeView<'a>>,
    downgrade: Option<ChangeView<'a>>,
}

/// Two checksums that differ.
#[derive(Debug, Serialize)]
struct ChangeView<'a> {
    applied: Option<&'a str>,
    now: Option<&'a str>,
}

impl<'a> From<&'a Edited> for EditedView<'a> {
    fn from(edited: &'a Edited) -> Self {
        let change = |change: &'a Change| ChangeView {
            applied: change.applied.as_deref(),
            now: change.now.as_deref(),
        };
        Self {
            revision: edited.revision.as_str(),
            path: &edited.file,
            upgrade: edited.upgrade.as_ref().map(change),
            downgrade: edited.downgrade.as_ref().map(change),
        }
    }
}

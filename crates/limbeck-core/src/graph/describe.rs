//! The plain lines that `history`, `heads`, `current`, `branches` and `show` print: Alembic's, so that
//! scripts which read them keep working. Labels are sorted. No text ends with a line break,
//! except [`verbose`]'s, which an empty line follows.

use std::fmt::{self, Write};

use super::{Applied, Graph, Node};
use crate::revision::RevisionId;

/// Whether a line says `(current)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mark {
    /// It does not.
    #[default]
    Plain,
    /// The revision is a row of the version table (`history -i`).
    Current,
}

impl Mark {
    /// Marks the rows of a database.
    pub fn of(node: &Node, applied: &Applied<'_>) -> Self {
        if applied.is_row(node.id().as_str()) { Self::Current } else { Self::Plain }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Current => " (current)",
        }
    }
}

/// How much `branches` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// One line a revision.
    #[default]
    Short,
    /// `-v`
    Verbose,
}

/// A line of `history`: `<parents> (<dependencies>) -> <rev> (<labels>) <marks>, <message>`.
pub fn history_line(node: &Node, mark: Mark) -> String {
    let header = node.header();
    let mut line = parents(node);
    if !header.depends_on.is_empty() {
        line += &format!(" ({})", declared_dependencies(node));
    }
    format!(
        "{line} -> {}{}{}{}{}, {}",
        node.id(),
        labels(node),
        head_mark(node),
        mark.text(),
        tree_marks(node),
        header.summary()
    )
}

/// A line of `heads`: `<rev> (<labels>) (head)`.
pub fn head_line(node: &Node) -> String {
    format!("{}{}{}", node.id(), labels(node), head_mark(node))
}

/// A line of `current`: `<rev> (head)`, without labels.
pub fn current_line(node: &Node) -> String {
    format!("{}{}{}", node.id(), head_mark(node), tree_marks(node))
}

/// All lines of `current`: the rows, and the branch ends that they imply.
pub fn current_lines(applied: &Applied<'_>) -> Vec<String> {
    applied.branch_ends().into_iter().map(current_line).collect()
}

/// What `branches` prints for one branch point: its line, or its block, and a line for each child.
/// Alembic puts an empty line after each.
pub fn branch_point(graph: &Graph, node: &Node, detail: Detail) -> String {
    let line = |node: &Node| format!("{}{}{}{}", node.id(), labels(node), head_mark(node), tree_marks(node));
    let mut text = match detail {
        Detail::Short => line(node),
        Detail::Verbose => verbose(graph, node, Mark::Plain),
    };
    let indent = " ".repeat(node.id().as_str().chars().count());
    for child in graph.children(node) {
        text += &format!("\n{indent} -> {}", line(child));
        if detail == Detail::Verbose {
            text += &format!(", {}", child.header().summary());
        }
    }
    text
}

/// The block of `show` and `-v`: `Rev:`, `Parent:` or `Merges:`, what else holds, `Path:`, and the
/// indented message and header.
pub fn verbose(graph: &Graph, node: &Node, mark: Mark) -> String {
    let header = node.header();
    let head = if node.is_head() { " (head)" } else { "" };
    let mut lines = vec![format!("Rev: {}{head}{}{}", node.id(), tree_marks(node), mark.text())];
    let parent = if node.is_merge_point() { "Merges" } else { "Parent" };
    lines.push(format!("{parent}: {}", parents(node)));
    if !header.depends_on.is_empty() {
        lines.push(format!("Also depends on: {}", declared_dependencies(node)));
    }
    if node.is_branch_point() {
        lines.push(format!("Branches into: {}", comma(graph.children(node).map(Node::id))));
    }
    if !node.labels().is_empty() {
        lines.push(format!("Branch names: {}", comma(node.labels())));
    }
    lines.push(format!("Path: {}", header.source.name()));
    lines.push(String::new());
    lines.extend(long_message(node).lines().map(|line| format!("    {line}")));
    lines.push(String::new());
    lines.join("\n")
}

/// What an Alembic file says in its first comment.
fn long_message(node: &Node) -> String {
    let header = node.header();
    let revises = comma(header.down_revision.iter().map(|id| &id.value));
    let mut text = header.message.trim().to_owned();
    text += &format!("\n\nRevision ID: {}\nRevises: {revises}", node.id());
    if let Some(created) = &header.created {
        text += &format!("\nCreate Date: {created}");
    }
    text
}

fn parents(node: &Node) -> String {
    match &node.header().down_revision[..] {
        [] => "<base>".to_owned(),
        parents => comma(parents.iter().map(|id| &id.value)),
    }
}

/// As the file writes them: a label stays a label.
fn declared_dependencies(node: &Node) -> String {
    comma(node.header().depends_on.iter().map(|name| &name.value))
}

fn labels(node: &Node) -> String {
    if node.labels().is_empty() { String::new() } else { format!(" ({})", comma(node.labels())) }
}

fn head_mark(node: &Node) -> &'static str {
    match (node.is_real_head(), node.is_head()) {
        (true, _) => " (head)",
        (false, true) => " (effective head)",
        (false, false) => "",
    }
}

fn tree_marks(node: &Node) -> String {
    let branch = if node.is_branch_point() { " (branchpoint)" } else { "" };
    let merge = if node.is_merge_point() { " (mergepoint)" } else { "" };
    format!("{branch}{merge}")
}

/// The two sides of a run's log line, as in `Running upgrade a, b -> c, message`; an empty side is base
/// and prints as nothing.
pub fn sides(from: &[RevisionId], to: &[RevisionId]) -> String {
    format!("{} -> {}", comma(from), comma(to))
}

fn comma<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    for item in items {
        let separator = if out.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        _ = write!(out, "{separator}{item}");
    }
    out
}

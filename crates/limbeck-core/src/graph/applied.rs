//! What the version table's rows mean in a graph.

use super::{Edges, Graph, Node, NodeSet};
use crate::problem::{Code, Problem};

/// The revisions that a database has, derived from its rows: the rows and everything below them,
/// dependencies included.
#[derive(Debug, Clone)]
pub struct Applied<'g> {
    graph: &'g Graph,
    /// In the order of the table, each once.
    rows: Vec<usize>,
    is_row: NodeSet,
    set: NodeSet,
}

impl<'g> Applied<'g> {
    /// Finds the rows in the graph.
    ///
    /// # Errors
    /// [`Code::UnknownRow`] naming every row that no file has.
    pub fn new(graph: &'g Graph, rows: &[String]) -> Result<Self, Problem> {
        let mut known = Vec::new();
        let mut is_row = graph.no_nodes();
        let mut unknown = Vec::new();
        for row in rows {
            match graph.get(row).map(Node::index) {
                Some(index) if is_row.insert(index) => known.push(index),
                Some(_) => {}
                None => unknown.push(row.as_str()),
            }
        }
        let set = graph.ancestors(known.iter().copied(), Edges::All);
        match unknown[..] {
            [] => Ok(Self { graph, rows: known, is_row, set }),
            [first, ..] => Err(unknown_row(first, &unknown)),
        }
    }

    /// The rows' revisions, in the order of the table.
    pub fn rows(&self) -> impl Iterator<Item = &'g Node> {
        let graph = self.graph;
        self.rows.iter().map(|row| graph.node(*row))
    }

    /// Whether the version table has a row for a revision.
    pub fn is_row(&self, id: &str) -> bool {
        self.graph.get(id).is_some_and(|node| self.is_row.contains(node.index()))
    }

    /// Whether a revision is applied.
    pub fn contains(&self, id: &str) -> bool {
        self.graph.get(id).is_some_and(|node| self.set.contains(node.index()))
    }

    /// The applied revisions, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'g Node> {
        let graph = self.graph;
        self.set.iter().map(|index| graph.node(index))
    }

    /// How many revisions are applied.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Nothing is applied.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// The revisions that are not applied, oldest first.
    pub fn pending(&self) -> impl DoubleEndedIterator<Item = &'g Node> {
        self.graph.oldest_first().filter(|node| !self.set.contains(node.index()))
    }

    /// The applied revisions without an applied child: the rows, and the branch ends that a row absorbed
    /// because it depends on them. What `current` lists. Newest first.
    pub fn branch_ends(&self) -> Vec<&'g Node> {
        let ends = self.graph.tips(&self.set, Edges::Parents);
        ends.into_iter().rev().map(|index| self.graph.node(index)).collect()
    }

    /// The heads that are not applied: empty means up to date, whichever rows say so. For
    /// `current --check-heads`.
    pub fn missing_heads(&self) -> Vec<&'g Node> {
        self.graph.heads().filter(|node| !self.set.contains(node.index())).collect()
    }

    /// A warning about rows that other rows imply. Alembic leaves such a row behind when it undoes a
    /// merge of which one parent implies another, and editing `depends_on` later makes one; Alembic then
    /// refuses every upgrade. The next step that runs deletes it.
    pub fn overlap(&self) -> Option<Problem> {
        let extra = self.redundant_rows();
        let above = self.graph.descendants([*extra.first()?], Edges::All);
        let upper = *self.rows.iter().find(|row| above.contains(**row) && !extra.contains(row))?;
        let lower: Vec<usize> = extra
            .into_iter()
            .filter(|row| self.graph.ancestors([upper], Edges::All).contains(*row))
            .collect();
        Some(
            overlap(self.graph, upper, &lower)
                .note("the version table has rows for both, though the one implies the other")
                .help("the next upgrade or downgrade that runs a revision also deletes the superfluous row"),
        )
    }

    /// The rows that other rows imply.
    pub(crate) fn redundant_rows(&self) -> Vec<usize> {
        let tips = self.graph.tips(&self.set, Edges::All);
        self.rows.iter().copied().filter(|row| tips.binary_search(row).is_err()).collect()
    }

    pub(crate) fn graph(&self) -> &'g Graph {
        self.graph
    }

    pub(crate) fn row_indices(&self) -> &[usize] {
        &self.rows
    }

    pub(crate) fn set(&self) -> &NodeSet {
        &self.set
    }
}

/// Alembic's sentence for a revision asked for together with what it implies.
pub(crate) fn overlap(graph: &Graph, upper: usize, lower: &[usize]) -> Problem {
    let lower = graph.list(lower.iter().copied());
    let message =
        format!("Requested revision {} overlaps with other requested revisions {lower}", graph.id(upper));
    Problem::new(Code::Overlap, message)
}

fn unknown_row(first: &str, all: &[&str]) -> Problem {
    let problem = Problem::new(
        Code::UnknownRow,
        format!(
            "Can't locate revision identified by '{first}': the version table has this row, but no file does"
        ),
    );
    let problem = match all {
        [_] => problem,
        _ => problem.note(format!("the rows without a file: {}", all.join(", "))),
    };
    problem.help(
        "check out the revision files that this database was migrated with; or, if they are gone for good, \
         `limbeck stamp --purge REV` deletes every row and records REV",
    )
}

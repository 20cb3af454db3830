//! Walking the graph: closures, lineages, and `+N` and `-N` steps. Nothing here recurses.

use super::{Graph, Node, NodeSet};
use crate::problem::{Code, Problem};

/// Which links a closure follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edges {
    /// `down_revision` only: what belongs to a branch.
    Parents,
    /// `depends_on` too: what must be applied or undone together.
    All,
}

impl Edges {
    /// The links that only [`Edges::All`] follows.
    pub(super) fn more(self, dependencies: &[usize]) -> &[usize] {
        match self {
            Self::Parents => &[],
            Self::All => dependencies,
        }
    }
}

/// Where a walk towards base ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Down {
    At(usize),
    Base,
    PastBase,
}

impl Graph {
    pub(crate) fn no_nodes(&self) -> NodeSet {
        NodeSet::new(self.len())
    }

    /// The given nodes and all their ancestors.
    pub(crate) fn ancestors(&self, from: impl IntoIterator<Item = usize>, edges: Edges) -> NodeSet {
        self.closure(from, |node| node.below(edges))
    }

    /// The given nodes and all their descendants.
    pub(crate) fn descendants(&self, from: impl IntoIterator<Item = usize>, edges: Edges) -> NodeSet {
        self.closure(from, |node| node.above(edges))
    }

    fn closure<'g, I: Iterator<Item = usize>>(
        &'g self,
        from: impl IntoIterator<Item = usize>,
        next: impl Fn(&'g Node) -> I,
    ) -> NodeSet {
        let mut seen = self.no_nodes();
        let mut todo: Vec<usize> = from.into_iter().collect();
        while let Some(node) = todo.pop() {
            if seen.insert(node) {
                todo.extend(next(&self.nodes[node]));
            }
        }
        seen
    }

    /// A node with its ancestors and descendants. Sharing a lineage is symmetric.
    pub(crate) fn lineage(&self, node: usize, edges: Edges) -> NodeSet {
        self.ancestors([node], edges).union(&self.descendants([node], edges))
    }

    /// The members of a set that nothing in the set stands on, oldest first.
    pub(crate) fn tips(&self, set: &NodeSet, edges: Edges) -> Vec<usize> {
        let covered = |node: usize| self.nodes[node].above(edges).any(|above| set.contains(above));
        set.iter().filter(|node| !covered(*node)).collect()
    }

    /// Those of the nodes that no other of them stands on.
    pub(crate) fn tips_among(&self, nodes: &[usize]) -> Vec<usize> {
        let tips = self.tips(&self.ancestors(nodes.iter().copied(), Edges::All), Edges::All);
        nodes.iter().copied().filter(|node| tips.binary_search(node).is_ok()).collect()
    }

    /// `steps` revisions up from a node, or from before the bases; `None` past the end. `within` narrows
    /// the choice at branch points.
    ///
    /// # Errors
    /// [`Code::Relative`] where the way forks.
    pub(crate) fn walk_up(
        &self,
        start: Option<usize>,
        steps: u32,
        within: Option<&NodeSet>,
    ) -> Result<Option<usize>, Problem> {
        let mut at = start;
        for _ in 0..steps {
            let next: Vec<usize> = match at {
                None => self.bases().map(|node| node.index).filter(|n| member(within, *n)).collect(),
                Some(node) => {
                    self.nodes[node].children.iter().copied().filter(|n| member(within, *n)).collect()
                }
            };
            match next[..] {
                [] => return Ok(None),
                [one] => at = Some(one),
                _ => return Err(self.fork(at, "children", &next)),
            }
        }
        Ok(at)
    }

    /// `steps` revisions down from a node. The last step, below a root, leads to base.
    ///
    /// # Errors
    /// [`Code::Relative`] at a merge point.
    pub(crate) fn walk_down(&self, start: usize, steps: u32) -> Result<Down, Problem> {
        let mut at = start;
        for step in 1..=steps {
            match self.nodes[at].parents[..] {
                [] if step == steps => return Ok(Down::Base),
                [] => return Ok(Down::PastBase),
                [parent] => at = parent,
                ref parents => return Err(self.fork(Some(at), "parents", parents)),
            }
        }
        Ok(Down::At(at))
    }

    fn fork(&self, at: Option<usize>, what: &str, choices: &[usize]) -> Problem {
        let (from, what) = match at {
            Some(node) => (format!("revision {}", self.id(node)), what),
            None => ("base".to_owned(), "bases"),
        };
        let choices = self.list(choices.iter().copied());
        Problem::new(Code::Relative, format!("Ambiguous walk: from {from} the way forks ({what}: {choices})"))
            .help(format!("name the revision to go to: one of {choices}"))
    }
}

fn member(within: Option<&NodeSet>, node: usize) -> bool {
    within.is_none_or(|set| set.contains(node))
}

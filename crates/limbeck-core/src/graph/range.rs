//! `history -r start:end`.

use super::{Anchor, Applied, Edges, Graph, Name, Node, NodeSet, Resolver, Symbol, Target, Wording};
use crate::problem::{Code, Problem};

/// A range of revisions, both ends included. An absent start is base, an absent end all heads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryRange {
    /// The older end.
    pub start: Option<Target>,
    /// The newer end.
    pub end: Option<Target>,
}

impl HistoryRange {
    /// Reads `start:end`, `start:` or `:end`.
    ///
    /// # Errors
    /// [`Code::BadRange`] without exactly one colon, and what [`Target::parse`] says of the ends.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        match text.split_once(':') {
            Some((start, end)) if !end.contains(':') => Ok(Self { start: part(start)?, end: part(end)? }),
            _ => {
                Err(Problem::new(Code::BadRange, "History range requires [start]:[end], [start]:, or :[end]")
                    .note(format!("`{text}` is not of this form")))
            }
        }
    }

    /// Whether an end depends on the version table's rows. A start such as `-3` counts from the end.
    pub fn needs_database(&self) -> bool {
        let start = self.start.as_ref().is_some_and(|start| match start {
            Target::Steps { branch: None, from: Anchor::Database, .. } => false,
            other => other.needs_database(),
        });
        let end = self.end.as_ref().is_some_and(|end| match end {
            Target::Steps { branch: None, from: Anchor::Database, .. } => self.start.is_none(),
            other => other.needs_database(),
        });
        start || end
    }

    /// The revisions of the range, newest first. A start of `-N` means N below the end, stopping at base;
    /// an end of `+N` means N above the start, or above the database's rows where there is no start.
    ///
    /// # Errors
    /// [`Code::BadRange`] where the start is not below the end, and what resolving the ends gives.
    pub fn revisions<'g>(&self, graph: &'g Graph, rows: Option<&[String]>) -> Result<Vec<&'g Node>, Problem> {
        let applied = rows.map(|rows| Applied::new(graph, rows)).transpose()?;
        let ends = Ends { graph, applied: applied.as_ref(), range: self };
        if let Some(Target::Steps { branch: None, from: Anchor::Database, by }) = &self.start {
            let wanted = ends.paths_down(by.get())?;
            return Ok(wanted.iter().rev().map(|index| graph.node(index)).collect());
        }
        let (lower, upper) = ends.resolve()?;
        let mut wanted = graph.ancestors(upper, Edges::All);
        if !lower.is_empty() {
            if lower.iter().any(|node| !wanted.contains(*node)) {
                return Err(self.not_on_one_line());
            }
            let below = graph.ancestors(lower.iter().copied(), Edges::All);
            let above = graph.descendants(lower.iter().copied(), Edges::Parents);
            wanted = wanted.difference(&below).intersection(&above);
            for node in lower {
                wanted.insert(node);
            }
        }
        Ok(wanted.iter().rev().map(|index| graph.node(index)).collect())
    }

    fn not_on_one_line(&self) -> Problem {
        let text = |end: &Option<Target>, or: &str| end.as_ref().map_or(or.to_owned(), Target::to_string);
        let (start, end) = (text(&self.start, "base"), text(&self.end, "heads"));
        not_on_one_line(&start, &end)
    }
}

/// Alembic's sentence for two ends that are not on one line, or stand the wrong way round.
pub(crate) fn not_on_one_line(start: &str, end: &str) -> Problem {
    let message = format!(
        "Requested range {start}:{end} does not refer to ancestor/descendant revisions along the same branch"
    );
    Problem::new(Code::BadRange, message)
        .help("put the older revision first; revisions of two branches make no range")
}

fn part(text: &str) -> Result<Option<Target>, Problem> {
    if text.is_empty() { Ok(None) } else { Target::parse(text).map(Some) }
}

struct Ends<'a> {
    graph: &'a Graph,
    applied: Option<&'a Applied<'a>>,
    range: &'a HistoryRange,
}

impl<'a> Ends<'a> {
    /// The lower and the upper revisions; an empty lower end is base.
    fn resolve(&self) -> Result<(Vec<usize>, Vec<usize>), Problem> {
        let lower = match &self.range.start {
            Some(start) => self.any(start)?,
            None => Vec::new(),
        };
        let upper = self.upper(&lower)?;
        Ok((lower, self.on_branch_of_start(upper)))
    }

    fn upper(&self, lower: &[usize]) -> Result<Vec<usize>, Problem> {
        match &self.range.end {
            None => self.any(&Target::Symbol(Symbol { branch: None, name: Name::Heads })),
            Some(Target::Steps { branch: None, from: Anchor::Database, by })
                if self.range.start.is_some() && by.get() > 0 =>
            {
                self.above(lower, by.get().unsigned_abs())
            }
            Some(end) => self.any(end),
        }
    }

    fn any(&self, target: &Target) -> Result<Vec<usize>, Problem> {
        let typed = target.to_string();
        let resolver =
            Resolver { graph: self.graph, applied: self.applied, wording: Wording::Target, typed: &typed };
        resolver.any(target)
    }

    /// The upper ends and all within N steps below them.
    fn paths_down(&self, by: i32) -> Result<NodeSet, Problem> {
        if by > 0 {
            let problem = Problem::new(Code::BadRange, "History range cannot start above its end");
            return Err(problem.help("a start such as -3 counts downwards from the end"));
        }
        let mut level = self.upper(&[])?;
        let mut wanted = self.graph.no_nodes();
        for _ in 0..by.unsigned_abs() {
            level.retain(|node| wanted.insert(*node));
            level = level.iter().flat_map(|node| self.graph.node(*node).below(Edges::Parents)).collect();
            if level.is_empty() {
                break;
            }
        }
        level.into_iter().for_each(|node| _ = wanted.insert(node));
        Ok(wanted)
    }

    /// N above the lower end; the head where the way is shorter.
    fn above(&self, lower: &[usize], by: u32) -> Result<Vec<usize>, Problem> {
        let starts = if lower.is_empty() { vec![None] } else { lower.iter().copied().map(Some).collect() };
        let mut upper = Vec::new();
        for start in starts {
            let mut at = start;
            for _ in 0..by {
                match self.graph.walk_up(at, 1, None)? {
                    Some(next) => at = Some(next),
                    None => break,
                }
            }
            upper.extend(at);
        }
        Ok(upper)
    }

    /// `branch@base:heads` means that branch only.
    fn on_branch_of_start(&self, mut upper: Vec<usize>) -> Vec<usize> {
        if let Some(Target::Symbol(Symbol { branch: Some(branch), .. })) = &self.range.start
            && let Some(&first) = self.graph.labels.get(branch.as_str())
        {
            let lineage = self.graph.lineage(first, Edges::Parents);
            upper.retain(|node| lineage.contains(*node));
        }
        upper
    }
}

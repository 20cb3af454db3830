//! From identifiers to nodes.

use std::num::NonZeroI32;
use std::ops::Bound;

use super::target::no_such_steps;
use super::{Anchor, Applied, Down, Edges, Graph, Name, Node, NodeSet, Symbol, Target};
use crate::problem::{Code, Problem};

/// Which of Alembic's sentences says that there are several heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wording {
    Target,
    NewRevision,
    Stamp,
}

/// Resolves identifiers for one command.
pub(crate) struct Resolver<'a> {
    pub(crate) graph: &'a Graph,
    /// The database's state; without it what is relative to the database is refused.
    pub(crate) applied: Option<&'a Applied<'a>>,
    pub(crate) wording: Wording,
    /// What the user typed, for messages.
    pub(crate) typed: &'a str,
}

/// A branch that was named before an `@`.
pub(crate) struct Branch {
    name: String,
    /// The revision that has the label, or was named itself.
    pub(crate) node: usize,
    /// What belongs to it, through parents only.
    pub(crate) lineage: NodeSet,
}

/// Where a downgrade ends, and which branch it is limited to.
pub(crate) struct Floor {
    /// The branch, as a node: where several lines go up from the floor, those below this node are meant.
    pub(crate) branch: Option<usize>,
    /// The revision that stays; `None` is base.
    pub(crate) node: Option<usize>,
}

impl Graph {
    /// The revisions that an identifier means, for `show`, `edit`, `merge` and the like. `base` means
    /// none. `rows` are the version table's, for identifiers that [`Target::needs_database`].
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::AmbiguousId`], [`Code::MultipleHeads`], [`Code::Relative`],
    /// [`Code::BadIdentifier`] where the database is needed and `rows` is `None`, [`Code::UnknownRow`].
    pub fn revisions(&self, target: &Target, rows: Option<&[String]>) -> Result<Vec<&Node>, Problem> {
        let applied = rows.map(|rows| Applied::new(self, rows)).transpose()?;
        let typed = target.to_string();
        let resolver =
            Resolver { graph: self, applied: applied.as_ref(), wording: Wording::Target, typed: &typed };
        Ok(resolver.any(target)?.into_iter().map(|index| self.node(index)).collect())
    }
}

impl<'a> Resolver<'a> {
    /// The revisions that an identifier means where no direction is given: `-1` goes down, `+1` up.
    pub(crate) fn any(&self, target: &Target) -> Result<Vec<usize>, Problem> {
        match target {
            Target::Steps { from: Anchor::Database, by, .. } if by.get() < 0 => {
                Ok(self.floor(target)?.node.into_iter().collect())
            }
            _ => self.ceiling(target),
        }
    }

    /// The revisions that an upgrade leads to.
    pub(crate) fn ceiling(&self, target: &Target) -> Result<Vec<usize>, Problem> {
        let (branch, from, by) = match target {
            Target::Symbol(symbol) => return self.symbol(symbol),
            Target::Steps { branch, from, by } => (branch, from, *by),
        };
        match (from, by.get() > 0) {
            (Anchor::Database, true) => self.up_from_database(branch.as_deref(), by),
            (Anchor::Database, false) => Err(no_steps(by)
                .note("an upgrade cannot lead below what is applied")
                .help("`limbeck downgrade -1` undoes the last revision")),
            (Anchor::At(name), true) => {
                let branch = self.maybe_branch(branch.as_deref())?;
                let start = self.single(&Symbol { branch: None, name: name.clone() })?;
                Ok(vec![self.up(start, by, branch.as_ref())?])
            }
            (Anchor::At(name), false) => {
                match self.down_from(&Symbol { branch: branch.clone(), name: name.clone() }, by)? {
                    Down::At(node) => Ok(vec![node]),
                    Down::Base => Ok(Vec::new()),
                    Down::PastBase => Err(walked_too_far(by)),
                }
            }
        }
    }

    /// Where a downgrade ends.
    pub(crate) fn floor(&self, target: &Target) -> Result<Floor, Problem> {
        match target {
            // Alembic resolves the name before it looks at the branch, so that among several heads
            // `x@head` is refused as such; scripts see that sentence.
            Target::Symbol(Symbol { branch, name }) => {
                let node = self.single(&Symbol { branch: None, name: name.clone() })?;
                let branch = self.maybe_branch(branch.as_deref())?.map(|branch| branch.node);
                Ok(Floor { branch, node })
            }
            Target::Steps { branch, from: Anchor::Database, by } => {
                self.floor_below_rows(branch.as_deref(), *by)
            }
            Target::Steps { branch, from: Anchor::At(name), by } => {
                let within = self.maybe_branch(branch.as_deref())?;
                let node = if by.get() > 0 {
                    let start = self.single(&Symbol { branch: None, name: name.clone() })?;
                    Down::At(self.up(start, *by, within.as_ref())?)
                } else {
                    self.down_from(&Symbol { branch: branch.clone(), name: name.clone() }, *by)?
                };
                floor(node, within.map(|branch| branch.node)).ok_or_else(|| walked_too_far(*by))
            }
        }
    }

    /// All revisions that a symbol means.
    pub(crate) fn symbol(&self, symbol: &Symbol) -> Result<Vec<usize>, Problem> {
        let branch = self.maybe_branch(symbol.branch.as_deref())?;
        let heads = || {
            let heads = self.graph.heads().map(Node::index);
            heads.filter(|head| branch.as_ref().is_none_or(|branch| branch.lineage.contains(*head)))
        };
        match &symbol.name {
            Name::Heads if branch.is_none() => Ok(self.graph.real_heads().map(Node::index).collect()),
            Name::Heads => Ok(heads().collect()),
            Name::Head => match heads().collect::<Vec<_>>() {
                several if several.len() > 1 => Err(self.multiple_heads(&several)),
                one => Ok(one),
            },
            Name::Base => Ok(Vec::new()),
            Name::Current => {
                let rows = self.database()?.row_indices().iter().copied();
                Ok(rows.filter(|row| branch.as_ref().is_none_or(|b| b.lineage.contains(*row))).collect())
            }
            Name::Revision(text) => Ok(vec![self.revision(text, branch.as_ref())?]),
        }
    }

    /// The one revision that a symbol means; `None` is base.
    pub(crate) fn single(&self, symbol: &Symbol) -> Result<Option<usize>, Problem> {
        match self.symbol(symbol)?[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            ref several => Err(self.multiple_heads(several)),
        }
    }

    /// Everything in the lineage of the branch that a target names, dependencies included.
    pub(crate) fn branch_of(&self, target: &Target) -> Result<Option<NodeSet>, Problem> {
        let (Target::Symbol(Symbol { branch, .. }) | Target::Steps { branch, .. }) = target;
        let branch = self.maybe_branch(branch.as_deref())?;
        Ok(branch.map(|branch| self.graph.lineage(branch.node, Edges::All)))
    }

    fn maybe_branch(&self, name: Option<&str>) -> Result<Option<Branch>, Problem> {
        name.map(|name| self.branch(name)).transpose()
    }

    fn branch(&self, name: &str) -> Result<Branch, Problem> {
        let node = self.revision(name, None).map_err(|problem| match problem.code() {
            Code::NotFound => self.no_such_branch(name),
            _ => problem,
        })?;
        Ok(Branch { name: name.to_owned(), node, lineage: self.graph.lineage(node, Edges::Parents) })
    }

    /// A full id, a label, or a unique prefix of either.
    fn revision(&self, text: &str, branch: Option<&Branch>) -> Result<usize, Problem> {
        let graph = self.graph;
        let exact = graph.ids.get(text).or_else(|| graph.labels.get(text)).copied();
        let node = match exact {
            Some(node) => node,
            None => self.by_prefix(text, branch)?,
        };
        match branch {
            Some(branch) if !branch.lineage.contains(node) => Err(not_found(text)
                .note(format!("revision {} is not on the branch {}", graph.id(node), branch.name))
                .help("leave out the branch, or name a revision on it")),
            _ => Ok(node),
        }
    }

    fn by_prefix(&self, text: &str, branch: Option<&Branch>) -> Result<usize, Problem> {
        let from = || (Bound::Included(text), Bound::Unbounded);
        let ids = self.graph.ids.range::<str, _>(from());
        let ids = ids.take_while(|(id, _)| id.as_str().starts_with(text)).map(|(_, node)| *node);
        let labels = self.graph.labels.range::<str, _>(from());
        let labels = labels.take_while(|(name, _)| name.as_str().starts_with(text)).map(|(_, node)| *node);
        let mut found: Vec<usize> = ids.chain(labels).collect();
        found.retain(|node| branch.is_none_or(|branch| branch.lineage.contains(*node)));
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [] => Err(not_found(text).help("`limbeck history` lists the revisions")),
            [one] => Ok(one),
            _ => Err(self.ambiguous(text, &found)),
        }
    }

    /// Alembic says here that it cannot locate the revision, and scripts look for that.
    fn ambiguous(&self, text: &str, found: &[usize]) -> Problem {
        let (shown, more) = (self.graph.list(found.iter().copied().take(5)), found.len().saturating_sub(5));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Problem::new(
            Code::AmbiguousId,
            format!(
                "Can't locate revision identified by '{text}': {} revisions start with it ({shown}{more})",
                found.len()
            ),
        )
        .help("type more of the id")
    }

    fn no_such_branch(&self, name: &str) -> Problem {
        let labels: Vec<&str> = self.graph.labels.keys().map(|label| label.as_str()).collect();
        let problem = not_found(name).note(format!("no branch label and no revision is called {name}"));
        match labels[..] {
            [] => problem.help("no revision has a branch label: write a revision id before the @"),
            _ => problem.help(format!("the branch labels are {}", labels.join(", "))),
        }
    }

    fn multiple_heads(&self, heads: &[usize]) -> Problem {
        let message = match self.wording {
            Wording::Target => several_heads_for(self.typed),
            Wording::NewRevision => "Multiple heads are present; please specify the head revision on which \
                                     the new revision should be based, or perform a merge."
                .to_owned(),
            Wording::Stamp => {
                "Multiple heads are present; please specify a single target revision".to_owned()
            }
        };
        let described = heads.iter().map(|head| self.labelled(*head)).collect::<Vec<_>>().join(", ");
        let problem = Problem::new(Code::MultipleHeads, message).note(format!("the heads are {described}"));
        let problem = match self.typed.split_once('@') {
            Some((branch, _)) if self.revision(branch, None).is_err() => {
                problem.note(format!("and no branch label or revision is called {branch}"))
            }
            _ => problem,
        };
        problem.help(self.way_out(heads))
    }

    fn way_out(&self, heads: &[usize]) -> String {
        let label = heads.iter().find_map(|head| self.graph.node(*head).labels().first());
        let name = label.map_or_else(|| self.graph.list(heads.iter().copied().take(1)), ToString::to_string);
        let example = if label.is_some() { format!("{name}@head") } else { name };
        format!("name a branch or a revision, as in `{example}`, or run `limbeck merge heads`")
    }

    fn labelled(&self, node: usize) -> String {
        let node = self.graph.node(node);
        let labels: Vec<&str> = node.labels().iter().map(|label| label.as_str()).collect();
        match labels[..] {
            [] => node.id().to_string(),
            _ => format!("{} ({})", node.id(), labels.join(", ")),
        }
    }

    fn database(&self) -> Result<&'a Applied<'a>, Problem> {
        self.applied.ok_or_else(|| {
            let message = format!("`{}` is relative to a database, which is not read here", self.typed);
            Problem::new(Code::BadIdentifier, message).help("name a revision instead")
        })
    }

    fn up(&self, start: Option<usize>, by: NonZeroI32, branch: Option<&Branch>) -> Result<usize, Problem> {
        let end = self.graph.walk_up(start, by.get().unsigned_abs(), branch.map(|b| &b.lineage))?;
        end.ok_or_else(|| {
            let from = start.map_or("base", |node| self.graph.id(node).as_str());
            no_steps(by).note(format!("fewer revisions than that follow {from}"))
        })
    }

    fn up_from_database(&self, branch: Option<&str>, by: NonZeroI32) -> Result<Vec<usize>, Problem> {
        let applied = self.database()?;
        let branch = self.maybe_branch(branch)?;
        let starts = match &branch {
            None => applied.row_indices().to_vec(),
            Some(branch) => self.starts_on(applied, branch),
        };
        match starts[..] {
            [] => Ok(vec![self.up(None, by, branch.as_ref())?]),
            [one] => Ok(vec![self.up(Some(one), by, branch.as_ref())?]),
            _ => Err(self.several_starts("Ambiguous upgrade from multiple current revisions", &starts, by)),
        }
    }

    /// Where a branch stands: its rows, or else the newest applied revisions that belong to it.
    fn starts_on(&self, applied: &Applied<'_>, branch: &Branch) -> Vec<usize> {
        let rows: Vec<usize> =
            applied.row_indices().iter().copied().filter(|row| branch.lineage.contains(*row)).collect();
        if !rows.is_empty() {
            return rows;
        }
        self.graph.tips(&applied.set().clone().intersection(&branch.lineage), Edges::All)
    }

    fn several_starts(&self, sentence: &str, starts: &[usize], by: NonZeroI32) -> Problem {
        let list = self.graph.list(starts.iter().copied());
        let example = starts.first().map_or("", |start| self.graph.id(*start).as_str());
        Problem::new(Code::Relative, sentence)
            .note(format!("the current revisions are {list}"))
            .help(format!("say from which: for example `{example}@{by:+}`"))
    }

    fn down_from(&self, symbol: &Symbol, by: NonZeroI32) -> Result<Down, Problem> {
        match self.single(symbol)? {
            Some(start) => self.graph.walk_down(start, by.get().unsigned_abs()),
            None => Ok(Down::PastBase),
        }
    }

    fn floor_below_rows(&self, branch: Option<&str>, by: NonZeroI32) -> Result<Floor, Problem> {
        if by.get() > 0 {
            return Err(no_steps(by).note("a downgrade cannot lead above what is applied"));
        }
        let start = self.start_down(branch, by)?;
        let down = self.graph.walk_down(start, by.get().unsigned_abs())?;
        floor(down, Some(start)).ok_or_else(|| {
            no_steps(by).note(format!("fewer revisions than that lead to {}", self.graph.id(start)))
        })
    }

    /// The revision that `-N` counts from. Without a branch it is the first row, as in Alembic; the plan
    /// carries a warning where there are others.
    fn start_down(&self, branch: Option<&str>, by: NonZeroI32) -> Result<usize, Problem> {
        let applied = self.database()?;
        let Some(branch) = self.maybe_branch(branch)? else {
            let first = applied.row_indices().first().copied();
            return first.ok_or_else(|| no_steps(by).note("nothing is applied"));
        };
        let on_branch = |nodes: &[usize]| -> Vec<usize> {
            nodes.iter().copied().filter(|node| branch.lineage.contains(*node)).collect()
        };
        let mut starts = on_branch(applied.row_indices());
        if starts.is_empty() {
            // Another branch's row may have absorbed this branch's end, because it depends on it.
            starts = on_branch(&self.graph.tips(applied.set(), Edges::Parents));
        }
        match starts[..] {
            [] => Err(no_steps(by).note("no revision of this branch is applied")),
            [one] => Ok(one),
            _ => Err(self.several_starts("Ambiguous downgrade from multiple current revisions", &starts, by)),
        }
    }
}

fn floor(down: Down, branch: Option<usize>) -> Option<Floor> {
    match down {
        Down::At(node) => Some(Floor { branch, node: Some(node) }),
        Down::Base => Some(Floor { branch, node: None }),
        Down::PastBase => None,
    }
}

/// Alembic's sentence; for an argument that names a branch already, without its nonsense suggestion.
fn several_heads_for(typed: &str) -> String {
    let narrow = if typed.contains('@') { "head" } else { typed };
    format!(
        "Multiple head revisions are present for given argument '{typed}'; please specify a specific target \
         revision, '<branchname>@{narrow}' to narrow to a specific head, or 'heads' for all heads"
    )
}

fn not_found(text: &str) -> Problem {
    Problem::new(Code::NotFound, format!("Can't locate revision identified by '{text}'"))
}

fn no_steps(by: NonZeroI32) -> Problem {
    no_such_steps(&format!("{by:+}"))
}

fn walked_too_far(by: NonZeroI32) -> Problem {
    Problem::new(Code::Relative, format!("Walked too far: {by:+} leads below base")).help("write `base`")
}

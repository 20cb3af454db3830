//! Where a new revision goes: the part of `revision` and `merge` that concerns the graph.

use super::{Graph, Node, Resolver, Target, Wording};
use crate::problem::{Code, Problem};
use crate::revision::{BranchLabel, RevisionId};

/// Whether a new revision may follow one that already has children.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Splice {
    /// Its parents must be heads.
    #[default]
    Refuse,
    /// It may start a new branch anywhere (`--splice`).
    Allow,
}

/// A new revision as asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Its id.
    pub id: RevisionId,
    /// `--head`: `head` is the default, `base` makes a new root, `heads` merges.
    pub head: &'a str,
    /// `--splice`
    pub splice: Splice,
    /// `--branch-label`
    pub branch_labels: Vec<BranchLabel>,
    /// `--depends-on`: labels, full or partial ids, or any other symbol for one revision.
    pub depends_on: &'a [String],
}

/// What the new revision's header will say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevision {
    /// `revision:`
    pub id: RevisionId,
    /// `down_revision:`
    pub down_revision: Vec<RevisionId>,
    /// `branch_labels:`
    pub branch_labels: Vec<BranchLabel>,
    /// `depends_on:` full ids, or labels where a label was given.
    pub depends_on: Vec<String>,
}

/// Finds the place of a new revision.
///
/// # Errors
/// [`Code::MultipleHeads`], [`Code::NotAHead`], [`Code::GraphDuplicate`] for an id in use,
/// [`Code::GraphLabel`] for a label in use, and what resolving the names gives.
pub fn new_revision(graph: &Graph, request: &Request<'_>) -> Result<NewRevision, Problem> {
    let parents = resolver(graph, request.head).ceiling(&Target::parse(request.head)?)?;
    check_heads(graph, &parents, request.splice)?;
    check_names(graph, &request.id, &request.branch_labels)?;
    let depends_on = request.depends_on.iter().map(|name| dependency(graph, name));
    Ok(NewRevision {
        id: request.id.clone(),
        down_revision: graph.all_ids(parents),
        branch_labels: request.branch_labels.clone(),
        depends_on: depends_on.collect::<Result<_, _>>()?,
    })
}

/// Finds the place of a revision that merges others, named by any symbols (`heads`, ids, labels).
///
/// # Errors
/// As [`new_revision`]; [`Code::NothingToMerge`] for fewer than two different revisions.
pub fn merge(
    graph: &Graph,
    symbols: &[String],
    id: RevisionId,
    branch_labels: Vec<BranchLabel>,
) -> Result<NewRevision, Problem> {
    let mut parents = Vec::new();
    for symbol in symbols {
        let found = resolver(graph, symbol).ceiling(&Target::parse(symbol)?)?;
        found.into_iter().for_each(|node| {
            if !parents.contains(&node) {
                parents.push(node);
            }
        });
    }
    if parents.len() < 2 {
        return Err(nothing_to_merge(graph, symbols, &parents));
    }
    check_heads(graph, &parents, Splice::Refuse)?;
    check_names(graph, &id, &branch_labels)?;
    Ok(NewRevision { id, down_revision: graph.all_ids(parents), branch_labels, depends_on: Vec::new() })
}

fn resolver<'a>(graph: &'a Graph, typed: &'a str) -> Resolver<'a> {
    Resolver { graph, applied: None, wording: Wording::NewRevision, typed }
}

fn check_heads(graph: &Graph, parents: &[usize], splice: Splice) -> Result<(), Problem> {
    let inner = parents.iter().map(|parent| graph.node(*parent)).find(|node| !node.is_head());
    match (splice, inner) {
        (Splice::Allow, _) | (_, None) => Ok(()),
        (Splice::Refuse, Some(node)) => Err(not_a_head(graph, node)),
    }
}

fn not_a_head(graph: &Graph, node: &Node) -> Problem {
    let message = format!(
        "Revision {} is not a head revision; please specify --splice to create a new branch from this revision",
        node.id()
    );
    let children: Vec<&str> = graph.children(node).map(|child| child.id().as_str()).collect();
    let heads: Vec<&str> = graph.heads().map(|head| head.id().as_str()).collect();
    Problem::new(Code::NotAHead, message)
        .note(format!("it is followed by {}", children.join(", ")))
        .help(format!("the heads are {}", heads.join(", ")))
}

fn check_names(graph: &Graph, id: &RevisionId, labels: &[BranchLabel]) -> Result<(), Problem> {
    if let Some(node) = graph.get(id.as_str()) {
        let header = node.header();
        return Err(Problem::new(Code::GraphDuplicate, format!("Revision {id} is present more than once"))
            .also(header.place(&header.id.span), "used here")
            .help("choose another --rev-id, or leave it out"));
    }
    if let Some(owner) = graph.labels.get(id.as_str()) {
        let message =
            format!("Revision id '{id}' is already used as a branch name by revision {}", graph.id(*owner));
        return Err(Problem::new(Code::GraphLabel, message).help("choose another --rev-id"));
    }
    labels.iter().try_for_each(|label| check_label(graph, id, label))
}

fn check_label(graph: &Graph, id: &RevisionId, label: &BranchLabel) -> Result<(), Problem> {
    let name = label.as_str();
    let owner = graph.labels.get(name).or_else(|| graph.ids.get(name));
    let owner = owner.map(|owner| graph.id(*owner)).or_else(|| (id.as_str() == name).then_some(id));
    match owner {
        None => Ok(()),
        Some(owner) => Err(Problem::new(
            Code::GraphLabel,
            format!("Branch name '{label}' in revision {id} already used by revision {owner}"),
        )
        .help("labels are unique in the whole project: choose another --branch-label")),
    }
}

/// A label stays a label, so that the header says what was meant; anything else becomes a full id.
fn dependency(graph: &Graph, name: &str) -> Result<String, Problem> {
    let target = Target::parse(name)?;
    let resolver = Resolver { graph, applied: None, wording: Wording::Target, typed: name };
    if graph.labels.contains_key(name) {
        return Ok(name.to_owned());
    }
    let found = resolver.ceiling(&target)?;
    match found[..] {
        [one] => Ok(graph.id(one).to_string()),
        _ => Err(Problem::new(
            Code::BadIdentifier,
            format!("a dependency must be one revision; `{name}` is {}", found.len()),
        )
        .help("name each revision with a --depends-on of its own")),
    }
}

fn nothing_to_merge(graph: &Graph, symbols: &[String], found: &[usize]) -> Problem {
    let typed = symbols.join(" ");
    let message = match found {
        [] => format!("There is nothing to merge: `{typed}` names no revision"),
        _ => format!(
            "There is nothing to merge: `{typed}` is one revision, {}",
            graph.list(found.iter().copied())
        ),
    };
    let heads: Vec<&str> = graph.heads().map(|head| head.id().as_str()).collect();
    let problem = Problem::new(Code::NothingToMerge, message);
    match heads[..] {
        [] | [_] => problem.help("there are no branches; a merge needs at least two heads"),
        _ => problem.help(format!("name at least two of the heads: {}", heads.join(", "))),
    }
}

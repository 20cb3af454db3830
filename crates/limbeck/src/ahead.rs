//! A database that a newer release migrated: the normal state of an old replica during a deployment, and
//! of a rollback. Ahead is not broken.

use std::collections::BTreeSet;

use limbeck_core::graph::{Applied, Graph};
use limbeck_core::plan::Plan;
use limbeck_core::revision::RevisionId;
use limbeck_core::{Code, Problem};

use crate::migrator::Way;
use crate::state::journal::Lineage;

/// Splits the rows: those that the graph knows, with the known ancestors of newer releases' rows in their
/// stead; and the newer releases' rows.
///
/// # Errors
/// A row that neither a file nor the journal knows.
pub(crate) fn known_rows(
    graph: &Graph,
    rows: &[String],
    lineage: &Lineage,
) -> Result<(Vec<String>, Vec<RevisionId>), Problem> {
    let mut known = BTreeSet::new();
    let mut ahead = Vec::new();
    for row in rows {
        if graph.get(row).is_some() {
            known.insert(row.clone());
            continue;
        }
        if !lineage.contains_key(row) {
            return Err(unknown(graph, row));
        }
        ahead.push(RevisionId::new(row)?);
        known.extend(known_ancestors(graph, row, lineage)?);
    }
    Ok((known.into_iter().collect(), ahead))
}

/// The graph's own words for a row that it does not know.
fn unknown(graph: &Graph, row: &str) -> Problem {
    let missing = || Problem::new(Code::Internal, format!("{row} is known after all"));
    Applied::new(graph, &[row.to_owned()]).err().unwrap_or_else(missing)
}

/// Walks the journal's parents until they are revisions that have files.
fn known_ancestors(graph: &Graph, row: &str, lineage: &Lineage) -> Result<BTreeSet<String>, Problem> {
    let mut known = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![row.to_owned()];
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        if graph.get(&id).is_some() {
            known.insert(id);
        } else {
            open.extend(lineage.get(&id).ok_or_else(|| unknown(graph, &id))?.iter().cloned());
        }
    }
    Ok(known)
}

/// What can be planned on such a database: nothing, where nothing of this checkout is pending.
///
/// # Errors
/// Revisions of this checkout are pending, or a downgrade was asked for.
pub(crate) fn plan(
    graph: &Graph,
    known: &[String],
    ahead: &[RevisionId],
    way: Way<'_>,
) -> Result<Plan, Problem> {
    let rows = list(ahead);
    if let (Way::Down(_), false) = (way, known.is_empty()) {
        return Err(Problem::new(
            Code::Ahead,
            format!("the database is ahead of these revisions: {rows} was applied by a newer release, and its file is not here"),
        )
        .help(
            "downgrade with the release that holds it; or `limbeck switch`: it undoes what has no file here, with the \
             journal's copy of the downgrade, and goes to this checkout's heads",
        ));
    }
    if known.is_empty() {
        return Err(foreign(ahead));
    }
    let applied = Applied::new(graph, known)?;
    let pending: Vec<&str> = applied.pending().map(|node| node.id().as_str()).collect();
    if pending.is_empty() {
        return Ok(Plan::default());
    }
    Err(Problem::new(
        Code::Ahead,
        format!("the database holds {rows} of another release, and of these revisions {} is pending", pending.join(", ")),
    )
    .note("the two releases have different revisions: neither contains the other")
    .help(
        "to lead this database to this checkout's heads: `limbeck switch` undoes what has no file here (--dry-run shows \
         it), then applies what is pending. To keep both: merge the two branches of the source, add a merge revision \
         with `limbeck merge heads`, and migrate from there",
    ))
}

/// The revisions without a file that rows stand for: themselves, and what the journal has below them.
pub(crate) fn foreign_of<'r>(
    graph: &Graph,
    rows: impl IntoIterator<Item = &'r String>,
    lineage: &Lineage,
) -> BTreeSet<String> {
    let mut foreign = BTreeSet::new();
    let mut open: Vec<String> = rows.into_iter().cloned().collect();
    while let Some(id) = open.pop() {
        if graph.get(&id).is_none() && foreign.insert(id.clone()) {
            open.extend(lineage.get(&id).into_iter().flatten().cloned());
        }
    }
    foreign
}

/// `stamp` refuses rows that no file has; the journal has what undoes these.
pub(crate) fn not_stamped(problem: Problem, ahead: &[RevisionId]) -> Problem {
    let rows = list(ahead);
    problem.note(format!("another branch or a newer release has applied {rows}: the journal knows it")).help(
        "`limbeck switch` undoes what has no file here, with the journal's copy of the downgrade; or, where the database \
         is already as it should be, `limbeck stamp --purge REV` deletes every row and records REV",
    )
}

fn list(ids: &[RevisionId]) -> String {
    ids.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", ")
}

/// None of this checkout's revisions is applied, and others are.
pub(crate) fn foreign(ahead: &[RevisionId]) -> Problem {
    let rows = list(ahead);
    Problem::new(
        Code::Ahead,
        format!(
            "this database was migrated with other revisions: it holds {rows}, and none of these is applied"
        ),
    )
    .help(
        "check that the URL (and -n) names this project's database; two projects that share one need a \
         `version_table` of their own each",
    )
}

//! Plans that never see a database (`--sql`): the range says where it would stand.

use super::{Plan, Purge, Stamp, downgrade, stamp, upgrade};
use crate::graph::{Applied, Edges, Graph, Resolver, Target, Wording, not_on_one_line};
use crate::problem::{Code, Problem};

/// An upgrade from base, or from the start of `start:end`.
///
/// # Errors
/// [`Code::BadRange`] where the end is below the start, and what resolving both gives.
pub fn upgrade_offline(graph: &Graph, range: &str) -> Result<Plan, Problem> {
    let (start, end) = split(range)?;
    let rows = rows(graph, start)?;
    let applied = Applied::new(graph, &rows)?;
    let plan = upgrade::from(&applied, end)?;
    let is_row = |id| rows.iter().any(|row| *row == format!("{id}"));
    if plan.is_empty() && !plan.targets.iter().all(is_row) {
        return Err(not_on_one_line(start.unwrap_or("base"), end));
    }
    Ok(plan)
}

/// A downgrade along `from:to`.
///
/// # Errors
/// [`Code::BadRange`] without a range, [`Code::BadTarget`] where `to` is not below `from`, and what
/// resolving both gives.
pub fn downgrade_offline(graph: &Graph, range: &str) -> Result<Plan, Problem> {
    let (Some(start), end) = split(range)? else {
        return Err(Problem::new(Code::BadRange, "downgrade with --sql requires <fromrev>:<torev>")
            .help(format!("for example `head:{range}`")));
    };
    let rows = rows(graph, Some(start))?;
    downgrade::from(&Applied::new(graph, &rows)?, end)
}

/// A stamp from an empty table, or from the one start that targets `start:end` name.
///
/// # Errors
/// [`Code::BadRange`] for two different starts, and as [`stamp()`].
pub fn stamp_offline(graph: &Graph, targets: &[String]) -> Result<Stamp, Problem> {
    let mut only: Option<&str> = None;
    let mut ends = Vec::new();
    for target in targets {
        let (start, end) = split(target)?;
        ends.push(end.to_owned());
        match (only, start) {
            (Some(first), Some(other)) if first != other => return Err(several_starts(first, other)),
            (None, Some(start)) => only = Some(start),
            _ => {}
        }
    }
    stamp(graph, &rows(graph, only)?, &ends, Purge::Keep)
}

fn several_starts(first: &str, other: &str) -> Problem {
    Problem::new(
        Code::BadRange,
        "Stamp operation with --sql only supports a single starting revision at a time",
    )
    .note(format!("two starts are given, {first} and {other}"))
}

fn split(range: &str) -> Result<(Option<&str>, &str), Problem> {
    match range.split_once(':') {
        None => Ok((None, range)),
        Some((start, end)) if !start.is_empty() && !end.is_empty() && !end.contains(':') => {
            Ok((Some(start), end))
        }
        Some(_) => Err(Problem::new(Code::BadRange, format!("`{range}` is not a range <fromrev>:<torev>"))),
    }
}

/// The rows of a database at this revision.
fn rows(graph: &Graph, start: Option<&str>) -> Result<Vec<String>, Problem> {
    let Some(typed) = start else { return Ok(Vec::new()) };
    let resolver = Resolver { graph, applied: None, wording: Wording::Target, typed };
    let found = resolver.any(&Target::parse(typed)?)?;
    let state = graph.ancestors(found, Edges::All);
    Ok(graph.tips(&state, Edges::All).into_iter().map(|row| graph.id(row).to_string()).collect())
}

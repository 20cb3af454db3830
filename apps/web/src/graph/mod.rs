//! The revision graph as a drawing: rows from the newest to the oldest, lanes from left to right.

mod lanes;

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::answer::{Migrations, Revision};
use crate::text::{clip, count, list};

use lanes::{Edge, End, Kind, Links};

/// How many revisions are drawn.
const SHOWN: usize = 60;

/// Sizes in the drawing's units, of which sixteen are as large as a letter of the page (1rem).
const ROW: usize = 52;
const MARGIN: usize = 18;
const LANE: usize = 20;
/// With many lanes they are narrower, so that a phone has room for the text.
const NARROW_LANE: usize = 9;
const WIDE_LANES: usize = 6;

/// The drawing, and the words beside it.
#[derive(Debug)]
pub(crate) struct Drawing {
    pub(crate) rows: Vec<Row>,
    pub(crate) lines: Vec<Line>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// What is shown and what is not.
    pub(crate) caption: String,
    /// Whether an edge is dashed.
    pub(crate) has_dependencies: bool,
}

/// A revision: where it is, and what is said of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) standing: Standing,
    pub(crate) is_head: bool,
    /// The version table has a row for it.
    pub(crate) is_row: bool,
    pub(crate) is_merge: bool,
    /// Labels that its parents do not have.
    pub(crate) labels: Vec<String>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) parents: Vec<String>,
}

/// An edge.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) path: String,
    pub(crate) is_dependency: bool,
}

/// How the database stands to a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Applied,
    Pending,
    /// Work on it goes on.
    Running,
    /// It began, did not end, and nobody is at work.
    Unfinished,
}

impl Standing {
    const ALL: [Self; 4] = [Self::Applied, Self::Pending, Self::Running, Self::Unfinished];

    /// Its word, which is its CSS class too.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Unfinished => "unfinished",
        }
    }

    /// Its shape, around the middle: a disc, a ring, a diamond, a triangle.
    pub(crate) fn body(self) -> &'static str {
        match self {
            Self::Applied => "M-7.5 0a7.5 7.5 0 1 0 15 0a7.5 7.5 0 1 0-15 0",
            Self::Pending => "M-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0",
            Self::Running => "M0-10.5L10.5 0 0 10.5-10.5 0z",
            Self::Unfinished => "M0-10.5L10.5 8.5H-10.5z",
        }
    }

    /// What is on it: a tick, nothing, three dots, an exclamation mark.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Applied => "M-3.5.3l2.5 2.5 4.5-5.3",
            Self::Pending => "",
            Self::Running => "M-4 0h.01M0 0h.01M4 0h.01",
            Self::Unfinished => "M0-3.5v4.5M0 5h.01",
        }
    }
}

impl Row {
    /// Its parents, for a sentence.
    pub(crate) fn follows(&self) -> String {
        list(&self.parents)
    }

    /// Its dependencies, for a sentence.
    pub(crate) fn needs(&self) -> String {
        list(&self.depends_on)
    }
}

impl Drawing {
    /// The width in letters of the page.
    pub(crate) fn width_in_rem(&self) -> String {
        in_rem(self.width)
    }

    /// The height in letters of the page.
    pub(crate) fn height_in_rem(&self) -> String {
        in_rem(self.height)
    }

    /// How the revisions stand: the legend explains what is there.
    pub(crate) fn standings(&self) -> impl Iterator<Item = Standing> {
        Standing::ALL.into_iter().filter(|standing| self.rows.iter().any(|row| row.standing == *standing))
    }
}

fn in_rem(units: usize) -> String {
    format!("{}.{:04}rem", units / 16, units % 16 * 625)
}

/// Draws the newest revisions.
pub(crate) fn draw(state: &Migrations) -> Drawing {
    let shown = &state.revisions[..state.revisions.len().min(SHOWN)];
    let layout = lanes::lay_out(&links(shown, &state.revisions));
    let spacing = if layout.width <= WIDE_LANES { LANE } else { NARROW_LANE };
    let place = |lane: usize, row: usize| (MARGIN + lane * spacing, ROW / 2 + row * ROW);
    let height = shown.len() * ROW;
    let rows = shown.iter().zip(&layout.lanes).enumerate().map(|(at, (revision, lane))| {
        let (x, y) = place(*lane, at);
        row(state, revision, x, y)
    });
    Drawing {
        rows: rows.collect(),
        lines: layout.edges.iter().map(|edge| line(edge, place, height)).collect(),
        width: 2 * MARGIN + layout.width.saturating_sub(1) * spacing,
        height,
        caption: caption(state, shown.len()),
        has_dependencies: layout.edges.iter().any(|edge| edge.kind == Kind::Dependency),
    }
}

/// What each revision that is shown leads to: another one of them, or one below the drawing.
fn links(shown: &[Revision], all: &[Revision]) -> Vec<Links> {
    let places: HashMap<&str, usize> =
        all.iter().enumerate().map(|(at, revision)| (revision.id.as_str(), at)).collect();
    let below = |at: usize, ids: &[String]| -> Vec<End> {
        let targets = ids.iter().filter_map(|id| places.get(id.as_str()).copied());
        // Nothing can be drawn of an answer that is in no order.
        let targets = targets.filter(|target| *target > at);
        targets.map(|target| if target < shown.len() { End::Row(target) } else { End::Below }).collect()
    };
    let link = |(at, revision): (usize, &Revision)| Links {
        parents: below(at, &revision.parents),
        dependencies: below(at, &revision.depends_on),
    };
    shown.iter().enumerate().map(link).collect()
}

fn row(state: &Migrations, revision: &Revision, x: usize, y: usize) -> Row {
    let parents = state.revisions.iter().filter(|other| revision.parents.contains(&other.id));
    let inherited: Vec<&String> = parents.flat_map(|parent| &parent.labels).collect();
    let clipped = |texts: &[String]| texts.iter().map(|text| clip(text)).collect::<Vec<_>>();
    Row {
        x,
        y,
        id: clip(&revision.id),
        message: clip(&revision.message),
        standing: standing(state, revision),
        is_head: revision.head,
        is_row: state.database.rows.contains(&revision.id),
        is_merge: revision.parents.len() > 1,
        labels: revision
            .labels
            .iter()
            .filter(|label| !inherited.contains(label))
            .map(|label| clip(label))
            .collect(),
        depends_on: clipped(&revision.depends_on),
        parents: clipped(&revision.parents),
    }
}

fn standing(state: &Migrations, revision: &Revision) -> Standing {
    let database = &state.database;
    if database.running.as_ref().is_some_and(|running| running.revision == revision.id) {
        return if database.migrating.is_some() { Standing::Running } else { Standing::Unfinished };
    }
    let worked_on =
        database.migrating.as_ref().and_then(|session| session.application.strip_prefix("limbeck "));
    match (worked_on == Some(&revision.id), revision.applied) {
        (true, _) => Standing::Running,
        (false, true) => Standing::Applied,
        (false, false) => Standing::Pending,
    }
}

fn line(edge: &Edge, place: impl Fn(usize, usize) -> (usize, usize), height: usize) -> Line {
    let (x, y) = place(edge.from.1, edge.from.0);
    let mut path = format!("M{x} {y}");
    let mut at = (x, y);
    let mut bend = |to: (usize, usize)| {
        let half = at.1.midpoint(to.1);
        // Writing to a String cannot fail.
        _ = match at.0 == to.0 {
            true => write!(path, "V{}", to.1),
            false => write!(path, "C{} {half} {} {half} {} {}", at.0, to.0, to.0, to.1),
        };
        at = to;
    };
    let (first, last) = (edge.from.0 + 1, edge.to.map(|(row, _)| row));
    if last != Some(first) {
        let (x, y) = place(edge.lane, first);
        bend((x, y.min(height)));
    }
    match edge.to {
        Some((row, lane)) => {
            if row > first {
                bend(place(edge.lane, row - 1));
            }
            bend(place(lane, row));
        }
        None => bend((place(edge.lane, 0).0, height)),
    }
    Line { path, is_dependency: edge.kind == Kind::Dependency }
}

fn caption(state: &Migrations, shown: usize) -> String {
    let all = state.revisions.len();
    if all == shown {
        return match all {
            0 => "This release has no revisions.".to_owned(),
            1 => "The one revision.".to_owned(),
            all => format!("All {all} revisions, newest first."),
        };
    }
    let older = &state.revisions[shown..];
    let pending = older.iter().filter(|revision| !revision.applied).count();
    let rest = match pending {
        0 => "all of them applied".to_owned(),
        pending => format!("{} of them pending", count(pending)),
    };
    format!(
        "The newest {shown} of {} revisions. {} older ones are not drawn, {rest}.",
        count(all),
        count(older.len())
    )
}

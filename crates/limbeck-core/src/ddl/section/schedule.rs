//! Which statement runs in which segment.

use std::collections::BTreeMap;

use super::piece::{Class, Piece, pieces, table_with};
use super::{Mode, Step, Style};
use crate::diff::{Action, Change, Changes, Host};
use crate::schema::{Constraint, ConstraintKind, Entry, Name, Object, ObjectId};

/// Levels come one after the other. Three of them make a round: short statements in a transaction, statements outside
/// of one, and long ones in a transaction under weak locks. `ADD VALUE` may come before the first round.
type Level = i32;

const ROUND: Level = 3;
const BEFORE_ALL: Level = -2;

impl Class {
    /// Its place in a round.
    fn place(self) -> Level {
        match self {
            Self::Transaction => 0,
            Self::Alone | Self::AddValue => 1,
            Self::Validate => 2,
        }
    }

    /// The first level from `level` on where it may run.
    fn level(self, level: Level) -> Level {
        level + (self.place() - level).rem_euclid(ROUND)
    }
}

/// A statement with its level.
struct Placed {
    level: Level,
    position: usize,
    piece: Piece,
}

pub(super) fn schedule(changes: &Changes, style: &Style) -> Vec<Step> {
    let mut inlined = inlined(&changes.changes);
    let mut placed = Vec::new();
    let mut ready: Vec<Ready> = Vec::with_capacity(changes.changes.len());
    for (position, change) in changes.changes.iter().enumerate() {
        if let Some(&table) = inlined.get(&position) {
            ready.push(ready[table]);
            continue;
        }
        let found = match &change.action {
            Action::Create(entry) if change.host == Host::New && matches!(entry.object, Object::Table(_)) => {
                leave_out_late(&changes.changes, &mut inlined, position, &ready);
                table_with(change, entry, &inside(&changes.changes, &inlined, position))
            }
            _ => pieces(change, style),
        };
        let level = place(change, found, position, &changes.changes, &ready, &mut placed);
        ready.push(level);
    }
    say_goodbye_last(&changes.changes, &mut placed);
    placed.sort_by_key(|placed| (placed.level, placed.position));
    steps(placed, style)
}

/// From which level on others may count on a change, and from which on it is known to hold for all rows.
#[derive(Debug, Clone, Copy)]
struct Ready {
    made: Level,
    proved: Level,
}

/// Gives each statement of a change its level; the result is when others may count on the change.
fn place(
    change: &Change,
    pieces: Vec<Piece>,
    position: usize,
    changes: &[Change],
    ready: &[Ready],
    placed: &mut Vec<Placed>,
) -> Ready {
    let is_key = matches!(change.action, Action::Create(_) | Action::Swap { .. });
    let waits_late = |other: &&usize| is_key && matches!(changes[**other].action, Action::SetNotNull { .. });
    let counts = |other: &usize| match change.action {
        Action::Join { .. } => ready[*other].proved,
        _ => ready[*other].made,
    };
    let latest = |others: &mut dyn Iterator<Item = &usize>| others.map(counts).max();
    let early = latest(&mut change.after.iter().filter(|other| !waits_late(other)));
    let late = latest(&mut change.after.iter());
    let first = match (change.action.is_add_value(), early) {
        (true, None) => BEFORE_ALL,
        (_, early) => early.unwrap_or(0).max(0),
    };
    let (mut level, mut is_ready, last) = (first, first, pieces.len().saturating_sub(1));
    for (index, piece) in pieces.into_iter().enumerate() {
        // An index can be built before its columns are known to be NOT NULL; the key needs that.
        let needs = if index == last { late.unwrap_or(first).max(first) } else { first };
        level = piece.class.level(level.max(needs));
        if piece.class == Class::AddValue {
            is_ready = level + 1;
        } else if piece.class != Class::Validate || matches!(change.action, Action::SetNotNull { .. }) {
            is_ready = level;
        }
        placed.push(Placed { level, position, piece });
    }
    Ready { made: is_ready, proved: level }
}

/// What an older application may still use goes when all else is done.
fn say_goodbye_last(changes: &[Change], placed: &mut [Placed]) {
    let end = placed.iter().map(|placed| placed.level).max().unwrap_or(0);
    if end <= 0 {
        return;
    }
    let mut waits: Vec<bool> = changes.iter().map(|change| change.farewell).collect();
    for (position, change) in changes.iter().enumerate().rev() {
        if !waits[position] {
            for &other in &change.after {
                waits[other] = false;
            }
        }
    }
    // One that waits for another that runs outside of a transaction comes after that.
    let mut levels: BTreeMap<usize, Level> = BTreeMap::new();
    for placed in placed.iter_mut().filter(|placed| waits[placed.position]) {
        let others = changes[placed.position].after.iter().chain([&placed.position]);
        let earliest = others.filter_map(|other| levels.get(other)).copied().max().unwrap_or(end);
        placed.level = placed.piece.class.level(earliest);
        levels.insert(placed.position, placed.level);
    }
}

fn steps(placed: Vec<Placed>, style: &Style) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(placed.len());
    let mut before: Option<(Level, Class)> = None;
    for Placed { level, piece, .. } in placed {
        if let (Some((last, class)), Some(step)) = (before, steps.last_mut()) {
            let in_transaction = |class| matches!(class, Class::Transaction | Class::Validate);
            step.ends_segment = style.mode == Mode::Online
                && last != level
                && in_transaction(class)
                && in_transaction(piece.class);
        }
        before = Some((level, piece.class));
        steps.push(Step { sql: piece.sql, marks: piece.marks, ends_segment: false });
    }
    steps
}

/// Constraints that stand inside of their new table's parentheses: whose needs are there when the table is made. Each
/// with the table's position.
fn inlined(changes: &[Change]) -> BTreeMap<usize, usize> {
    let mut tables: BTreeMap<Name, usize> = BTreeMap::new();
    let mut inlined: BTreeMap<usize, usize> = BTreeMap::new();
    for (position, change) in changes.iter().enumerate() {
        let Action::Create(entry) = &change.action else { continue };
        match (&entry.object, &change.object.of) {
            (Object::Table(_), _) if change.because.is_none() => {
                tables.extend(change.object.qualified().map(|name| (name, position)));
            }
            (Object::Constraint(constraint), Some(table)) if goes_inside(entry, constraint) => {
                let Some(&table) = tables.get(table) else { continue };
                let there = |other: &usize| inlined.get(other).copied().unwrap_or(*other) <= table;
                // Of two with the same index CREATE TABLE would make one.
                let is_double = inlined.iter().any(|(&other, &host)| {
                    host == table && has_index(&changes[other], constraint.index.as_deref())
                });
                if change.after.iter().all(there) && !is_double {
                    inlined.insert(position, table);
                }
            }
            _ => {}
        }
    }
    inlined
}

fn has_index(change: &Change, definition: Option<&str>) -> bool {
    match &change.action {
        Action::Create(entry) => match &entry.object {
            Object::Constraint(constraint) => {
                definition.is_some() && constraint.index.as_deref() == definition
            }
            _ => false,
        },
        _ => false,
    }
}

/// What a constraint needs may be there, but in a later segment than its table: then the constraint is added there.
fn leave_out_late(changes: &[Change], inlined: &mut BTreeMap<usize, usize>, table: usize, ready: &[Ready]) {
    let level =
        |others: &[usize]| others.iter().filter_map(|&other| ready.get(other)).map(|it| it.made).max();
    let start = Class::Transaction.level(level(&changes[table].after).unwrap_or(0).max(0));
    let inside: Vec<usize> = inlined.iter().filter(|it| *it.1 == table).map(|it| *it.0).collect();
    for constraint in inside {
        let after = &changes[constraint].after;
        let in_time = |other: &usize| *other <= table || inlined.get(other) == Some(&table);
        if level(after).is_some_and(|level| level > start) || !after.iter().all(in_time) {
            inlined.remove(&constraint);
        }
    }
}

fn goes_inside(entry: &Entry, constraint: &Constraint) -> bool {
    let commented = entry.comment.is_some() || !entry.part_comments.is_empty();
    !commented && (constraint.validated || constraint.kind == ConstraintKind::PrimaryKey)
}

/// The constraints inside of a table's parentheses.
fn inside<'c>(
    changes: &'c [Change],
    inlined: &BTreeMap<usize, usize>,
    table: usize,
) -> Vec<(&'c ObjectId, &'c Constraint)> {
    let mine = inlined.iter().filter(|(_, host)| **host == table).map(|(position, _)| &changes[*position]);
    let constraint = |change: &'c Change| match &change.action {
        Action::Create(entry) => match &entry.object {
            Object::Constraint(constraint) => Some((&change.object, constraint)),
            _ => None,
        },
        _ => None,
    };
    let mut constraints: Vec<_> = mine.filter_map(constraint).collect();
    constraints.sort_by_key(|(id, constraint)| (constraint.kind, id.name.clone()));
    constraints
}

//! Which renames are due, and the order in which a name is free before it is taken.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Key, keys};
use super::options::{Occupied, Rename};
use super::rename::{Renaming, columns_of};
use crate::ddl::quote;
use crate::schema::{Column, Kind, Name, Object, ObjectId, Schema, Table};

/// Of the renames that are asked for, those that fit the two schemas: what they are about is there, and its new name
/// is free or will be.
pub(super) fn due<'r>(
    from: &Schema,
    to: &Schema,
    asked: impl Iterator<Item = &'r Rename>,
    occupied: Occupied,
) -> Vec<Rename> {
    let mut due: Vec<Rename> = Vec::new();
    for rename in asked.filter(|rename| is_possible(from, to, rename)) {
        let (old, new) = ends(rename);
        if due.iter().map(ends).all(|(other_old, other_new)| other_old != old && other_new != new) {
            due.push(rename.clone());
        }
    }
    match occupied {
        Occupied::Stays => {
            let due = without_blocked(due, |rename| is_there(from, &target(rename)));
            without_done(from, to, due)
        }
        Occupied::GivesWay => due,
    }
}

/// The same, and before them the renames of what has one of the new names and is to go.
pub(super) fn with_room(from: &Schema, to: &Schema, due: Vec<Rename>) -> Vec<Rename> {
    let leaves: BTreeSet<Key> = due.iter().map(|rename| ends(rename).0).collect();
    let in_the_way = |rename: &&Rename| is_there(from, &target(rename)) && !leaves.contains(&ends(rename).1);
    let aside = |rename: &Rename| {
        let occupant = target(rename);
        by_way_of(&occupant, |name| is_known(from, to, &occupant, name)).0
    };
    let room: Vec<Rename> = due.iter().filter(in_the_way).map(aside).collect();
    room.into_iter().chain(due).collect()
}

/// Leaves out renames whose new name something else has and keeps.
pub(super) fn without_blocked(mut due: Vec<Rename>, is_taken: impl Fn(&Rename) -> bool) -> Vec<Rename> {
    loop {
        let leaves: BTreeSet<Key> = due.iter().map(|rename| ends(rename).0).collect();
        let before = due.len();
        due.retain(|rename| !is_taken(rename) || leaves.contains(&ends(rename).1));
        if due.len() == before {
            return due;
        }
    }
}

/// Names that were exchanged look like names that are to be exchanged, if the hints are still there. So a circle of
/// renames counts only where the schemas are more alike after it.
fn without_done(from: &Schema, to: &Schema, mut due: Vec<Rename>) -> Vec<Rename> {
    for circle in circles(&due) {
        let mut tried = Renaming::new(Cow::Borrowed(from), to);
        tried.run(circle.clone());
        tried.run_implied();
        if distance(&tried.schema, to) >= distance(from, to) {
            due.retain(|rename| !circle.contains(rename));
        }
    }
    due
}

/// The renames that form circles: each takes the name that another one leaves.
fn circles(due: &[Rename]) -> Vec<Vec<Rename>> {
    let by_old: BTreeMap<Key, &Rename> = due.iter().map(|rename| (ends(rename).0, rename)).collect();
    let (mut circles, mut seen) = (Vec::new(), BTreeSet::new());
    for start in by_old.keys() {
        let (mut circle, mut at) = (Vec::new(), start.clone());
        while let Some(rename) = by_old.get(&at)
            && seen.insert(at.clone())
        {
            circle.push((*rename).clone());
            at = ends(rename).1;
        }
        if !circle.is_empty() && at == *start {
            circles.push(circle);
        }
    }
    circles
}

/// How much differs: objects, and of tables and enums the columns and values.
fn distance(from: &Schema, to: &Schema) -> usize {
    let ids: BTreeSet<&ObjectId> = from.objects.keys().chain(to.objects.keys()).collect();
    let differing = |id: &&ObjectId| match (from.objects.get(*id), to.objects.get(*id)) {
        (Some(before), Some(after)) if before.says_the_same_as(after) => 0,
        (Some(before), Some(after)) => match (&before.object, &after.object) {
            (Object::Table(before), Object::Table(after)) => 1 + columns_apart(before, after),
            (Object::Enum(before), Object::Enum(after)) => {
                1 + before.values.iter().zip(&after.values).filter(|(a, b)| a != b).count()
            }
            _ => 1,
        },
        _ => 1,
    };
    ids.iter().map(differing).sum()
}

fn columns_apart(from: &Table, to: &Table) -> usize {
    let changed = |column: &&Column| to.column(&column.name) != Some(column);
    let new = to.columns.iter().filter(|column| from.column(&column.name).is_none()).count();
    from.columns.iter().filter(changed).count() + new
}

/// The same renames in an order in which they can run, with a name for a moment where they form a circle.
pub(super) fn in_order(from: &Schema, to: &Schema, due: Vec<Rename>) -> Vec<Rename> {
    let mut open: Vec<Move> = due.into_iter().map(|rename| Move::new(from, rename)).collect();
    let mut steps = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let mut held: BTreeMap<&Key, usize> = BTreeMap::new();
        open.iter().flat_map(|one| &one.frees).for_each(|key| *held.entry(key).or_default() += 1);
        let is_free = |one: &Move| {
            let by_others =
                |key: &Key| held.get(key).copied().unwrap_or(0) > usize::from(one.frees.contains(key));
            !one.takes.iter().any(by_others)
        };
        let (free, blocked): (Vec<_>, Vec<_>) = open.iter().cloned().partition(is_free);
        steps.extend(free.into_iter().map(|one| one.rename));
        let stuck = blocked.len() == open.len();
        open = blocked;
        if stuck && let Some(first) = open.first_mut() {
            let (away, back) = by_way_of(&first.rename, |name| is_known(from, to, &first.rename, name));
            steps.push(away);
            (first.rename, first.frees) = (back, Vec::new());
        }
    }
    steps
}

/// A rename with the names that it frees and takes.
#[derive(Debug, Clone)]
struct Move {
    rename: Rename,
    frees: Vec<Key>,
    takes: Vec<Key>,
}

impl Move {
    fn new(schema: &Schema, rename: Rename) -> Self {
        let (frees, takes) = match &rename {
            Rename::Object { from, to } => (names(schema, from, from), names(schema, from, to)),
            _ => {
                let (old, new) = ends(&rename);
                (vec![old], vec![new])
            }
        };
        Self { rename, frees, takes }
    }
}

/// The names that an object has under another identity. The sequence of an identity column is no object of its own.
pub(super) fn names(schema: &Schema, object: &ObjectId, id: &ObjectId) -> Vec<Key> {
    match (schema.get(object), id.qualified()) {
        (Some(object), _) => keys(id, object),
        (None, Some(name)) if id.kind == Kind::Sequence => vec![Key::Relation(name)],
        (None, _) => Vec::new(),
    }
}

/// What a rename is about, before and after it.
fn ends(rename: &Rename) -> (Key, Key) {
    match rename {
        Rename::Object { from, to } => (Key::Object(from.clone()), Key::Object(to.clone())),
        Rename::Column { table, from, to } => {
            let table = ObjectId::relation(Kind::Table, table);
            (Key::Column(table.clone(), from.clone()), Key::Column(table, to.clone()))
        }
        Rename::Value { of, from, to } => {
            (Key::Value(of.clone(), from.clone()), Key::Value(of.clone(), to.clone()))
        }
    }
}

/// The rename back, for what is about its new name.
fn target(rename: &Rename) -> Rename {
    match rename.clone() {
        Rename::Object { from, to } => Rename::Object { from: to, to: from },
        Rename::Column { table, from, to } => Rename::Column { table, from: to, to: from },
        Rename::Value { of, from, to } => Rename::Value { of, from: to, to: from },
    }
}

fn is_possible(from: &Schema, to: &Schema, rename: &Rename) -> bool {
    let fits = match rename {
        Rename::Object { from, to } => from.kind == to.kind && from != to,
        Rename::Column { from, to, .. } | Rename::Value { from, to, .. } => from != to,
    };
    fits && is_there(from, rename) && is_there(to, &target(rename))
}

/// Whether a schema has what a rename begins with.
pub(super) fn is_there(schema: &Schema, rename: &Rename) -> bool {
    match rename {
        Rename::Object { from, .. } => schema.objects.contains_key(from),
        Rename::Column { table, from, .. } => {
            columns_of(schema, table).is_some_and(|(_, columns)| columns.contains(from.as_str()))
        }
        Rename::Value { of, from, .. } => values_of(schema, of).contains(from),
    }
}

fn values_of<'s>(schema: &'s Schema, of: &Name) -> &'s [String] {
    match schema.get(&ObjectId::relation(Kind::Enum, of)) {
        Some(Object::Enum(object)) => &object.values,
        _ => &[],
    }
}

/// Whether a schema knows a name where the rename could use it.
fn is_known(from: &Schema, to: &Schema, rename: &Rename, name: &str) -> bool {
    [from, to].into_iter().any(|schema| match rename {
        Rename::Object { from: id, .. } => {
            schema.objects.keys().any(|other| other.schema == id.schema && other.name == name)
        }
        Rename::Column { table, .. } => {
            columns_of(schema, table).is_some_and(|(_, columns)| columns.contains(name))
        }
        Rename::Value { of, .. } => values_of(schema, of).iter().any(|value| value == name),
    })
}

/// A rename in two steps: out of the way, and from there to where it leads.
fn by_way_of(rename: &Rename, is_known: impl Fn(&str) -> bool) -> (Rename, Rename) {
    let free = |name: &str| {
        let mut suffix = "__old".to_owned();
        for number in 2_u32.. {
            if !is_known(&quote::with_suffix(name, &suffix)) {
                break;
            }
            suffix = format!("__old{number}");
        }
        quote::with_suffix(name, &suffix)
    };
    match rename.clone() {
        Rename::Object { from, to } => {
            let aside = ObjectId { name: free(&from.name), ..from.clone() };
            (Rename::Object { from, to: aside.clone() }, Rename::Object { from: aside, to })
        }
        Rename::Column { table, from, to } => {
            let aside = free(&from);
            (
                Rename::Column { table: table.clone(), from, to: aside.clone() },
                Rename::Column { table, from: aside, to },
            )
        }
        Rename::Value { of, from, to } => {
            let aside = free(&from);
            (Rename::Value { of: of.clone(), from, to: aside.clone() }, Rename::Value { of, from: aside, to })
        }
    }
}

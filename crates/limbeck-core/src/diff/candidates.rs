//! What may have been renamed: for a person to decide.

use super::options::Rename;
use super::words;
use crate::schema::{Column, Kind, Name, Object, ObjectId, Schema, Table};

/// A pair that may be one thing under two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameCandidate {
    /// As it is passed to [`Options`](super::Options).
    pub rename: Rename,
    /// For a question: `users.nick to nickname (text)`.
    pub words: String,
    /// How many of a hundred things they have in common.
    pub likeness: u32,
}

/// Likely renames, the likeliest first: tables with mostly the same columns, columns of one type in one table, types
/// with the same make-up, values at the same place in an enum. A name may occur in several of them.
///
/// Constraints, indexes and policies that differ only in their names are not here: [`diff`](super::diff()) renames
/// them by itself.
pub fn candidates(from: &Schema, to: &Schema) -> Vec<RenameCandidate> {
    let mut found = Vec::new();
    let gone = || from.objects.iter().filter(|(id, _)| !to.objects.contains_key(id) && id.of.is_none());
    for (id, entry) in gone() {
        for (other, new) in to.objects.iter().filter(|(other, _)| other.kind == id.kind) {
            if from.objects.contains_key(other) || other.of.is_some() {
                continue;
            }
            if let Some(likeness) = likeness(id, &entry.object, other, &new.object) {
                let words = format!("{} to {}", words::object(id), words::object(other));
                let rename = Rename::Object { from: id.clone(), to: other.clone() };
                found.push(RenameCandidate { rename, words, likeness });
            }
        }
    }
    for (id, entry) in &from.objects {
        match (&entry.object, to.get(id), id.qualified()) {
            (Object::Table(old), Some(Object::Table(new)), Some(name)) => {
                columns(&name, old, new, &mut found)
            }
            (Object::Enum(old), Some(Object::Enum(new)), Some(name)) => {
                values(&name, &old.values, &new.values, &mut found);
            }
            _ => {}
        }
    }
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.likeness));
    found
}

/// Half of what two tables have must be the same.
const ENOUGH: u32 = 50;

fn likeness(old_id: &ObjectId, old: &Object, new_id: &ObjectId, new: &Object) -> Option<u32> {
    match (old, new) {
        (Object::Table(old), Object::Table(new)) => {
            if old.partition_of.is_some() || new.partition_of.is_some() {
                return None;
            }
            let same = |column: &&Column| {
                new.column(&column.name).is_some_and(|other| other.data_type == column.data_type)
            };
            let common = old.columns.iter().filter(same).count() * 2;
            let all = old.columns.len() + new.columns.len();
            let percent = u32::try_from(common * 100 / all.max(1)).unwrap_or(0);
            (percent > ENOUGH).then_some(percent)
        }
        (Object::View(old), Object::View(new)) => (old.definition == new.definition).then_some(100),
        (Object::Sequence(old), Object::Sequence(new)) => {
            (old == new && old.owned_by.is_none()).then_some(60)
        }
        (Object::Routine(old), Object::Routine(new)) => {
            let renamed = old.definition.replacen(&old_id.name, &new_id.name, 1);
            (renamed == new.definition).then_some(100)
        }
        (Object::Enum(_) | Object::Domain(_) | Object::Composite(_) | Object::Range(_), _) => {
            (old == new).then_some(100)
        }
        _ => None,
    }
}

fn columns(table: &Name, old: &Table, new: &Table, found: &mut Vec<RenameCandidate>) {
    let gone = old.columns.iter().filter(|column| new.column(&column.name).is_none() && !column.inherited);
    for (before, column) in gone.enumerate() {
        let came =
            new.columns.iter().filter(|column| old.column(&column.name).is_none() && !column.inherited);
        for (after, other) in came.enumerate().filter(|(_, other)| other.data_type == column.data_type) {
            let rename =
                Rename::Column { table: table.clone(), from: column.name.clone(), to: other.name.clone() };
            let words =
                format!("{}.{} to {} ({})", words::name(table), column.name, other.name, column.data_type);
            let same = Column { name: column.name.clone(), ..other.clone() } == *column;
            let likeness = if same { 80 } else { 60 } + if before == after { 10 } else { 0 };
            found.push(RenameCandidate { rename, words, likeness });
        }
    }
}

/// One value for another at the same place, the rest as it was.
fn values(of: &Name, old: &[String], new: &[String], found: &mut Vec<RenameCandidate>) {
    if old.len() != new.len() {
        return;
    }
    for (before, after) in old.iter().zip(new).filter(|(before, after)| before != after) {
        if new.contains(before) || old.contains(after) {
            return;
        }
        let rename = Rename::Value { of: of.clone(), from: before.clone(), to: after.clone() };
        let words = format!(
            "value '{before}' of {} to '{after}'",
            words::object(&ObjectId::relation(Kind::Enum, of))
        );
        found.push(RenameCandidate { rename, words, likeness: 70 });
    }
}

//! What a schema as it is written has in common with one that PostgreSQL printed.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::object_name;
use super::write::usual_sequence;
use crate::schema::{
    Column, Entry, IdentitySequence, Kind, Name, Object, ObjectId, Schema, Table, literal_before,
    without_length,
};

/// A schema as it is written (by models), beside one in normal form. What is written exactly as PostgreSQL prints it in
/// the normal form is in normal form too, and needs no server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// What both have, as the normal form has it.
    pub taken: Schema,
    /// What only the written schema has, as it is written, with what it needs of the rest. Nothing, where all is shared.
    pub rest: Schema,
}

impl Shared {
    /// Compares them. An object is shared if it says the same, and all that it needs is shared.
    pub fn of(written: &Schema, normal: &Schema) -> Self {
        let mut shared: BTreeSet<&ObjectId> = BTreeSet::new();
        let mut needing: BTreeMap<ObjectId, Vec<&ObjectId>> = BTreeMap::new();
        let mut lost: Vec<ObjectId> = Vec::new();
        for (id, entry) in &written.objects {
            match normal.objects.get(id).filter(|printed| is_printed_so(id, entry, printed)) {
                Some(printed) => {
                    shared.insert(id);
                    for needed in
                        normal.needed(id, printed).into_iter().filter(|it| normal.objects.contains_key(it))
                    {
                        needing.entry(needed).or_default().push(id);
                    }
                }
                None => lost.push(id.clone()),
            }
        }
        lost.extend(needing.keys().filter(|needed| !written.objects.contains_key(needed)).cloned());
        while let Some(id) = lost.pop() {
            for needing in needing.remove(&id).unwrap_or_default() {
                if shared.remove(needing) {
                    lost.push(needing.clone());
                }
            }
        }
        Self::parted(written, normal, &shared)
    }

    fn parted(written: &Schema, normal: &Schema, shared: &BTreeSet<&ObjectId>) -> Self {
        let mut taken = Schema::default();
        for (id, entry) in &written.objects {
            let Some(printed) = normal.objects.get(id).filter(|_| shared.contains(id)) else { continue };
            taken.objects.insert(id.clone(), Entry { grants: entry.grants.clone(), ..printed.clone() });
        }
        let mut rest = Schema::default();
        if shared.len() < written.objects.len() {
            let mut all = written.clone();
            all.objects.extend(taken.objects.clone());
            rest = all.part(written.objects.keys().filter(|id| !shared.contains(id)).cloned());
        }
        // It is in every database, and no model says so.
        let public = ObjectId::global(Kind::Schema, "public");
        if let Some(entry) = normal.objects.get(&public) {
            let entry = Entry { comment: None, ..entry.clone() };
            taken.objects.entry(public).or_insert(entry);
        }
        Self { taken, rest }
    }
}

/// Whether PostgreSQL would print an object so. Grants are not compared: models have no words for them.
fn is_printed_so(id: &ObjectId, written: &Entry, printed: &Entry) -> bool {
    written.is_commented_as(printed)
        && match (&written.object, &printed.object) {
            (Object::Table(written), Object::Table(printed)) => {
                id.qualified().is_some_and(|name| completed(written, printed, &name) == *printed)
            }
            (written, printed) => written == printed,
        }
}

/// A table with what PostgreSQL adds to what is written. The order of columns is not compared.
fn completed(written: &Table, printed: &Table, name: &Name) -> Table {
    let place = |column: &Column| printed.columns.iter().position(|it| it.name == column.name);
    let mut table = written.clone();
    table.columns.sort_by_key(place);
    for (column, printed) in table.columns.iter_mut().zip(&printed.columns) {
        if is_default_printed_so(column, printed) {
            column.default.clone_from(&printed.default);
        }
        let usual = printed.identity.as_ref().and_then(|identity| identity.sequence.as_ref());
        let usual = usual.filter(|sequence| is_usual(sequence, name, column));
        if let (Some(identity), Some(usual)) = (&mut column.identity, usual) {
            identity.sequence.get_or_insert_with(|| usual.clone());
        }
    }
    table
}

/// Whether a string constant got nothing but the name of the column's type: both are the same value then.
fn is_default_printed_so(written: &Column, printed: &Column) -> bool {
    let (Some(default), Some(print)) = (&written.default, &printed.default) else { return false };
    let cast = format!("::{}", without_length(&printed.data_type));
    written.data_type == printed.data_type
        && literal_before(default, "").is_some()
        && literal_before(print, &cast) == Some(default)
}

/// Whether the sequence of an identity column is what PostgreSQL makes where nothing is said.
fn is_usual(sequence: &IdentitySequence, table: &Name, column: &Column) -> bool {
    sequence.name.schema == table.schema
        && sequence.name.name == object_name(&table.name, &column.name, "seq")
        && sequence.settings == usual_sequence(&column.data_type, 1)
}

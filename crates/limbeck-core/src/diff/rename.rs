//! Renames: the old side is read as it will be once they have run.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Role, Stage, keys};
use super::options::Rename;
use super::text::{Rewrite, follows};
use super::walk;
use super::words;
use crate::ddl::{self, quote};
use crate::schema::{Entry, Kind, Name, Object, ObjectId, Schema};

/// The old side after the renames that fit, and what does them.
pub(super) fn apply<'a>(from: &'a Schema, to: &Schema, renames: &[Rename]) -> (Cow<'a, Schema>, Vec<Draft>) {
    let mut drafts = Vec::new();
    let mut renamed = Cow::Borrowed(from);
    // One after the other: a column's rename names its table as it is called after the table's own.
    let kinds: [fn(&Rename) -> bool; 4] = [
        |rename| matches!(rename, Rename::Object { from, .. } if from.kind == Kind::Schema),
        |rename| matches!(rename, Rename::Object { from, .. } if from.kind != Kind::Schema && from.of.is_none()),
        |rename| matches!(rename, Rename::Column { .. } | Rename::Value { .. }),
        |rename| matches!(rename, Rename::Object { from, .. } if from.of.is_some()),
    ];
    for is_meant in kinds {
        for rename in renames.iter().filter(|rename| is_meant(rename)) {
            if let Some((schema, draft)) = one(&renamed, to, rename) {
                renamed = Cow::Owned(schema);
                drafts.push(draft);
            }
        }
    }
    for rename in implied(&renamed, to) {
        if let Some((schema, draft)) = one(&renamed, to, &rename) {
            renamed = Cow::Owned(schema);
            drafts.push(draft);
        }
    }
    (renamed, drafts)
}

/// What is renamed without asking: constraints, indexes and policies that only differ in their names, and sequences
/// of the same column.
fn implied(from: &Schema, to: &Schema) -> Vec<Rename> {
    let gone = from.objects.iter().filter(|(id, _)| !to.objects.contains_key(id));
    let mut came: Vec<(&ObjectId, &Entry)> =
        to.objects.iter().filter(|(id, _)| !from.objects.contains_key(id)).collect();
    let mut renames = Vec::new();
    for (id, entry) in gone {
        let same = |(other, new): &(&ObjectId, &Entry)| {
            id.kind == other.kind && id.of == other.of && is_same(&entry.object, &new.object)
        };
        if let Some(at) = came.iter().position(same) {
            let (other, _) = came.remove(at);
            renames.push(Rename::Object { from: id.clone(), to: other.clone() });
        }
    }
    renames
}

fn is_same(from: &Object, to: &Object) -> bool {
    match (from, to) {
        (Object::Constraint(from), Object::Constraint(to)) => from == to,
        (Object::Index(from), Object::Index(to)) => from == to,
        (Object::Policy(from), Object::Policy(to)) => from == to,
        (Object::Sequence(from), Object::Sequence(to)) => {
            from.owned_by.is_some() && from.owned_by == to.owned_by
        }
        _ => false,
    }
}

/// One rename, if it fits.
fn one(from: &Schema, to: &Schema, rename: &Rename) -> Option<(Schema, Draft)> {
    let (statements, object, words, rewrite) = match rename {
        Rename::Object { from: old, to: new } => object(from, to, old, new)?,
        Rename::Column { table, from: old, to: new } => column(from, to, table, old, new)?,
        Rename::Value { of, from: old, to: new } => value(from, to, of, old, new)?,
    };
    let draft = Draft::new(&object, super::change::Action::Alter(statements), words)
        .role(Role::Provide)
        .stage(Stage::Rename);
    let mut draft = draft;
    let mut schema = rewritten(from, to, &rewrite);
    if let Rewrite::Object { from: old, to: new } = &rewrite {
        if let Some(entry) = schema.objects.get(new) {
            draft.takes = keys(new, &entry.object);
        }
        for along in moved_along(from, old, new) {
            schema = rewritten(&schema, to, &along);
        }
    }
    Some((schema, draft))
}

/// Sequences that columns own move to another schema with their table.
fn moved_along(from: &Schema, old: &ObjectId, new: &ObjectId) -> Vec<Rewrite> {
    if old.kind != Kind::Table || old.schema == new.schema {
        return Vec::new();
    }
    let owned = from.objects.iter().filter(|(_, entry)| match &entry.object {
        Object::Sequence(sequence) => {
            sequence.owned_by.as_ref().is_some_and(|(table, _)| Some(table) == old.qualified().as_ref())
        }
        _ => false,
    });
    let moved = |id: &ObjectId| ObjectId { schema: new.schema.clone(), ..id.clone() };
    owned.map(|(id, _)| Rewrite::Object { from: id.clone(), to: moved(id) }).collect()
}

type Renamed = (Vec<String>, ObjectId, String, Rewrite);

fn object(from: &Schema, to: &Schema, old: &ObjectId, new: &ObjectId) -> Option<Renamed> {
    let fits = old.kind == new.kind
        && from.objects.contains_key(old)
        && !from.objects.contains_key(new)
        && to.objects.contains_key(new);
    if !fits {
        return None;
    }
    let entry = &from.objects[old];
    let statements = match (&old.of, old.qualified(), new.qualified()) {
        (Some(table), ..) => vec![of_table(old, table, &new.name)],
        (None, Some(old_name), Some(new_name)) => {
            let target = ddl::target(old, Some(&entry.object));
            statements_for(old.kind.sql(), &target, &old_name, &new_name, &old.arguments)
        }
        _ => vec![format!(
            "ALTER {} {} RENAME TO {}",
            old.kind.sql(),
            quote::ident(&old.name),
            quote::ident(&new.name)
        )],
    };
    let words = format!("rename {} to {}", words::object(old), words::object(new));
    Some((statements, new.clone(), words, Rewrite::Object { from: old.clone(), to: new.clone() }))
}

fn of_table(old: &ObjectId, table: &Name, new: &str) -> String {
    let (table, new) = (quote::name(table), quote::ident(new));
    match old.kind {
        Kind::Constraint => {
            format!("ALTER TABLE {table} RENAME CONSTRAINT {} TO {new}", quote::ident(&old.name))
        }
        Kind::Index | Kind::Statistics => {
            format!("ALTER {} {} RENAME TO {new}", old.kind.sql(), ddl::target(old, None))
        }
        kind => format!("ALTER {} {} ON {table} RENAME TO {new}", kind.sql(), quote::ident(&old.name)),
    }
}

/// `SET SCHEMA` and `RENAME TO`, as far as names differ.
pub(super) fn statements(kind: &str, old: &Name, new: &Name) -> Vec<String> {
    statements_for(kind, &quote::name(old), old, new, "")
}

fn statements_for(kind: &str, target: &str, old: &Name, new: &Name, arguments: &str) -> Vec<String> {
    let mut statements = Vec::new();
    if old.schema != new.schema {
        statements.push(format!("ALTER {kind} {target} SET SCHEMA {}", quote::ident(&new.schema)));
    }
    if old.name != new.name {
        let moved = Name::new(new.schema.clone(), old.name.clone());
        let signature = if kind == "ROUTINE" { format!("({arguments})") } else { String::new() };
        let target = format!("{}{signature}", quote::name(&moved));
        statements.push(format!("ALTER {kind} {target} RENAME TO {}", quote::ident(&new.name)));
    }
    statements
}

fn column(from: &Schema, to: &Schema, table: &Name, old: &str, new: &str) -> Option<Renamed> {
    let (id, columns) = columns_of(from, table)?;
    let (_, wanted) = columns_of(to, table)?;
    let fits = columns.contains(old) && !columns.contains(new) && wanted.contains(new);
    if !fits {
        return None;
    }
    let what = if id.kind == Kind::Composite { "ATTRIBUTE" } else { "COLUMN" };
    let (before, after) = (quote::ident(old), quote::ident(new));
    let statement =
        format!("ALTER {} {} RENAME {what} {before} TO {after}", id.kind.sql(), quote::name(table));
    let words = format!("rename {} {}.{old} to {new}", what.to_lowercase(), words::name(table));
    let rewrite = Rewrite::Column { of: id.clone(), from: old.to_owned(), to: new.to_owned() };
    Some((vec![statement], id, words, rewrite))
}

/// The table, view or composite type of this name, and the names of its columns.
fn columns_of<'s>(schema: &'s Schema, name: &Name) -> Option<(ObjectId, BTreeSet<&'s str>)> {
    let kinds = [Kind::Table, Kind::View, Kind::MaterializedView, Kind::ForeignTable, Kind::Composite];
    let id = kinds
        .into_iter()
        .map(|kind| ObjectId::relation(kind, name))
        .find(|id| schema.objects.contains_key(id))?;
    let columns = match schema.get(&id)? {
        Object::Table(table) => table.columns.iter().map(|column| column.name.as_str()).collect(),
        Object::View(view) => view.columns.iter().map(|column| column.name.as_str()).collect(),
        Object::Composite(composite) => composite.attributes.iter().map(|it| it.name.as_str()).collect(),
        _ => return None,
    };
    Some((id, columns))
}

fn value(from: &Schema, to: &Schema, of: &Name, old: &str, new: &str) -> Option<Renamed> {
    let id = ObjectId::relation(Kind::Enum, of);
    let (Some(Object::Enum(before)), Some(Object::Enum(after))) = (from.get(&id), to.get(&id)) else {
        return None;
    };
    let has = |values: &[String], value: &str| values.iter().any(|other| other == value);
    let fits = has(&before.values, old) && !has(&before.values, new) && has(&after.values, new);
    if !fits {
        return None;
    }
    let (before, after) = (quote::literal(old), quote::literal(new));
    let statement = format!("ALTER TYPE {} RENAME VALUE {before} TO {after}", quote::name(of));
    let words = format!("rename value {before} of enum {} to {after}", words::name(of));
    let rewrite = Rewrite::Value { of: of.clone(), from: old.to_owned(), to: new.to_owned() };
    Some((vec![statement], id, words, rewrite))
}

/// A schema as PostgreSQL has it after a rename.
fn rewritten(from: &Schema, to: &Schema, rewrite: &Rewrite) -> Schema {
    let mut objects = BTreeMap::new();
    for (id, entry) in &from.objects {
        let concerned = rewrite.column().is_some_and(|(of, column)| {
            id == of
                || entry.needs.iter().any(|need| need.on == *of && need.column.as_deref() == Some(column))
        });
        let (mut id, mut entry) = (id.clone(), entry.clone());
        walk::names(&mut id, &mut entry, rewrite);
        walk::texts(&id, &mut entry, &mut |text, place| {
            let new = rewrite.text(text, place);
            if new != *text {
                *text = new;
            }
        });
        if concerned && let Some(target) = to.objects.get(&id) {
            adopt(&id, &mut entry, target, rewrite);
        }
        objects.insert(id, entry);
    }
    Schema { objects }
}

/// Texts in which a column's name occurs: where the new side says the same with the new name, it is what PostgreSQL
/// will print.
fn adopt(id: &ObjectId, entry: &mut Entry, target: &Entry, rewrite: &Rewrite) {
    let mut wanted = Vec::new();
    walk::texts(id, &mut target.clone(), &mut |text, place| wanted.push((place, text.clone())));
    let mut position = 0;
    walk::texts(id, entry, &mut |text, place| {
        let same_place = |(other, _): &&(walk::Place, String)| *other == place;
        let candidate = match wanted.get(position).filter(same_place) {
            Some(found) => Some(found),
            None => wanted.iter().find(same_place),
        };
        if let Some((_, new)) = candidate
            && follows(text, new, rewrite, place)
        {
            text.clone_from(new);
        }
        position += 1;
    });
}

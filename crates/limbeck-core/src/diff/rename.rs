//! Renames: the old side is read as it will be once they have run.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Role, Stage};
use super::kinship;
use super::moves;
use super::options::{Options, Rename};
use super::retell::{Columns, doubt_queries, reused_names};
use super::shares::{self, Unfolded};
use super::text::Rewrite;
use super::walk;
use super::words;
use crate::ddl::{self, quote};
use crate::schema::{Column, Entry, Kind, Name, Object, ObjectId, Schema};

/// The old side after the renames that fit, and the new one, both with the shares of partitions that leave or join.
pub(super) struct Renamed<'a, 't> {
    pub(super) schema: Cow<'a, Schema>,
    pub(super) to: Cow<'t, Schema>,
    /// Those of the new side.
    pub(super) shares: BTreeSet<ObjectId>,
    /// What does them.
    pub(super) drafts: Vec<Draft>,
    /// Those that were asked for.
    pub(super) asked: Vec<Rename>,
}

/// Renames what is to have another name.
pub(super) fn apply<'a, 't>(from: &'a Schema, to: &'t Schema, options: &Options) -> Renamed<'a, 't> {
    let mut asked = Vec::new();
    let mut renaming = Renaming::new(Cow::Borrowed(from), to);
    // One after the other: a column's rename names its table as it is called after the table's own.
    let kinds: [fn(&Rename) -> bool; 4] = [
        |rename| matches!(rename, Rename::Object { from, .. } if from.kind == Kind::Schema),
        |rename| matches!(rename, Rename::Object { from, .. } if from.kind != Kind::Schema && from.of.is_none()),
        |rename| matches!(rename, Rename::Column { .. } | Rename::Value { .. }),
        |rename| matches!(rename, Rename::Object { from, .. } if from.of.is_some()),
    ];
    for is_meant in kinds {
        let meant = options.renames.iter().filter(|rename| is_meant(rename));
        let due = moves::due(&renaming.schema, to, meant, options.occupied);
        asked.extend(due.iter().cloned());
        renaming.run(moves::with_room(&renaming.schema, to, due));
    }
    let Renaming { schema, mut drafts, .. } = renaming;
    let Unfolded { from, to, shares } = shares::unfold(schema, to);
    let mut renaming = Renaming::new(from, &to);
    renaming.run_implied();
    let Renaming { schema, drafts: implied, .. } = renaming;
    drafts.extend(implied);
    Renamed { schema, to, shares, drafts, asked }
}

/// A schema while things in it are renamed.
pub(super) struct Renaming<'a, 't> {
    /// As it is by now.
    pub(super) schema: Cow<'a, Schema>,
    to: &'t Schema,
    drafts: Vec<Draft>,
}

impl<'a, 't> Renaming<'a, 't> {
    pub(super) fn new(schema: Cow<'a, Schema>, to: &'t Schema) -> Self {
        Self { schema, to, drafts: Vec::new() }
    }

    /// Renames of one kind, all at once as far as anybody can tell.
    pub(super) fn run(&mut self, due: Vec<Rename>) {
        if due.is_empty() {
            return;
        }
        let columns = Columns::of(&self.schema, self.to, &due);
        let reused = reused_names(self.to, &due);
        for step in moves::in_order(&self.schema, self.to, due) {
            self.one(&step);
        }
        let schema = self.schema.to_mut();
        columns.retell(schema, self.to);
        doubt_queries(schema, &reused);
    }

    /// What is renamed without asking.
    pub(super) fn run_implied(&mut self) {
        let due = implied(&self.schema, self.to);
        self.run(due);
    }

    fn one(&mut self, rename: &Rename) {
        let from = &*self.schema;
        let (statements, object, words, rewrite) = match rename {
            Rename::Object { from: old, to: new } => object(from, old, new),
            Rename::Column { table, from: old, to: new } => match column(from, table, old, new) {
                Some(told) => told,
                None => return,
            },
            Rename::Value { of, from: old, to: new } => value(of, old, new),
        };
        let mut draft = Draft::new(&object, super::change::Action::Alter(statements), words)
            .role(Role::Provide)
            .stage(Stage::Rename);
        let mut schema = rewritten(from, &rewrite);
        if let Rewrite::Object { from: old, to: new } = &rewrite {
            draft.takes = moves::names(from, old, new);
            for along in moved_along(from, old, new) {
                schema = rewritten(&schema, &along);
            }
        }
        if let Rewrite::Column { of, from: old, to: new } = &rewrite {
            for of in kinship::heirs(from, of, old) {
                schema = rewritten(&schema, &Rewrite::Column { of, from: old.clone(), to: new.clone() });
            }
        }
        self.schema = Cow::Owned(schema);
        self.drafts.push(draft);
    }
}

/// Constraints, indexes and policies that only differ in their names, and sequences of the same column.
fn implied(from: &Schema, to: &Schema) -> Vec<Rename> {
    let differs = |(id, entry): &(&ObjectId, &Entry), other: &Schema| {
        other.get(id).is_none_or(|object| !is_same(&entry.object, object))
    };
    const KINDS: [Kind; 4] = [Kind::Sequence, Kind::Index, Kind::Constraint, Kind::Policy];
    let named = |(id, _): &(&ObjectId, &Entry)| KINDS.contains(&id.kind);
    let gone = from.objects.iter().filter(named).filter(|one| differs(one, to));
    let mut came: Vec<_> = to.objects.iter().filter(named).filter(|one| differs(one, from)).collect();
    let mut renames = identity_sequences(from, to);
    for (id, entry) in gone {
        let same = |(other, new): &(&ObjectId, &Entry)| {
            id.kind == other.kind && id.of == other.of && is_same(&entry.object, &new.object)
        };
        if let Some(at) = came.iter().position(same) {
            let (other, _) = came.remove(at);
            renames.push(Rename::Object { from: id.clone(), to: other.clone() });
        }
    }
    let is_taken = |rename: &Rename| match rename {
        Rename::Object { to: new, .. } => from.objects.contains_key(new),
        _ => false,
    };
    moves::without_blocked(renames, is_taken)
}

/// The sequences of identity columns that have another name.
fn identity_sequences(from: &Schema, to: &Schema) -> Vec<Rename> {
    let mut renames = Vec::new();
    for (id, entry) in &from.objects {
        let (Object::Table(old), Some(Object::Table(new))) = (&entry.object, to.get(id)) else { continue };
        for column in old.columns.iter().filter(|column| !column.inherited) {
            let other = new.column(&column.name).filter(|other| !other.inherited);
            if let (Some(before), Some(after)) = (sequence_of(column), other.and_then(sequence_of))
                && before != after
            {
                let id = |name: &Name| ObjectId::relation(Kind::Sequence, name);
                renames.push(Rename::Object { from: id(before), to: id(after) });
            }
        }
    }
    renames
}

fn sequence_of(column: &Column) -> Option<&Name> {
    column.identity.as_ref()?.sequence.as_ref().map(|sequence| &sequence.name)
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

type Told = (Vec<String>, ObjectId, String, Rewrite);

fn object(from: &Schema, old: &ObjectId, new: &ObjectId) -> Told {
    let statements = match (&old.of, old.qualified(), new.qualified()) {
        (Some(table), ..) => vec![of_table(old, table, &new.name)],
        (None, Some(old_name), Some(new_name)) => {
            let target = ddl::target(old, from.get(old));
            statements(old.kind.sql(), &target, &old_name, &new_name, &old.arguments)
        }
        _ => vec![format!(
            "ALTER {} {} RENAME TO {}",
            old.kind.sql(),
            quote::ident(&old.name),
            quote::ident(&new.name)
        )],
    };
    let words = format!("rename {} to {}", words::object(old), words::object(new));
    (statements, new.clone(), words, Rewrite::Object { from: old.clone(), to: new.clone() })
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
fn statements(kind: &str, target: &str, old: &Name, new: &Name, arguments: &str) -> Vec<String> {
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

fn column(from: &Schema, table: &Name, old: &str, new: &str) -> Option<Told> {
    let (id, _) = columns_of(from, table)?;
    let what = if id.kind == Kind::Composite { "ATTRIBUTE" } else { "COLUMN" };
    let (before, after) = (quote::ident(old), quote::ident(new));
    let is_passed_on = id.kind == Kind::Composite && !kinship::heirs(from, &id, old).is_empty();
    let cascade = if is_passed_on { " CASCADE" } else { "" };
    let (kind, of) = (id.kind.sql(), quote::name(table));
    let statement = format!("ALTER {kind} {of} RENAME {what} {before} TO {after}{cascade}");
    let words = format!("rename {} {}.{old} to {new}", what.to_lowercase(), words::name(table));
    let rewrite = Rewrite::Column { of: id.clone(), from: old.to_owned(), to: new.to_owned() };
    Some((vec![statement], id, words, rewrite))
}

/// The table, view or composite type of this name, and the names of its columns.
pub(super) fn columns_of<'s>(schema: &'s Schema, name: &Name) -> Option<(ObjectId, BTreeSet<&'s str>)> {
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

fn value(of: &Name, old: &str, new: &str) -> Told {
    let (before, after) = (quote::literal(old), quote::literal(new));
    let statement = format!("ALTER TYPE {} RENAME VALUE {before} TO {after}", quote::name(of));
    let words = format!("rename value {before} of enum {} to {after}", words::name(of));
    let rewrite = Rewrite::Value { of: of.clone(), from: old.to_owned(), to: new.to_owned() };
    (vec![statement], ObjectId::relation(Kind::Enum, of), words, rewrite)
}

/// A schema as PostgreSQL has it after a rename, but for the names of columns in texts.
fn rewritten(from: &Schema, rewrite: &Rewrite) -> Schema {
    let mut objects = BTreeMap::new();
    for (id, entry) in &from.objects {
        let (mut id, mut entry) = (id.clone(), entry.clone());
        walk::names(&mut id, &mut entry, rewrite);
        walk::texts(&mut entry, &mut |text, place| {
            let new = rewrite.text(text, place);
            if new != *text {
                *text = new;
            }
        });
        objects.insert(id, entry);
    }
    Schema { objects }
}

//! What partitions have of their parents' indexes and keys, under names of their own. PostgreSQL leaves it with a partition
//! that is detached, and takes over what fits, or makes it, when one is attached. So for those that leave or join, both
//! sides are given it as the partition's own: what is not wanted goes when the partition has left, and what is wanted is
//! there, under its name, before it joins.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::change::Action;
use super::draft::{Draft, Fact, Role, Stage, has_index};
use super::fate::Fates;
use super::kinship::Bond;
use super::scope;
use crate::ddl::quote;
use crate::schema::{
    Constraint, ConstraintKind, Entry, Index, Kind, Name, Need, Object, ObjectId, Schema, Table,
};

/// Both sides with the shares of partitions that leave or join.
pub(super) struct Unfolded<'a, 't> {
    pub(super) from: Cow<'a, Schema>,
    pub(super) to: Cow<'t, Schema>,
    /// Those of the new side.
    pub(super) shares: BTreeSet<ObjectId>,
}

pub(super) fn unfold<'a, 't>(from: Cow<'a, Schema>, to: &'t Schema) -> Unfolded<'a, 't> {
    let (old, new) = (of_strays(&from, to), of_strays(to, &from));
    let shares = new.keys().cloned().collect();
    Unfolded { from: with(from, old), to: with(Cow::Borrowed(to), new), shares }
}

fn with(schema: Cow<'_, Schema>, shares: BTreeMap<ObjectId, Entry>) -> Cow<'_, Schema> {
    if shares.is_empty() {
        return schema;
    }
    let mut schema = schema.into_owned();
    for (id, entry) in shares {
        schema.objects.entry(id).or_insert(entry);
    }
    Cow::Owned(schema)
}

/// The shares of tables that both sides have and that are partitions in another way, or of nothing, on the other side.
fn of_strays(schema: &Schema, other: &Schema) -> BTreeMap<ObjectId, Entry> {
    let mut found = BTreeMap::new();
    for (id, entry) in schema.objects.range(first(Kind::Table)..).take_while(|(id, _)| id.kind == Kind::Table)
    {
        let (Object::Table(table), Some(Object::Table(there))) = (&entry.object, other.get(id)) else {
            continue;
        };
        if table.partition_of.is_none() || table.partition_of == there.partition_of {
            continue;
        }
        found.extend(id.qualified().into_iter().flat_map(|name| of_partition(schema, &name, table)));
    }
    found
}

fn first(kind: Kind) -> ObjectId {
    ObjectId::relation(kind, &Name::new("", ""))
}

/// A partition's shares.
fn of_partition(schema: &Schema, name: &Name, table: &Table) -> Vec<(ObjectId, Entry)> {
    let Some(partition) = &table.partition_of else { return Vec::new() };
    let mut shares: Vec<(ObjectId, Entry)> = Vec::new();
    for (id, entry) in passed_down(schema, &partition.parent) {
        let known = match &entry.object {
            Object::Constraint(constraint) if !has_index(constraint.kind) => &table.shares.foreign_keys,
            _ => &table.shares.indexes,
        };
        let is_taken = |taken: &str| {
            let is = |id: &ObjectId| id.schema.as_ref() == Some(&name.schema) && id.name == taken;
            table.shares.indexes.values().any(|known| known == taken)
                || schema.objects.keys().any(is)
                || shares.iter().any(|(id, _)| is(id))
        };
        let own =
            known.get(&id.name).cloned().unwrap_or_else(|| chosen(&name.name, &id, &entry.object, is_taken));
        shares.push((ObjectId::of(id.kind, name, own), share(entry, &partition.parent, name)));
    }
    shares
}

/// What a partitioned table gives to its partitions: its own, and what it has of its parent's.
fn passed_down(schema: &Schema, parent: &Name) -> Vec<(ObjectId, Entry)> {
    let own = schema.belongings(parent).filter(|(_, entry)| is_passed_down(&entry.object));
    let mut found: Vec<_> = own.map(|(id, entry)| (id.clone(), entry.clone())).collect();
    found.extend(schema.table(parent).into_iter().flat_map(|table| of_partition(schema, parent, table)));
    found
}

fn is_passed_down(object: &Object) -> bool {
    match object {
        Object::Index(index) => !index.only,
        Object::Constraint(constraint) => constraint.kind != ConstraintKind::Check,
        _ => false,
    }
}

/// A parent's index or key as a partition has it.
fn share(entry: Entry, parent: &Name, partition: &Name) -> Entry {
    let [parent, partition] = [parent, partition].map(|name| ObjectId::relation(Kind::Table, name));
    let need = |need: Need| match need.on == parent {
        true => Need { on: partition.clone(), ..need },
        false => need,
    };
    let refers_to_parent = match &entry.object {
        Object::Constraint(constraint) => constraint.references == parent.qualified(),
        _ => false,
    };
    let mut needs: BTreeSet<Need> = entry.needs.iter().cloned().map(need).collect();
    if refers_to_parent {
        needs.extend(entry.needs);
    }
    let object = match entry.object {
        Object::Index(index) => Index { statistics: BTreeMap::new(), ..index }.into(),
        object => object,
    };
    Entry { needs, ..Entry::new(object) }
}

/// The name of a share that nobody has read: one like PostgreSQL's.
fn chosen(table: &str, id: &ObjectId, object: &Object, is_taken: impl Fn(&str) -> bool) -> String {
    let (columns, label) = match object {
        Object::Index(Index { columns, .. }) => {
            (columns.iter().map(|it| it.as_deref().unwrap_or("expr")).collect(), "idx")
        }
        Object::Constraint(Constraint { kind, columns, .. }) => match kind {
            ConstraintKind::PrimaryKey => (Vec::new(), "pkey"),
            ConstraintKind::Exclusion => (columns.iter().map(String::as_str).collect(), "excl"),
            ConstraintKind::Unique => (columns.iter().map(String::as_str).collect(), "key"),
            ConstraintKind::ForeignKey | ConstraintKind::Check => return id.name.clone(),
        },
        _ => return id.name.clone(),
    };
    quote::free(&[vec![table], columns].concat().join("_"), &format!("_{label}"), is_taken)
}

impl Fates<'_> {
    /// Whether a share comes with its table, which is made, or made again, as a partition.
    pub(super) fn comes_with_table(&self, id: &ObjectId) -> bool {
        let table = id.of.as_ref().and_then(|table| scope::host(self.to, table));
        self.shares.contains(id) && table.is_some_and(|table| self.comes(&table))
    }

    fn is_cut(&self, table: &ObjectId) -> bool {
        self.cut(table).iter().any(|bond| matches!(bond, Bond::Partition(_)))
    }
}

/// What belongs to partitions that leave changes after that, and what belongs to those that join before it; what their
/// parents have changes while they are apart.
pub(super) fn place(fates: &Fates<'_>, drafts: &mut [Draft]) {
    for draft in drafts.iter_mut().filter(|draft| draft.stage != Stage::Rename) {
        match &draft.change.action {
            Action::Join { .. } => join(fates, draft),
            _ => belonging(fates, draft),
        }
    }
}

fn join(fates: &Fates<'_>, draft: &mut Draft) {
    let id = draft.change.object.clone();
    let partition = fates.tied(&id).into_iter().filter(|bond| matches!(bond, Bond::Partition(_)));
    let parents = partition.filter_map(|bond| bond.parent(fates.to));
    let elders = parents.flat_map(|parent| [fates.ancestors(parent), vec![parent]].concat());
    draft.awaits.extend(elders.cloned().chain([id.clone()]).map(Fact::Belongings));
}

fn belonging(fates: &Fates<'_>, draft: &mut Draft) {
    let id = &draft.change.object;
    if !matches!(id.kind, Kind::Index | Kind::Constraint | Kind::Trigger) {
        return;
    }
    let Some(table) = id.of.as_ref().map(|table| ObjectId::relation(Kind::Table, table)) else { return };
    let ends = matches!(draft.role, Role::Remove | Role::Disturb);
    let mut apart: Vec<ObjectId> = fates.leaving(&table).into_iter().filter(|_| ends).cloned().collect();
    apart.extend(fates.is_cut(&table).then(|| table.clone()));
    draft.awaits.extend(apart.into_iter().map(Fact::Aside));
    // An index of the partitioned table alone waits for its partitions.
    if !draft.awaits.iter().any(|fact| matches!(fact, Fact::Partitions(_))) {
        draft.announces.push(Fact::Belongings(table));
    }
}

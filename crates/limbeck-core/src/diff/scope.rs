//! What is left out of a comparison: it is made the same on both sides.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::options::{Options, Owned, Partitions};
use crate::schema::{Kind, Name, Object, ObjectId, Schema};

/// The new side, with everything that is not compared as the old side has it.
pub(super) fn target<'a>(from: &Schema, to: &'a Schema, options: &Options) -> Cow<'a, Schema> {
    if compares_all(options, from, to) {
        return Cow::Borrowed(to);
    }
    let mut target = to.clone();
    let partitions = kept_partitions(from, to, options.partitions);
    let ids: BTreeSet<&ObjectId> = from.objects.keys().chain(to.objects.keys()).collect();
    for id in ids {
        let (before, after) = (from.objects.get(id), to.objects.get(id));
        if chosen(id, options)
            && may_change(id, before.is_some(), after.is_some(), options, (from, to))
            && !partitions.contains(&relation(id))
        {
            continue;
        }
        match before {
            Some(entry) => target.objects.insert(id.clone(), entry.clone()),
            None => target.objects.remove(id),
        };
    }
    Cow::Owned(target)
}

fn compares_all(options: &Options, from: &Schema, to: &Schema) -> bool {
    options.schemas.is_all()
        && options.tables.is_all()
        && options.kinds.is_all()
        && options.owned == Owned::Everything
        && kept_partitions(from, to, options.partitions).is_empty()
}

/// The table or view that it is or belongs to.
fn relation(id: &ObjectId) -> Option<Name> {
    id.of.clone().or_else(|| id.qualified())
}

/// Whether the filters take it in.
fn chosen(id: &ObjectId, options: &Options) -> bool {
    let schema = match (id.kind, &id.schema) {
        (Kind::Schema, _) => Some(&id.name),
        (_, schema) => schema.as_ref(),
    };
    let is_relation =
        matches!(id.kind, Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView);
    let table = if is_relation || id.of.is_some() { relation(id) } else { None };
    options.kinds.has(&id.kind)
        && schema.is_none_or(|schema| options.schemas.has(schema))
        && table.is_none_or(|table| options.tables.has(&table))
}

/// Whether it belongs to the project, where that matters.
fn may_change(
    id: &ObjectId,
    before: bool,
    after: bool,
    options: &Options,
    sides: (&Schema, &Schema),
) -> bool {
    let (owned, side) = match &options.owned {
        Owned::Only(owned) if before && !after => (owned, sides.0),
        Owned::Restores(owned) if after && !before => (owned, sides.1),
        _ => return true,
    };
    let host = id.of.as_ref().and_then(|relation| host(side, relation));
    owned.contains(id) || host.is_some_and(|host| owned.contains(&host))
}

/// The identity of the table or view of this name.
pub(super) fn host(schema: &Schema, name: &Name) -> Option<ObjectId> {
    [Kind::Table, Kind::View, Kind::MaterializedView, Kind::ForeignTable]
        .into_iter()
        .map(|kind| ObjectId::relation(kind, name))
        .find(|id| schema.objects.contains_key(id))
}

/// Partitions of tables that both sides have, which only one of them has and which are left alone.
fn kept_partitions(from: &Schema, to: &Schema, rule: Partitions) -> BTreeSet<Option<Name>> {
    let (extra, other) = match rule {
        Partitions::KeepExtra => (from, to),
        Partitions::IgnoreMissing => (to, from),
        Partitions::Compare => return BTreeSet::new(),
    };
    let mut kept = BTreeSet::new();
    for (id, entry) in &extra.objects {
        let Object::Table(table) = &entry.object else { continue };
        let Some(partition) = &table.partition_of else { continue };
        if !other.objects.contains_key(id) && stays(other, &partition.parent, extra) {
            kept.insert(id.qualified());
        }
    }
    kept
}

/// Whether the other side has the same partitioned table, or leaves it alone as a partition in turn.
fn stays(other: &Schema, parent: &Name, extra: &Schema) -> bool {
    let Some(here) = extra.table(parent) else { return false };
    match (other.table(parent), &here.partition_of) {
        (Some(there), _) => there.partition_by == here.partition_by,
        (None, Some(grandparent)) => stays(other, &grandparent.parent, extra),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Changes, Selection, diff};
    use super::*;
    use crate::schema::{Column, Entry, PartitionOf, Table};

    fn table(name: &str, schema: &str) -> (ObjectId, Entry) {
        let id = ObjectId::relation(Kind::Table, &Name::new(schema, name));
        let entry = Entry::new(Table::new(vec![Column::new("id", "integer")]));
        (id, entry)
    }

    fn schema(entries: impl IntoIterator<Item = (ObjectId, Entry)>) -> Schema {
        Schema { objects: entries.into_iter().collect() }
    }

    fn words(changes: &Changes) -> Vec<&str> {
        changes.changes.iter().map(|change| change.words.as_str()).collect()
    }

    #[test]
    fn filters_leave_out_both_sides() {
        let from = schema([table("a", "public"), table("b", "audit")]);
        let to = schema([table("c", "public"), table("d", "audit")]);
        let mut options = Options::new(15);
        options.schemas = Selection { include: Some(vec!["public".into()]), exclude: Vec::new() };
        assert_eq!(words(&diff(&from, &to, &options)), ["create table c", "drop table a"]);
        options.tables.exclude.push(Name::new("public", "a"));
        assert_eq!(words(&diff(&from, &to, &options)), ["create table c"]);
        options.kinds.exclude.push(Kind::Table);
        assert!(diff(&from, &to, &options).is_empty());
    }

    #[test]
    fn drops_only_what_is_owned() {
        let (from, to) = (schema([table("a", "public"), table("b", "public")]), Schema::default());
        let mut options = Options::new(15);
        options.owned = Owned::Only(BTreeSet::from([table("a", "public").0]));
        assert_eq!(words(&diff(&from, &to, &options)), ["drop table a"]);
        assert_eq!(words(&diff(&to, &from, &options.reversed())), ["create table a"]);
    }

    #[test]
    fn keeps_partitions_that_only_the_database_has() {
        let (id, mut parent) = table("t", "public");
        let (child_id, mut child) = table("t1", "public");
        if let (Object::Table(parent), Object::Table(child)) = (&mut parent.object, &mut child.object) {
            parent.partition_by = Some("LIST (id)".into());
            let bound = "FOR VALUES IN (1)".into();
            child.partition_of = Some(PartitionOf { parent: Name::new("public", "t"), bound });
        }
        let from = schema([(id.clone(), parent.clone()), (child_id, child)]);
        let to = schema([(id, parent)]);
        let mut options = Options::new(15);
        assert!(diff(&from, &to, &options).is_empty());
        assert!(diff(&to, &from, &options.reversed()).is_empty());
        options.partitions = Partitions::Compare;
        assert_eq!(words(&diff(&from, &to, &options)), ["drop partition t1"]);
        assert_eq!(words(&diff(&from, &Schema::default(), &Options::new(15))), ["drop table t"]);
    }
}

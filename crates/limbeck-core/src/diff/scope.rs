//! What is left out of a comparison: it is made the same on both sides.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::options::{Options, Owned, Partitions};
use crate::schema::{Column, Entry, Kind, Name, Nullability, Object, ObjectId, Schema};

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
            if let (Some(before), Some(entry)) = (before, target.objects.get_mut(id)) {
                parts(id, before, entry, &options.owned);
            }
            continue;
        }
        match before {
            Some(entry) => target.objects.insert(id.clone(), entry.clone()),
            None => target.objects.remove(id),
        };
    }
    if options.partitions == Partitions::KeepExtra {
        follow(from, &mut target, partitions.into_iter().flatten().collect());
    }
    Cow::Owned(target)
}

/// Partitions that only the old side has stay, and their columns are what their parents' become.
fn follow(from: &Schema, target: &mut Schema, mut partitions: Vec<Name>) {
    partitions.sort_by_key(|name| depth(from, name));
    for name in partitions {
        let Some(parent) = from.table(&name).and_then(|table| table.partition_of.as_ref()) else { continue };
        let (Some(old), Some(new)) = (from.table(&parent.parent), target.table(&parent.parent).cloned())
        else {
            continue;
        };
        let entry = target.objects.get_mut(&ObjectId::relation(Kind::Table, &name));
        if let Some(Object::Table(table)) = entry.map(|entry| &mut entry.object) {
            let column = |new: &Column| match (table.column(&new.name), old.column(&new.name)) {
                (Some(own), Some(old)) => followed(own, old, new),
                _ => Column { inherited: true, comment: None, ..new.clone() },
            };
            table.columns = new.columns.iter().map(column).collect();
        }
    }
}

fn depth(schema: &Schema, name: &Name) -> usize {
    let parent = schema.table(name).and_then(|table| table.partition_of.as_ref());
    parent.map_or(0, |partition| 1 + depth(schema, &partition.parent))
}

/// A partition's column after its parent's changes: what it has of its own it keeps, where PostgreSQL lets it.
fn followed(own: &Column, old: &Column, new: &Column) -> Column {
    fn pick<T: Clone + PartialEq>(own: &T, old: &T, new: &T) -> T {
        if own == old { new.clone() } else { own.clone() }
    }
    let is_not_null = new.nullability == Nullability::NotNull;
    Column {
        data_type: new.data_type.clone(),
        collation: new.collation.clone(),
        generated: new.generated.clone(),
        identity: pick(&own.identity, &old.identity, &new.identity),
        nullability: if is_not_null {
            Nullability::NotNull
        } else {
            pick(&own.nullability, &old.nullability, &new.nullability)
        },
        default: if new.generated.is_some() { None } else { pick(&own.default, &old.default, &new.default) },
        storage: pick(&own.storage, &old.storage, &new.storage),
        compression: pick(&own.compression, &old.compression, &new.compression),
        statistics: pick(&own.statistics, &old.statistics, &new.statistics),
        ..own.clone()
    }
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
    let (owned, has, lacks) = match &options.owned {
        Owned::Only(owned) if before && !after => (owned, sides.0, sides.1),
        Owned::Restores(owned) if after && !before => (owned, sides.1, sides.0),
        _ => return true,
    };
    // With a table goes what belongs to it, whoever made it.
    let host = id.of.as_ref().and_then(|relation| host(has, relation));
    let goes = |host: &ObjectId| owned.objects.contains_key(host) && !lacks.objects.contains_key(host);
    owned.objects.contains_key(id) || host.is_some_and(|host| goes(&host))
}

/// The columns and values of an object of both sides that do not belong to the project: the new side is given them, or
/// loses them.
fn parts(id: &ObjectId, before: &Entry, after: &mut Entry, owned: &Owned) {
    let (owned, keeps) = match owned {
        Owned::Everything => return,
        Owned::Only(owned) => (owned, true),
        Owned::Restores(owned) => (owned, false),
    };
    match (&before.object, &mut after.object, owned.get(id)) {
        (Object::Table(before), Object::Table(after), owned) => {
            let is_owned = |name: &str| match owned {
                Some(Object::Table(owned)) => owned.column(name).is_some(),
                _ => false,
            };
            let (old, new) = (&before.columns, &mut after.columns);
            settle(old, new, keeps, |column| &column.name, is_owned);
        }
        (Object::Enum(before), Object::Enum(after), owned) => {
            let is_owned = |value: &str| match owned {
                Some(Object::Enum(owned)) => owned.values.iter().any(|other| other == value),
                _ => false,
            };
            settle(&before.values, &mut after.values, keeps, |value| value, is_owned);
        }
        _ => {}
    }
}

/// Gives the new side what only the old one has and nobody owns, or takes away what only the new one has.
fn settle<T: Clone>(
    old: &[T],
    new: &mut Vec<T>,
    keeps: bool,
    name: impl Fn(&T) -> &str,
    is_owned: impl Fn(&str) -> bool,
) {
    let has = |list: &[T], wanted: &str| list.iter().any(|one| name(one) == wanted);
    if !keeps {
        new.retain(|one| is_owned(name(one)) || has(old, name(one)));
        return;
    }
    for (at, one) in old.iter().enumerate() {
        if is_owned(name(one)) || has(new, name(one)) {
            continue;
        }
        // Behind the one that it stood behind.
        let before = at.checked_sub(1).and_then(|at| new.iter().position(|it| name(it) == name(&old[at])));
        new.insert(before.map_or(if at == 0 { 0 } else { new.len() }, |before| before + 1), one.clone());
    }
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
    use super::super::{Changes, Selection, diff};
    use super::*;
    use crate::schema::{Column, Enum, PartitionOf, Table};

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
        options.owned = Owned::Only(schema([table("a", "public")]));
        assert_eq!(words(&diff(&from, &to, &options)), ["drop table a"]);
        assert_eq!(words(&diff(&to, &from, &options.reversed())), ["create table a"]);
    }

    #[test]
    fn keeps_columns_and_values_that_nobody_owns() {
        let with = |names: &[&str]| {
            let columns = names.iter().map(|name| Column::new(*name, "integer")).collect();
            Entry::new(Table::new(columns))
        };
        let values =
            |values: &[&str]| Entry::new(Enum { values: values.iter().map(|it| (*it).into()).collect() });
        let both = |columns: &[&str], names: &[&str]| {
            let of = |kind, name| ObjectId::relation(kind, &Name::new("public", name));
            schema([(of(Kind::Table, "t"), with(columns)), (of(Kind::Enum, "e"), values(names))])
        };
        let from = both(&["id", "mine", "theirs"], &["a", "theirs", "b", "mine"]);
        let to = both(&["id", "new"], &["a", "b", "new"]);
        let mut options = Options::new(15);
        options.owned = Owned::Only(both(&["id", "mine"], &["a", "b"]));
        let there = ["add value 'new' to enum e", "add column t.new (integer)", "drop column t.mine"];
        assert_eq!(words(&diff(&from, &to, &options)), there);
        let back = diff(&to, &from, &options.reversed());
        assert!(!words(&back).iter().any(|words| words.contains("theirs")), "{:?}", words(&back));
        assert!(words(&back).contains(&"add column t.mine (integer)"));
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

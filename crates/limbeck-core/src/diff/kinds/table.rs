//! Tables that stay.

use std::borrow::Cow;

use super::annotate::verb;
use super::column::{self, Place};
use super::types;
use crate::ddl::quote;
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Fact, Role, Stage};
use crate::diff::fate::Fates;
use crate::diff::kinship::Bond;
use crate::diff::words;
use crate::schema::{
    Column, Entry, Kind, Name, Object, ObjectId, Persistence, ReplicaIdentity, Sequence, Table,
};

/// What PostgreSQL cannot change about a table.
pub(super) fn rebuild(from: &Table, to: &Table, version: u32) -> Option<&'static str> {
    if from.partition_by != to.partition_by {
        return Some("it is partitioned in another way");
    }
    if from.server != to.server {
        return Some("it is a table of another server");
    }
    // Those of a table of a type are in the type's order.
    let names = |table: &Table| table.columns.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    if to.of_type.is_some() && !types::ends_in_order(&names(from), &names(to)) {
        return Some("its type has its columns in another order");
    }
    (from.access_method != to.access_method && version < 15).then_some("it gets another access method")
}

/// A partition that goes makes room for others.
pub(super) fn room(table: &Table, draft: Draft) -> Draft {
    let parent =
        table.partition_of.as_ref().map(|partition| ObjectId::relation(Kind::Table, &partition.parent));
    parent.into_iter().fold(draft, |draft, parent| draft.announces(Fact::Room(parent)))
}

/// A child is made when its parents are as they will be: it may depart from them.
pub(super) fn created(fates: &Fates<'_>, table: &Table, draft: Draft) -> Draft {
    let parents = Bond::all(table).filter_map(|bond| bond.parent(fates.to));
    let elders = parents.flat_map(|parent| [fates.ancestors(parent), vec![parent]].concat());
    let draft = elders.fold(draft, |draft, parent| draft.awaits(Fact::Parent(parent.clone())));
    match &table.partition_of {
        Some(partition) => {
            let parent = ObjectId::relation(Kind::Table, &partition.parent);
            draft.awaits(Fact::Room(parent.clone())).announces(Fact::Partitions(parent))
        }
        None => draft,
    }
}

/// What a new child has from its parents although it should not.
pub(super) fn without(fates: &Fates<'_>, id: &ObjectId, table: &Table, drafts: &mut Vec<Draft>) {
    let Some(name) = id.qualified() else { return };
    let place = Place { fates, id, name: &name };
    for parent in Bond::all(table).filter_map(|bond| bond.parent(fates.to)) {
        let Some(Object::Table(parents)) = fates.to.get(parent) else { continue };
        for column in &table.columns {
            if let Some(parents) = parents.column(&column.name) {
                column::without(&place, parents, column, drafts);
            }
        }
    }
}

/// What waits for things that need the object: owners of sequences, indexes for replication and clustering.
pub(super) fn finish(id: &ObjectId, entry: &Entry, statements: Vec<String>) -> Draft {
    let words = match &entry.object {
        Object::Sequence(Sequence { owned_by: Some((table, column)), .. }) => {
            format!("let {}.{column} own {}", words::name(table), words::object(id))
        }
        _ => format!("set replica identity or clustering of {}", words::object(id)),
    };
    let mut draft = Draft::new(id, Action::Annotate(statements), words).role(Role::Tweak);
    match (&entry.object, id.qualified()) {
        (Object::Table(table), Some(name)) => {
            let replica = match &table.replica_identity {
                ReplicaIdentity::Index(index) => Some(index),
                _ => None,
            };
            for index in replica.into_iter().chain(&table.cluster_on) {
                draft = draft.awaits(made(Kind::Index, &name, index)).awaits(made(
                    Kind::Constraint,
                    &name,
                    index,
                ));
            }
        }
        (Object::Sequence(sequence), _) => {
            if let Some((table, column)) = &sequence.owned_by {
                let table = ObjectId::relation(Kind::Table, table);
                draft = draft.awaits(Fact::Made(table.clone())).awaits(Fact::NotNull(table, column.clone()));
            }
        }
        _ => {}
    }
    draft
}

fn made(kind: Kind, table: &Name, index: &str) -> Fact {
    Fact::Made(ObjectId::of(kind, table, index))
}

pub(super) fn in_place(fates: &Fates<'_>, id: &ObjectId, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let Some(name) = id.qualified() else { return };
    let place = Place { fates, id, name: &name };
    columns(&place, from, to, drafts);
    leave(&place, drafts);
    join(&place, drafts);
    if fates.changed.contains(id) {
        storage(&place, from, to, drafts);
        security(&place, from, to, drafts);
    }
    by_index(&place, from, to, drafts);
}

fn columns(place: &Place<'_>, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let from = &without_identity(place.fates, from, place.fates.cut(place.id));
    let to = &without_identity(place.fates, to, place.fates.tied(place.id));
    for old in &from.columns {
        let is_passed_on = place.fates.is_passed_on(place.id, &old.name);
        match to.column(&old.name) {
            None if is_passed_on => {}
            None => drafts.push(column::apart(place, column::drop(place, old, None))),
            Some(new) if is_passed_on => column::below(place, old, new, drafts),
            Some(new) => column::on_its_own(place, old, new, drafts),
        }
    }
    for new in to.columns.iter().filter(|new| from.column(&new.name).is_none()) {
        match place.fates.is_passed_on(place.id, &new.name) {
            true => column::beneath(place, new, drafts),
            false => {
                let added = column::add(place, new).into_iter();
                drafts.extend(added.map(|draft| column::apart(place, draft)));
            }
        }
    }
}

/// Since PostgreSQL 17 a partition's columns are identities as long as it is one, and neither before nor afterwards.
fn without_identity<'a>(fates: &Fates<'_>, table: &'a Table, bonds: Vec<Bond<'_>>) -> Cow<'a, Table> {
    let mut table = Cow::Borrowed(table);
    if fates.version >= 17 && bonds.iter().any(|bond| matches!(bond, Bond::Partition(_))) {
        table.to_mut().columns.iter_mut().for_each(|column| column.identity = None);
    }
    table
}

/// Bonds are cut before anything else changes.
fn leave(place: &Place<'_>, drafts: &mut Vec<Draft>) {
    let shown = words::object(place.id);
    for bond in place.fates.cut(place.id) {
        let parent = words::name(bond.name());
        let draft = match bond {
            Bond::Partition(old) => {
                let words = format!("detach {shown} from {parent}");
                Draft::new(place.id, Action::Detach { parent: old.parent.clone() }, words)
                    .announces(Fact::Room(ObjectId::relation(Kind::Table, &old.parent)))
            }
            Bond::Inherits(name) => {
                let statement = format!("{}NO INHERIT {}", place.alter(), quote::name(name));
                Draft::alter(place.id, statement, format!("let {shown} not inherit {parent}"))
            }
            Bond::Of(_) => {
                Draft::alter(place.id, place.alter() + "NOT OF", format!("make {shown} an untyped one"))
            }
        };
        drafts.push(draft.role(Role::Release).stage(Stage::Clear).announces(Fact::Aside(place.id.clone())));
    }
}

/// Bonds are tied when the child has all that the parent asks for.
fn join(place: &Place<'_>, drafts: &mut Vec<Draft>) {
    let shown = words::object(place.id);
    for bond in place.fates.tied(place.id) {
        let name = bond.name();
        let mut draft = match bond {
            Bond::Partition(new) => {
                let table = quote::name(place.name);
                let statement =
                    format!("ALTER TABLE {} ATTACH PARTITION {table} {}", quote::name(name), new.bound);
                let action = Action::Join { statement, reason: Some("reads the partition".to_owned()) };
                let words = format!("attach {shown} to {}", words::name(name));
                Draft::new(place.id, action, words)
                    .awaits(Fact::Room(ObjectId::relation(Kind::Table, name)))
                    .announces(Fact::Partitions(ObjectId::relation(Kind::Table, name)))
                    .risk(format!("fails if a row of {} is outside of its bounds", words::name(place.name)))
            }
            Bond::Inherits(_) => {
                let statement = format!("{}INHERIT {}", place.alter(), quote::name(name));
                let words = format!("let {shown} inherit {}", words::name(name));
                Draft::new(place.id, Action::Join { statement, reason: None }, words)
            }
            Bond::Of(_) => {
                let statement = format!("{}OF {}", place.alter(), quote::name(name));
                Draft::alter(place.id, statement, format!("make {shown} one of {}", words::name(name)))
            }
        };
        let parent = bond.parent(place.fates.to);
        let elders = parent.into_iter().flat_map(|it| [place.fates.ancestors(it), vec![it]].concat());
        for table in elders.chain([place.id]) {
            draft = draft.awaits(Fact::Parent(table.clone())).awaits(Fact::Cleared(table.clone()));
        }
        // What others inherit from is attached to nothing, and nobody is his child's child.
        draft.awaits.extend(place.fates.offspring(place.id).cloned().map(Fact::Aside));
        drafts.push(draft.awaits(Fact::Aside(place.id.clone())));
    }
}

fn storage(place: &Place<'_>, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let shown = words::object(place.id);
    let rewrite = |clause: String, words: String| {
        let reason = "rewrites the table".to_owned();
        Draft::new(place.id, Action::Rewrite { statements: vec![place.alter() + &clause], reason }, words)
    };
    if from.persistence != to.persistence {
        let kind = match to.persistence {
            Persistence::Permanent => "LOGGED",
            Persistence::Unlogged => "UNLOGGED",
        };
        let turn = rewrite(format!("SET {kind}"), format!("make {shown} {}", kind.to_lowercase()));
        drafts.push(turn.announces(Fact::Persistence(place.id.clone())));
    }
    if from.access_method != to.access_method {
        let method = to.access_method.as_deref().unwrap_or("heap");
        let clause = format!("SET ACCESS METHOD {}", quote::ident(method));
        drafts.push(rewrite(clause, format!("store {shown} as {method}")));
    }
    let clauses = column::parameters(&from.options, &to.options);
    if !clauses.is_empty() {
        let words = format!("change storage parameters of {shown}");
        drafts.push(Draft::alter(place.id, place.alter() + &clauses.join(", "), words));
    }
}

fn security(place: &Place<'_>, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let shown = words::object(place.id);
    let mut say = |clause: &str, words: String| {
        drafts.push(Draft::alter(place.id, place.alter() + clause, words));
    };
    match (from.row_security, to.row_security) {
        (false, true) => say("ENABLE ROW LEVEL SECURITY", format!("enable row level security of {shown}")),
        (true, false) => say("DISABLE ROW LEVEL SECURITY", format!("disable row level security of {shown}")),
        _ => {}
    }
    match (from.force_row_security, to.force_row_security) {
        (false, true) => say("FORCE ROW LEVEL SECURITY", format!("force row level security of {shown}")),
        (true, false) => {
            say("NO FORCE ROW LEVEL SECURITY", format!("do not force row level security of {shown}"))
        }
        _ => {}
    }
}

/// `REPLICA IDENTITY` and `CLUSTER ON`, which go with an index that is made again.
fn by_index(place: &Place<'_>, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let shown = words::object(place.id);
    let remade = |index: &str| {
        [Kind::Index, Kind::Constraint].into_iter().any(|kind| {
            let id = ObjectId::of(kind, place.name, index);
            place.fates.comes(&id) || super::is_swapped(place.fates, &id)
        })
    };
    let wait = |draft: Draft, index: &str| {
        draft.awaits(made(Kind::Index, place.name, index)).awaits(made(Kind::Constraint, place.name, index))
    };
    let lost = matches!(&to.replica_identity, ReplicaIdentity::Index(index) if remade(index));
    if from.replica_identity != to.replica_identity || lost {
        let (clause, index) = match &to.replica_identity {
            ReplicaIdentity::Default => ("DEFAULT".to_owned(), ""),
            ReplicaIdentity::Nothing => ("NOTHING".to_owned(), ""),
            ReplicaIdentity::Full => ("FULL".to_owned(), ""),
            ReplicaIdentity::Index(index) => (format!("USING INDEX {}", quote::ident(index)), index.as_str()),
        };
        let words = format!("set replica identity of {shown} to {}", clause.to_lowercase());
        let statement = format!("{}REPLICA IDENTITY {clause}", place.alter());
        // The columns of an index that identifies rows stay NOT NULL.
        let free = |draft: Draft, column: &Column| {
            draft.announces(Fact::MayBeNull(place.id.clone(), column.name.clone()))
        };
        let draft = from.columns.iter().fold(Draft::alter(place.id, statement, words), free);
        drafts.push(wait(draft, index));
    }
    let lost = to.cluster_on.as_deref().is_some_and(remade);
    if from.cluster_on == to.cluster_on && !lost {
        return;
    }
    let what = verb(from.cluster_on.is_some(), to.cluster_on.is_some());
    let words = format!("{what} clustering of {shown}");
    match &to.cluster_on {
        Some(index) => {
            let statement = format!("{}CLUSTER ON {}", place.alter(), quote::ident(index));
            drafts.push(wait(Draft::alter(place.id, statement, words), index));
        }
        None => drafts.push(Draft::alter(place.id, place.alter() + "SET WITHOUT CLUSTER", words)),
    }
}

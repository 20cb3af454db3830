//! Tables that stay.

use super::annotate::verb;
use super::column::{self, Place};
use crate::ddl::quote;
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Fact, Role};
use crate::diff::fate::{ColumnFate, Fates};
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
    (from.access_method != to.access_method && version < 15).then_some("it gets another access method")
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
    if fates.changed.contains(id) {
        kinship(&place, from, to, drafts);
        storage(&place, from, to, drafts);
        security(&place, from, to, drafts);
    }
    by_index(&place, from, to, drafts);
}

fn columns(place: &Place<'_>, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let parents = ancestors(place.fates, to);
    let wait = |draft: Draft| {
        let draft = draft.awaits(Fact::Aside(place.id.clone()));
        parents
            .iter()
            .fold(draft, |draft, parent| draft.awaits(Fact::Parent(ObjectId::relation(Kind::Table, parent))))
    };
    let mut found = Vec::new();
    for old in &from.columns {
        match to.column(&old.name) {
            None if !old.inherited => found.push(column::drop(place, old, None)),
            None => {}
            Some(new) if place.fates.column_fate(place.id, &old.name) == Some(ColumnFate::Recreate) => {
                found.push(column::drop(place, old, Some(new)));
                found.push(column::add(place, new));
            }
            Some(new) if old.inherited && new.inherited => {
                let old = column::after_parents(place.fates, old, &parents);
                column::in_place(place, &old, new, &mut found);
            }
            Some(new) => column::in_place(place, old, new, &mut found),
        }
    }
    let added = to.columns.iter().filter(|new| from.column(&new.name).is_none() && !new.inherited);
    found.extend(added.map(|new| column::add(place, new)));
    drafts.extend(found.into_iter().map(wait));
}

/// The parents and theirs, the eldest first.
fn ancestors(fates: &Fates<'_>, table: &Table) -> Vec<Name> {
    let mut names = Vec::new();
    for parent in table.partition_of.iter().map(|partition| &partition.parent).chain(&table.inherits) {
        if let Some(table) = fates.to.table(parent) {
            names.extend(ancestors(fates, table));
        }
        names.push(parent.clone());
    }
    names
}

/// Partitions, inheritance, `OF`.
fn kinship(place: &Place<'_>, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let (table, shown) = (quote::name(place.name), words::object(place.id));
    if from.partition_of != to.partition_of {
        if let Some(old) = &from.partition_of {
            let words = format!("detach {shown} from {}", words::name(&old.parent));
            let mut draft = Draft::new(place.id, Action::Detach { parent: old.parent.clone() }, words);
            draft = draft.role(Role::Release).announces(Fact::Aside(place.id.clone()));
            drafts.push(draft);
        }
        if let Some(new) = &to.partition_of {
            let parent = ObjectId::relation(Kind::Table, &new.parent);
            let statement =
                format!("ALTER TABLE {} ATTACH PARTITION {table} {}", quote::name(&new.parent), new.bound);
            let words = format!("attach {shown} to {}", words::name(&new.parent));
            let action =
                Action::Rewrite { statements: vec![statement], reason: "reads the partition".into() };
            drafts.push(
                Draft::new(place.id, action, words)
                    .awaits(Fact::Aside(place.id.clone()))
                    .awaits(Fact::Parent(place.id.clone()))
                    .awaits(Fact::Parent(parent))
                    .risk(format!("fails if a row of {} is outside of its bounds", words::name(place.name))),
            );
        }
    }
    descent(place, from, to, drafts);
}

/// `INHERIT` and `OF`: an old bond is cut before the columns change, and a new one is tied afterwards.
fn descent(place: &Place<'_>, from: &Table, to: &Table, drafts: &mut Vec<Draft>) {
    let shown = words::object(place.id);
    let leave = |clause: String, words: String| {
        Draft::alter(place.id, place.alter() + &clause, words).announces(Fact::Aside(place.id.clone()))
    };
    let join = |clause: String, words: String| {
        Draft::alter(place.id, place.alter() + &clause, words).awaits(Fact::Parent(place.id.clone()))
    };
    for parent in from.inherits.iter().filter(|parent| !to.inherits.contains(parent)) {
        let words = format!("let {shown} not inherit {}", words::name(parent));
        drafts.push(leave(format!("NO INHERIT {}", quote::name(parent)), words));
    }
    for parent in to.inherits.iter().filter(|parent| !from.inherits.contains(parent)) {
        let words = format!("let {shown} inherit {}", words::name(parent));
        drafts.push(join(format!("INHERIT {}", quote::name(parent)), words));
    }
    if from.of_type == to.of_type {
        return;
    }
    if from.of_type.is_some() {
        drafts.push(leave("NOT OF".to_owned(), format!("make {shown} an untyped one")));
    }
    if let Some(of_type) = &to.of_type {
        let words = format!("make {shown} one of {}", words::name(of_type));
        drafts
            .push(join(format!("OF {}", quote::name(of_type)), words).awaits(Fact::Aside(place.id.clone())));
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

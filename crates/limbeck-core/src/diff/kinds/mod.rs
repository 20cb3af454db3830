//! One generator per kind of object.

mod annotate;
mod attached;
mod cast;
mod column;
mod constraint;
mod convert;
mod index;
mod routine;
mod sequence;
mod table;
mod types;
mod view;

use std::borrow::Cow;

use super::change::Action;
use super::draft::{Draft, Fact, Role, Stage, has_index};
use super::fate::Fates;
use super::removal::Carried;
use super::words;
use crate::ddl;
use crate::schema::{Entry, Kind, Object, ObjectId};

pub(super) use cast::compare_with_each_other;
pub(super) use column::{fate as column_fate, is_loosened};
pub(super) use types::is_enclosed;

/// Why an object of both sides cannot be changed in place; `None` where it can.
pub(super) fn must_rebuild(fates: &Fates<'_>, id: &ObjectId, from: &Object, to: &Object) -> Option<String> {
    let reason = match (from, to) {
        (Object::Collation(from), Object::Collation(to)) => (from != to).then_some("its definition changes"),
        (Object::Range(from), Object::Range(to)) => (from != to).then_some("its definition changes"),
        (Object::Enum(from), Object::Enum(to)) => types::rebuild_enum(from, to),
        (Object::Domain(from), Object::Domain(to)) => types::rebuild_domain(fates, id, from, to),
        (Object::Composite(from), Object::Composite(to)) => types::rebuild_composite(fates, id, from, to),
        (Object::Table(from), Object::Table(to)) => table::rebuild(from, to, fates.version),
        (Object::Routine(from), Object::Routine(to)) => routine::rebuild(from, to),
        (Object::View(from), Object::View(to)) => view::rebuild(id.kind, from, to),
        (Object::Statistics(from), Object::Statistics(to)) => {
            (from.definition != to.definition || from.name != to.name).then_some("its definition changes")
        }
        (Object::Trigger(from), Object::Trigger(to)) => attached::rebuild_trigger(from, to, fates.version),
        (Object::Policy(from), Object::Policy(to)) => attached::rebuild_policy(from, to),
        (Object::Opaque(from), Object::Opaque(to)) => (from != to).then_some("its definition changes"),
        _ => None,
    };
    reason.map(str::to_owned)
}

/// All changes, in no order.
pub(super) fn drafts(fates: &Fates<'_>, carried: &Carried<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (id, entry) in &fates.from.objects {
        if fates.goes(id) {
            if !carried.is_carried(id) {
                drafts.extend(removal(fates, id, entry));
            }
        } else {
            let after = &fates.to.objects[id];
            in_place(fates, id, entry, after, &mut drafts);
        }
    }
    for (id, entry) in &fates.to.objects {
        if fates.comes(id) {
            creation(fates, id, entry, &mut drafts);
        }
    }
    drafts
}

/// An object that goes, for good or to be made again.
fn removal(fates: &Fates<'_>, id: &ObjectId, entry: &Entry) -> Vec<Draft> {
    let reason = fates.rebuilt.get(id).cloned();
    if types::steps_aside(fates, id) {
        return types::step_aside(fates, id, entry, reason);
    }
    if id.kind == Kind::DefaultPrivileges {
        let statements = ddl::changed_grants(id, &entry.grants, &id.default_grants());
        return vec![
            Draft::new(id, Action::Annotate(statements), words::drop(id, entry))
                .role(Role::Remove)
                .stage(Stage::Part),
        ];
    }
    let for_good = reason.is_none();
    let loss = words::loss(id, entry, fates.to);
    let mut draft = Draft::drop(id, entry, words::drop(id, entry)).because(reason).loss(loss);
    if for_good && !matches!(id.kind, Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy) {
        draft = draft.stage(Stage::Part);
        draft.change.farewell = true;
    }
    for table in fates.rows_in(id, None) {
        draft = draft.announces(Fact::RowsAside(table.clone()));
    }
    draft = match &entry.object {
        Object::Constraint(from) => constraint::removed(fates, id, from, draft),
        Object::Table(table) => table::room(table, draft.announces(Fact::Aside(id.clone()))),
        _ => draft,
    };
    vec![draft]
}

/// An object that comes, for the first time or again.
fn creation(fates: &Fates<'_>, id: &ObjectId, entry: &Entry, drafts: &mut Vec<Draft>) {
    if fates.comes_with_check(id) || fates.comes_with_table(id) {
        return;
    }
    let reason = fates.rebuilt.get(id).cloned();
    let said = match &entry.object {
        Object::Table(table) if !table.inherits.is_empty() => {
            let object = ddl::beside_parents(fates.to, table).into();
            Cow::Owned(Entry { object, ..entry.clone() })
        }
        _ => Cow::Borrowed(entry),
    };
    let mut draft =
        Draft::create(id, &said, words::create(id, entry)).because(reason).announces(Fact::Made(id.clone()));
    draft = match &entry.object {
        Object::Constraint(to) => constraint::added(fates, id, to, draft),
        Object::Table(to) => table::created(fates, to, draft),
        Object::Index(to) => index::created(id, to, draft),
        _ => draft,
    };
    drafts.push(draft);
    if let Object::Table(table) = &entry.object {
        table::without(fates, id, table, drafts);
    }
    let settle = ddl::despite_defaults(fates.from, id, entry);
    if !settle.is_empty() {
        let words = format!("settle privileges of {}", words::object(id));
        drafts.push(Draft::new(id, Action::Annotate(settle), words));
    }
    let finish = ddl::finish(id, entry);
    if !finish.is_empty() {
        drafts.push(table::finish(id, entry, finish));
    }
}

/// What can be changed as it is.
fn in_place(fates: &Fates<'_>, id: &ObjectId, from: &Entry, to: &Entry, drafts: &mut Vec<Draft>) {
    let is_touched = fates.changed.contains(id) || fates.released.contains_key(id);
    if !is_touched && !matches!(id.kind, Kind::Table | Kind::ForeignTable) {
        return;
    }
    match (&from.object, &to.object) {
        (Object::Table(old), Object::Table(new)) => table::in_place(fates, id, old, new, drafts),
        (Object::Extension(old), Object::Extension(new)) => types::extension(id, old, new, drafts),
        (Object::Enum(old), Object::Enum(new)) => types::add_values(id, old, new, drafts),
        (Object::Domain(old), Object::Domain(new)) => types::domain(fates, id, old, new, drafts),
        (Object::Composite(old), Object::Composite(new)) => types::composite(fates, id, old, new, drafts),
        (Object::Sequence(old), Object::Sequence(new)) => sequence::in_place(id, old, new, drafts),
        (Object::Routine(old), Object::Routine(new)) if old != new => drafts.push(replace(id, to)),
        (Object::View(old), Object::View(new)) => view::in_place(id, old, new, to, drafts),
        (Object::Index(old), Object::Index(new)) => index::in_place(id, (from, old), (to, new), drafts),
        (Object::Constraint(old), Object::Constraint(new)) => {
            constraint::in_place(fates, id, (from, old), (to, new), drafts);
        }
        (Object::Statistics(old), Object::Statistics(new)) => attached::statistics(id, old, new, drafts),
        (Object::Rule(old), Object::Rule(new)) => attached::rule(id, old, new, to, drafts),
        (Object::Trigger(old), Object::Trigger(new)) => attached::trigger(id, old, new, to, drafts),
        (Object::Policy(old), Object::Policy(new)) => attached::policy(id, old, new, drafts),
        _ => {}
    }
    annotate::comment_and_grants(fates, id, from, to, drafts);
}

/// `CREATE OR REPLACE`.
fn replace(id: &ObjectId, to: &Entry) -> Draft {
    let action = Action::Replace(Box::new(to.clone()));
    Draft::new(id, action, format!("replace {}", words::object(id))).role(Role::Provide)
}

/// Whether a key gets another index: it is made anew under its name.
pub(super) fn is_new_key(from: &Object, to: &Object) -> bool {
    match (from, to) {
        (Object::Constraint(from), Object::Constraint(to)) => {
            has_index(from.kind) && from.definition != to.definition
        }
        (Object::Index(from), Object::Index(to)) => from.unique && index::is_swap(from, to),
        _ => false,
    }
}

/// Whether a changed constraint stays what it is and counts on what it counted on.
pub(super) fn is_altered(from: &Object, to: &Object) -> bool {
    match (from, to) {
        (Object::Constraint(from), Object::Constraint(to)) => constraint::altered(from, to).is_some(),
        _ => false,
    }
}

/// Whether an index or constraint of both sides is made anew under its name.
fn is_swapped(fates: &Fates<'_>, id: &ObjectId) -> bool {
    if !fates.changed.contains(id) || fates.goes(id) {
        return false;
    }
    match (fates.from.get(id), fates.to.get(id)) {
        (Some(Object::Index(from)), Some(Object::Index(to))) => index::is_swap(from, to),
        (Some(Object::Constraint(from)), Some(Object::Constraint(to))) => from.definition != to.definition,
        _ => false,
    }
}

//! Every name and every text of an object, for renames.

use super::text::Rewrite;
use crate::schema::{Entry, Identity, Kind, Name, Object, ObjectId, ReplicaIdentity, Sequence, Table, View};

/// What kind of text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A query, or something that holds one.
    Query,
    /// An expression or a definition without one.
    Expression,
    /// A type.
    Type,
}

/// Calls `visit` with every text that PostgreSQL prints for an object, always in the same order.
pub(super) fn texts(entry: &mut Entry, visit: &mut dyn FnMut(&mut String, Place)) {
    use Place::{Expression, Query, Type};
    match &mut entry.object {
        Object::Table(table) => table_texts(table, visit),
        Object::View(view) => {
            visit(&mut view.definition, Query);
            view.columns.iter_mut().for_each(|column| visit(&mut column.data_type, Type));
        }
        Object::Domain(domain) => {
            visit(&mut domain.base, Type);
            domain.default.iter_mut().for_each(|text| visit(text, Expression));
            domain.checks.iter_mut().for_each(|check| visit(&mut check.definition, Expression));
        }
        Object::Composite(composite) => {
            composite.attributes.iter_mut().for_each(|attribute| visit(&mut attribute.data_type, Type));
        }
        Object::Range(range) => visit(&mut range.definition, Type),
        Object::Routine(routine) => {
            visit(&mut routine.arguments, Type);
            routine.result.iter_mut().for_each(|text| visit(text, Type));
            visit(&mut routine.definition, Query);
        }
        Object::Index(index) => visit(&mut index.definition, Expression),
        Object::Constraint(constraint) => {
            visit(&mut constraint.definition, Expression);
            constraint.index.iter_mut().for_each(|text| visit(text, Expression));
        }
        Object::Statistics(statistics) => visit(&mut statistics.definition, Expression),
        Object::Rule(rule) => visit(&mut rule.definition, Query),
        Object::Trigger(trigger) => visit(&mut trigger.definition, Expression),
        Object::Policy(policy) => {
            policy.using.iter_mut().chain(&mut policy.with_check).for_each(|text| visit(text, Query));
        }
        Object::Opaque(opaque) => {
            opaque.create.iter_mut().for_each(|text| visit(text, Query));
            visit(&mut opaque.drop, Expression);
        }
        _ => {}
    }
}

fn table_texts(table: &mut Table, visit: &mut dyn FnMut(&mut String, Place)) {
    for column in &mut table.columns {
        visit(&mut column.data_type, Place::Type);
        column.default.iter_mut().for_each(|text| visit(text, Place::Expression));
        column.generated.iter_mut().for_each(|generated| visit(&mut generated.expression, Place::Expression));
    }
    table.partition_by.iter_mut().for_each(|text| visit(text, Place::Expression));
    table.partition_of.iter_mut().for_each(|partition| visit(&mut partition.bound, Place::Expression));
}

/// Gives an object, and what it names, the new names.
pub(super) fn names(id: &mut ObjectId, entry: &mut Entry, rewrite: &Rewrite) {
    if let Rewrite::Column { of, from, to } = rewrite {
        columns(id, entry, of, from, to);
        return;
    }
    if let (Rewrite::Value { of, from, to }, Object::Enum(object)) = (rewrite, &mut entry.object) {
        if *id == ObjectId::relation(Kind::Enum, of) {
            object.values.iter_mut().filter(|value| *value == from).for_each(|value| value.clone_from(to));
        }
        return;
    }
    identity(id, rewrite);
    let mut needs = std::mem::take(&mut entry.needs).into_iter().collect::<Vec<_>>();
    needs.iter_mut().for_each(|need| identity(&mut need.on, rewrite));
    entry.needs = needs.into_iter().collect();
    let name = |name: &mut Name| {
        if let Some(new) = rewrite.name(name) {
            *name = new;
        }
    };
    match &mut entry.object {
        Object::Table(table) => table_names(table, id, rewrite, &name),
        Object::Sequence(sequence) => sequence.owned_by.iter_mut().for_each(|(table, _)| name(table)),
        Object::Constraint(constraint) => constraint.references.iter_mut().for_each(name),
        Object::Statistics(statistics) => name(&mut statistics.name),
        Object::Domain(domain) => domain.collation.iter_mut().for_each(name),
        Object::Composite(composite) => {
            composite.attributes.iter_mut().filter_map(|it| it.collation.as_mut()).for_each(name);
        }
        Object::Extension(extension) => {
            if let Rewrite::Object { from, to } = rewrite
                && from.kind == Kind::Schema
                && extension.schema == from.name
            {
                extension.schema.clone_from(&to.name);
            }
        }
        _ => {}
    }
}

fn table_names(table: &mut Table, id: &ObjectId, rewrite: &Rewrite, name: &dyn Fn(&mut Name)) {
    table.partition_of.iter_mut().for_each(|partition| name(&mut partition.parent));
    table.inherits.iter_mut().for_each(name);
    table.of_type.iter_mut().for_each(name);
    for column in &mut table.columns {
        column.collation.iter_mut().for_each(name);
        if let Some(Identity { sequence: Some(own), .. }) = &mut column.identity {
            let (sequence, owned_by) = (&mut own.name, &mut own.settings.owned_by);
            if let Rewrite::Object { from, .. } = rewrite
                && from.kind == Kind::Sequence
            {
                name(sequence);
            }
            // A sequence moves to another schema with its table.
            if let Rewrite::Object { from, to } = rewrite
                && (from.kind == Kind::Schema && sequence.schema == from.name
                    || from.kind == Kind::Table && to == id)
                && let Some(schema) = to.schema.as_ref().or(Some(&to.name))
            {
                sequence.schema.clone_from(schema);
            }
            owned_by.iter_mut().for_each(|(table, _)| name(table));
        }
    }
    if let Rewrite::Object { from, to } = rewrite
        && table.partition_of.as_ref().map(|partition| &partition.parent) == from.of.as_ref()
    {
        let shares = match from.kind {
            Kind::Index => vec![&mut table.shares.indexes],
            Kind::Constraint => vec![&mut table.shares.indexes, &mut table.shares.foreign_keys],
            _ => Vec::new(),
        };
        for names in shares {
            if let Some(own) = names.remove(&from.name) {
                names.insert(to.name.clone(), own);
            }
        }
    }
    if let Rewrite::Object { from, to } = rewrite
        && matches!(from.kind, Kind::Index | Kind::Constraint)
        && from.of == id.qualified()
    {
        if let ReplicaIdentity::Index(index) = &mut table.replica_identity
            && *index == from.name
        {
            index.clone_from(&to.name);
        }
        table
            .cluster_on
            .iter_mut()
            .filter(|index| **index == from.name)
            .for_each(|index| index.clone_from(&to.name));
    }
}

/// An object's own name, and that of its table.
fn identity(id: &mut ObjectId, rewrite: &Rewrite) {
    let Rewrite::Object { from, to } = rewrite else { return };
    if id == from {
        id.clone_from(to);
        return;
    }
    if let Some(of) = &id.of
        && from.of.is_none()
        && let Some(new) = rewrite.name(of)
    {
        id.schema = Some(new.schema.clone());
        id.of = Some(new);
    } else if from.kind == Kind::Schema && id.of.is_none() && id.schema.as_ref() == Some(&from.name) {
        id.schema = Some(to.name.clone());
    }
    if !id.arguments.is_empty() {
        id.arguments = rewrite.text(&id.arguments, Place::Type);
    }
}

/// A column's new name wherever it is named.
fn columns(id: &ObjectId, entry: &mut Entry, of: &ObjectId, from: &str, to: &str) {
    let rename = |name: &mut String| {
        if name == from {
            to.clone_into(name);
        }
    };
    let mut needs = std::mem::take(&mut entry.needs).into_iter().collect::<Vec<_>>();
    for need in &mut needs {
        if need.on == *of {
            need.column.iter_mut().for_each(rename);
        }
        if id == of {
            need.by.iter_mut().for_each(rename);
        }
    }
    entry.needs = needs.into_iter().collect();
    let own = id == of;
    let belongs = id.of.is_some() && id.of == of.qualified();
    match &mut entry.object {
        Object::Table(table) if own => table.columns.iter_mut().for_each(|column| rename(&mut column.name)),
        Object::View(View { columns, .. }) if own => {
            columns.iter_mut().for_each(|column| rename(&mut column.name))
        }
        Object::Composite(composite) if own => {
            composite.attributes.iter_mut().for_each(|it| rename(&mut it.name))
        }
        Object::Constraint(constraint) if belongs => constraint.columns.iter_mut().for_each(rename),
        Object::Index(index) if belongs => index.columns.iter_mut().flatten().for_each(rename),
        Object::Sequence(Sequence { owned_by: Some((table, column)), .. })
            if Some(&*table) == of.qualified().as_ref() =>
        {
            rename(column);
        }
        _ => {}
    }
    if own {
        let grants = std::mem::take(&mut entry.grants).into_iter();
        let renamed = grants.map(|mut grant| {
            grant.column.iter_mut().for_each(rename);
            grant
        });
        entry.grants = renamed.collect();
        if let Object::Table(table) = &mut entry.object {
            own_sequences(table, &rename);
        }
    }
}

fn own_sequences(table: &mut Table, rename: &dyn Fn(&mut String)) {
    for column in &mut table.columns {
        if let Some(Identity { sequence: Some(own), .. }) = &mut column.identity
            && let Some((_, column)) = &mut own.settings.owned_by
        {
            rename(column);
        }
    }
}

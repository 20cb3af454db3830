//! Changes for people.

use crate::schema::{ConstraintKind, Entry, Kind, Name, Object, ObjectId, RoutineKind, Schema, Sequence};

/// A name; `public` goes without saying.
pub(super) fn name(name: &Name) -> String {
    if name.schema == "public" { name.name.clone() } else { name.to_string() }
}

/// `table users`, `index users_email_idx on users`, `function f(integer)`.
pub(super) fn object(id: &ObjectId) -> String {
    let kind = kind(id.kind);
    let own = id.qualified().map_or_else(|| id.name.clone(), |own| name(&own));
    match (&id.of, id.kind) {
        (None, Kind::DefaultPrivileges) => id.to_string(),
        (Some(relation), _) => format!("{kind} {} on {}", id.name, name(relation)),
        (None, Kind::Routine | Kind::Operator) => format!("{kind} {own}({})", id.arguments),
        (None, _) => format!("{kind} {own}"),
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Enum => "enum".to_owned(),
        Kind::Composite => "composite type".to_owned(),
        Kind::Range => "range type".to_owned(),
        kind => kind.sql().to_lowercase(),
    }
}

/// As [`object`], with what only the object knows.
pub(super) fn exact(id: &ObjectId, entry: &Entry) -> String {
    match &entry.object {
        Object::Constraint(constraint) => {
            let kind = match constraint.kind {
                ConstraintKind::PrimaryKey => "primary key",
                ConstraintKind::Unique => "unique constraint",
                ConstraintKind::Check => "check",
                ConstraintKind::ForeignKey => "foreign key",
                ConstraintKind::Exclusion => "exclusion constraint",
            };
            object(id).replacen("constraint", kind, 1)
        }
        Object::Routine(routine) => {
            let kind = match routine.kind {
                RoutineKind::Function => "function",
                RoutineKind::Procedure => "procedure",
                RoutineKind::Aggregate => "aggregate",
            };
            object(id).replacen("routine", kind, 1)
        }
        Object::Table(table) if table.partition_of.is_some() => object(id).replacen("table", "partition", 1),
        _ => object(id),
    }
}

/// Kind and name of what belongs to a table, where it is clear which.
pub(super) fn own(id: &ObjectId, entry: &Entry) -> String {
    let text = exact(id, entry);
    text.rsplit_once(" on ").map_or(text.clone(), |(own, _)| own.to_owned())
}

pub(super) fn create(id: &ObjectId, entry: &Entry) -> String {
    format!("create {}", exact(id, entry))
}

pub(super) fn drop(id: &ObjectId, entry: &Entry) -> String {
    format!("drop {}", exact(id, entry))
}

pub(super) fn alter(id: &ObjectId, entry: &Entry) -> String {
    format!("change {}", exact(id, entry))
}

/// Whether its column goes on with an identity's own sequence.
fn becomes_identity(sequence: &Sequence, to: &Schema) -> bool {
    sequence.owned_by.as_ref().is_some_and(|(table, column)| {
        let column = to.table(table).and_then(|table| table.column(column));
        column.is_some_and(|column| column.identity.is_some())
    })
}

/// What is lost with an object: rows, a position, or something that others may use by its name. What belongs to a table
/// (indexes, constraints, triggers, policies) holds nothing of its own.
pub(super) fn loss(id: &ObjectId, entry: &Entry, to: &Schema) -> Option<String> {
    let again = to.objects.contains_key(id);
    let own = id.qualified().map(|own| name(&own)).unwrap_or_default();
    match &entry.object {
        Object::Table(_) if id.kind == Kind::Table => Some(format!("all rows of {own}")),
        _ if again || id.of.is_some() => None,
        Object::Sequence(sequence) if becomes_identity(sequence, to) => None,
        Object::Sequence(_) => Some(format!("the position of sequence {own}")),
        _ => Some(exact(id, entry)),
    }
}

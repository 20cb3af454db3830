//! What printing and reading once more cannot change.
//!
//! Only an expression may print differently when its print is read again (`design.md`, section 8). An object without one
//! is made of names, numbers and constants; what PostgreSQL printed of it, it will print of it again. So only the rest
//! of a schema has to go through a server until its print comes to rest, with what the rest cannot be made without.

use std::collections::BTreeSet;

use super::{
    Column, Constraint, ConstraintKind, Entry, Index, Kind, Name, Nullability, Object, ObjectId,
    ReplicaIdentity, Schema, Table,
};

impl Schema {
    /// Of a schema that PostgreSQL printed: what it may print differently when it has read it once more, and all that
    /// this needs to be made. Nothing, where all is settled.
    #[must_use]
    pub fn unsettled(&self) -> Self {
        let seeds = self.objects.iter().filter(|(_, entry)| !is_settled(entry)).map(|(id, _)| id.clone());
        self.part(seeds)
    }

    /// These objects with all that they need to be made, and the schemas. Nothing is nothing.
    #[must_use]
    pub fn part(&self, seeds: impl IntoIterator<Item = ObjectId>) -> Self {
        let mut part = Self::default();
        let mut left: Vec<ObjectId> = seeds.into_iter().collect();
        if !left.is_empty() {
            left.extend(self.objects.keys().filter(|id| id.kind == Kind::Schema).cloned());
        }
        while let Some(id) = left.pop() {
            let Some(entry) = self.objects.get(&id).filter(|_| !part.objects.contains_key(&id)) else {
                continue;
            };
            left.extend(self.needed(&id, entry));
            part.objects.insert(id, entry.clone());
        }
        part
    }

    /// What an object cannot be made without.
    pub(crate) fn needed(&self, id: &ObjectId, entry: &Entry) -> BTreeSet<ObjectId> {
        let mut needed: BTreeSet<ObjectId> = entry.needs.iter().map(|need| need.on.clone()).collect();
        let relation = |name: &Name| RELATIONS.map(|kind| ObjectId::relation(kind, name));
        needed.extend(id.of.iter().flat_map(relation));
        match &entry.object {
            Object::Table(table) => {
                let parents = table.partition_of.iter().map(|partition| &partition.parent);
                needed.extend(parents.chain(&table.inherits).flat_map(relation));
                needed.extend(table.of_type.iter().map(|of| ObjectId::relation(Kind::Composite, of)));
                needed.extend(named_indexes(id, table));
            }
            Object::Sequence(sequence) => {
                needed.extend(sequence.owned_by.iter().flat_map(|(table, _)| relation(table)));
            }
            Object::Constraint(constraint) => {
                needed.extend(constraint.references.iter().flat_map(relation));
            }
            _ => {}
        }
        needed
    }
}

const RELATIONS: [Kind; 4] = [Kind::Table, Kind::ForeignTable, Kind::View, Kind::MaterializedView];

/// The indexes that a table names: of its replica identity and of CLUSTER.
fn named_indexes(id: &ObjectId, table: &Table) -> Vec<ObjectId> {
    let Some(name) = id.qualified() else { return Vec::new() };
    let replica = match &table.replica_identity {
        ReplicaIdentity::Index(index) => Some(index),
        _ => None,
    };
    let indexes = replica.into_iter().chain(&table.cluster_on);
    indexes
        .flat_map(|index| [Kind::Index, Kind::Constraint].map(|kind| ObjectId::of(kind, &name, index)))
        .collect()
}

/// Whether what PostgreSQL printed of an object is what it will print again. In doubt it is not.
fn is_settled(entry: &Entry) -> bool {
    match &entry.object {
        Object::Schema
        | Object::Extension(_)
        | Object::Enum(_)
        | Object::Sequence(_)
        | Object::DefaultPrivileges => true,
        Object::Table(table) => is_settled_table(table),
        Object::Index(index) => is_settled_index(index),
        Object::Constraint(constraint) => is_settled_constraint(constraint),
        _ => false,
    }
}

fn is_settled_table(table: &Table) -> bool {
    table.partition_of.is_none()
        && table.inherits.is_empty()
        && table.of_type.is_none()
        && table.server.is_none()
        && table.partition_by.as_deref().is_none_or(is_list)
        && table.columns.iter().all(is_settled_column)
}

/// `RANGE (a, b)`, without an expression: those stand in parentheses of their own.
fn is_list(text: &str) -> bool {
    text.ends_with(')') && text.matches(['(', ')']).count() == 2
}

/// A concurrent build that failed is made whole when its index is made again.
fn is_settled_index(index: &Index) -> bool {
    index.valid
        && !index.only
        && index.columns.iter().all(Option::is_some)
        && is_plain_index(&index.definition)
}

fn is_plain_index(definition: &str) -> bool {
    !definition.contains(" WHERE ")
}

fn is_settled_constraint(constraint: &Constraint) -> bool {
    let is_plain = match constraint.kind {
        ConstraintKind::PrimaryKey | ConstraintKind::Unique => {
            constraint.index.as_deref().is_some_and(is_plain_index)
        }
        ConstraintKind::ForeignKey => true,
        ConstraintKind::Check | ConstraintKind::Exclusion => false,
    };
    is_plain && constraint.validated
}

fn is_settled_column(column: &Column) -> bool {
    column.generated.is_none()
        && !column.inherited
        && column.nullability != Nullability::NotValid
        && column.default.as_deref().is_none_or(|default| is_constant(default, &column.data_type))
}

/// Whether a default is one of those that PostgreSQL prints as it reads them: a constant of the column's own type, a
/// number, a call without arguments, the next value of a sequence.
fn is_constant(default: &str, data_type: &str) -> bool {
    const WORDS: [&str; 8] = [
        "true",
        "false",
        "now()",
        "gen_random_uuid()",
        "clock_timestamp()",
        "CURRENT_TIMESTAMP",
        "CURRENT_DATE",
        "CURRENT_USER",
    ];
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits may be a number of another type.
    let is_number = |text: &str| match text.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(text) && text.len() < 10,
    };
    WORDS.contains(&default)
        || is_number(default)
        || is_own_constant(default, data_type)
        || default.strip_prefix("nextval(").is_some_and(|rest| literal_before(rest, "::regclass)").is_some())
}

/// Types whose constants are written as they are printed, whatever the session's settings are.
const TYPES: [&str; 9] =
    ["text", "character varying", "smallint", "integer", "bigint", "uuid", "json", "jsonb", "date"];

/// `'...'::type` or `NULL::type`.
fn is_own_constant(default: &str, data_type: &str) -> bool {
    let own = without_length(data_type);
    // What has a schema is the user's own; a domain's constant prints as one of its base type.
    if !TYPES.contains(&own) && !own.contains('.') {
        return false;
    }
    let cast = format!("::{own}");
    literal_before(default, &cast).is_some() || default.strip_suffix(&cast) == Some("NULL")
}

/// `character varying(50)` without its length, which no constant prints.
pub(crate) fn without_length(data_type: &str) -> &str {
    match data_type.split_once('(') {
        Some(("character varying", _)) if data_type.ends_with(')') => "character varying",
        _ => data_type,
    }
}

/// The string constant that a text consists of, before this ending. One with backslashes begins with an E and is none.
pub(crate) fn literal_before<'a>(text: &'a str, ending: &str) -> Option<&'a str> {
    let literal = text.strip_suffix(ending)?;
    let inside = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inside.replace("''", "").contains(['\'', '\\'])).then_some(literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_settled() {
        let settled = [
            ("0", "bigint"),
            ("0.50", "numeric(10,2)"),
            ("now()", "timestamp without time zone"),
            ("'it''s'::text", "text"),
            ("'x'::character varying", "character varying(5)"),
            ("NULL::character varying", "character varying(5)"),
            ("'{}'::jsonb", "jsonb"),
            ("'new'::app.\"Status\"", "app.\"Status\""),
            ("nextval('public.t_id_seq'::regclass)", "integer"),
        ];
        for (default, data_type) in settled {
            assert!(is_constant(default, data_type), "{default}");
        }
        let others = [
            ("", "text"),
            ("-1", "integer"),
            ("'a' || 'b'::text", "text"),
            ("'a'::text || 'b'::text", "text"),
            ("E'a\\\\b'::text", "text"),
            ("'a'::text", "character varying(5)"),
            ("'a'::character(3)", "character(3)"),
            ("('a'::text)::app.domain", "app.domain"),
            ("app.now()", "timestamp with time zone"),
            ("12345678901", "bigint"),
            ("nextval('a'::regclass) + nextval('b'::regclass)", "bigint"),
            ("'12.50'::money", "money"),
        ];
        for (default, data_type) in others {
            assert!(!is_constant(default, data_type), "{default}");
        }
    }

    #[test]
    fn parts_of_keys_are_lists() {
        assert!(is_list("RANGE (created_at, \"B b\")"));
        assert!(!is_list("RANGE (lower(name))"));
        assert!(!is_list("RANGE (((a + b)))"));
    }
}

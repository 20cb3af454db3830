//! A database's schema as plain values: what the catalog reader yields, models become, the diff compares and the
//! DDL writer renders.
//!
//! Every text in it that PostgreSQL can print (types, expressions, definitions) is as PostgreSQL prints it with an
//! empty `search_path`: names outside `pg_catalog` carry their schema. Two schemas are compared as values only when
//! both were printed by servers of one major version; what a model or an SQL file says goes through a scratch server
//! first.
//!
//! Owners are not part of it, as in `pg_dump --no-owner`; nor are roles, tablespaces and other things that live
//! outside a database.

mod id;
mod object;
mod relation;
mod routine;
mod selection;
mod settled;
mod types;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use id::{Kind, Name, ObjectId};
pub use object::{Extension, Object, Opaque};
pub use relation::{
    Column, Constraint, ConstraintKind, Firing, Generated, Generation, Identity, IdentityKind,
    IdentitySequence, Index, Nullability, PartitionOf, Persistence, Policy, ReplicaIdentity, Rule, Shares,
    Statistics, Table, Trigger, View, ViewColumn,
};
pub use routine::{Routine, RoutineKind};
pub use selection::{Excluded, Selection, TablePattern};
pub(crate) use settled::{literal_before, without_length};
pub use types::{Attribute, Collation, Composite, Domain, DomainCheck, Enum, Range, Sequence};

/// Everything that a database holds, of the kinds that [`Kind`] lists, without what belongs to extensions, to the
/// server and to limbeck.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(ObjectId, Entry)>", into = "Vec<(ObjectId, Entry)>")]
pub struct Schema {
    /// The objects, by identity. Iteration goes kind by kind, in the order of [`Kind`].
    pub objects: BTreeMap<ObjectId, Entry>,
}

impl Schema {
    /// The object of this identity.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id).map(|entry| &entry.object)
    }

    /// The table of this name, partitioned or not, partition or not.
    pub fn table(&self, name: &Name) -> Option<&Table> {
        match self.get(&ObjectId::relation(Kind::Table, name)) {
            Some(Object::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// What a new object of this kind is given when whoever migrates makes it: what PostgreSQL grants by itself, or the
    /// default privileges that stand in its place, and those of the object's schema.
    pub fn given(&self, kind: Kind, schema: Option<&str>) -> BTreeSet<Grant> {
        let privileges = |schema: Option<&str>| {
            let entry = self.objects.get(&ObjectId::default_privileges(kind, schema)?)?;
            Some(entry.grants.clone())
        };
        let mut given = privileges(None).unwrap_or_else(|| Grant::defaults(kind));
        given.extend(schema.and_then(|schema| privileges(Some(schema))).unwrap_or_default());
        given
    }

    /// What belongs to a table or view (constraints, indexes, triggers, policies, rules, statistics), in the order of
    /// [`Kind`] and name.
    pub fn belongings<'a>(&'a self, relation: &'a Name) -> impl Iterator<Item = (&'a ObjectId, &'a Entry)> {
        Kind::BELONGING.into_iter().flat_map(move |kind| {
            let first = ObjectId::of(kind, relation, "");
            let own = move |id: &ObjectId| id.kind == kind && id.of.as_ref() == Some(relation);
            self.objects.range(first..).take_while(move |(id, _)| own(id))
        })
    }
}

impl From<Vec<(ObjectId, Entry)>> for Schema {
    fn from(entries: Vec<(ObjectId, Entry)>) -> Self {
        Self { objects: entries.into_iter().collect() }
    }
}

impl From<Schema> for Vec<(ObjectId, Entry)> {
    fn from(schema: Schema) -> Self {
        schema.objects.into_iter().collect()
    }
}

/// An object, with what every kind of object may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The object.
    pub object: Object,
    /// `COMMENT ON`; those of columns are in [`Column`], those of attributes in [`Attribute`].
    pub comment: Option<String>,
    /// Comments on parts that PostgreSQL comments by themselves, by their names: on a domain's checks, and on the index of a
    /// constraint, under an empty name, since its own is the constraint's.
    pub part_comments: BTreeMap<String, String>,
    /// Who may do what, the owner left out. What PostgreSQL grants by itself (`EXECUTE` on a function to `PUBLIC`, for
    /// example) is listed like the rest: a `REVOKE` then is an absence.
    pub grants: BTreeSet<Grant>,
    /// What must be there before this one, from `pg_depend` where a catalog was read. Not compared.
    pub needs: BTreeSet<Need>,
}

impl Entry {
    /// An object without comment and needs, and with the grants that PostgreSQL gives to everything of its kind.
    pub fn new(object: impl Into<Object>) -> Self {
        let object = object.into();
        let grants = object.default_grants();
        Self { object, comment: None, part_comments: BTreeMap::new(), grants, needs: BTreeSet::new() }
    }

    /// Takes all grants for those that PostgreSQL gives by itself.
    pub fn forget_grants(&mut self) {
        self.grants = self.object.default_grants();
        if let Object::Table(table) = &mut self.object {
            table.identity_sequences().for_each(|sequence| sequence.grants.clear());
        }
    }

    /// Whether both say the same. What they need is not compared: it follows from the rest.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.object == other.object && self.is_commented_as(other) && self.grants == other.grants
    }

    /// Whether both, and their parts that are no columns, have the same comments.
    pub(crate) fn is_commented_as(&self, other: &Self) -> bool {
        self.comment == other.comment && self.part_comments == other.part_comments
    }
}

/// One privilege of one role, as `aclexplode` lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// The role's name; `None` is `PUBLIC`.
    pub grantee: Option<String>,
    /// For example `SELECT`.
    pub privilege: String,
    /// The column, for a privilege on a single one.
    pub column: Option<String>,
    /// `WITH GRANT OPTION`.
    pub grantable: bool,
}

impl Grant {
    /// A privilege that everybody has.
    pub fn to_public(privilege: impl Into<String>) -> Self {
        Self { grantee: None, privilege: privilege.into(), column: None, grantable: false }
    }

    /// What PostgreSQL grants by itself when it makes an object of this kind, the owner left out (`acldefault`; manual,
    /// section Privileges).
    pub fn defaults(kind: Kind) -> BTreeSet<Self> {
        match kind {
            Kind::Routine => [Self::to_public("EXECUTE")].into(),
            Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range | Kind::Language => {
                [Self::to_public("USAGE")].into()
            }
            _ => BTreeSet::new(),
        }
    }
}

/// That an object cannot be there without another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// What is needed. An extension where the needed object is one of its members.
    pub on: ObjectId,
    /// Only this column of it.
    pub column: Option<String>,
    /// Which column of the object that needs has the need (a default that calls a function); `None` is the whole.
    pub by: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn belongings_are_of_one_relation() {
        let policy = || {
            let command = "ALL".to_owned();
            Policy { permissive: true, command, roles: Vec::new(), using: None, with_check: None }
        };
        let tables = [Name::new("a", "t"), Name::new("a", "t2"), Name::new("b", "t")];
        let ids = tables.iter().flat_map(|table| {
            Kind::BELONGING
                .into_iter()
                .flat_map(move |kind| ["", "x"].map(|name| ObjectId::of(kind, table, name)))
        });
        let mut objects: BTreeMap<_, _> = ids.map(|id| (id, Entry::new(policy()))).collect();
        objects.insert(ObjectId::relation(Kind::Table, &tables[0]), Entry::new(Table::new(Vec::new())));
        let schema = Schema { objects };
        for table in &tables {
            let found: Vec<_> = schema.belongings(table).map(|(id, _)| id).collect();
            let expected: Vec<_> = schema.objects.keys().filter(|id| id.of.as_ref() == Some(table)).collect();
            assert_eq!(found, expected);
        }
    }
}

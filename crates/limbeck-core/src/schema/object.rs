use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Collation, Composite, Constraint, Domain, Enum, Grant, Index, Kind, Policy, Range, Routine, Rule,
    Sequence, Statistics, Table, Trigger, View,
};

/// What an object is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Object {
    /// A schema has nothing but its name.
    Schema,
    /// An extension.
    Extension(Extension),
    /// A collation.
    Collation(Collation),
    /// An enumerated type.
    Enum(Enum),
    /// A domain.
    Domain(Domain),
    /// A composite type.
    Composite(Composite),
    /// A range type, with its multirange.
    Range(Range),
    /// A sequence.
    Sequence(Sequence),
    /// A table or foreign table.
    Table(Table),
    /// A function, procedure, window function or aggregate.
    Routine(Routine),
    /// A view or materialized view; the identity says which.
    View(View),
    /// An index.
    Index(Index),
    /// A table's constraint.
    Constraint(Constraint),
    /// Extended statistics.
    Statistics(Statistics),
    /// A rewrite rule.
    Rule(Rule),
    /// A trigger.
    Trigger(Trigger),
    /// A row-level security policy.
    Policy(Policy),
    /// Default privileges have nothing but their identity and their grants.
    DefaultPrivileges,
    /// Any other kind: known by the statements that make it.
    Opaque(Opaque),
}

impl Object {
    /// The grants that PostgreSQL gives to everything of its kind.
    pub fn default_grants(&self) -> BTreeSet<Grant> {
        match self {
            Self::Routine(_) => Grant::defaults(Kind::Routine),
            Self::Enum(_) | Self::Domain(_) | Self::Composite(_) | Self::Range(_) => {
                Grant::defaults(Kind::Enum)
            }
            _ => BTreeSet::new(),
        }
    }
}

macro_rules! from {
    ($($kind:ident),+) => {
        $(impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$kind(object)
            }
        })+
    };
}

from!(
    Extension, Collation, Enum, Domain, Composite, Range, Sequence, Table, Routine, View, Index, Constraint,
    Statistics, Rule, Trigger, Policy, Opaque
);

/// `CREATE EXTENSION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Where its objects are.
    pub schema: String,
    /// The installed version. `None` where whatever the server offers will do; then it is not compared.
    pub version: Option<String>,
}

/// An object that has no structure here: a change of it is a drop and a create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opaque {
    /// The statements that make it, complete, without a semicolon.
    pub create: Vec<String>,
    /// The statement that removes it.
    pub drop: String,
}

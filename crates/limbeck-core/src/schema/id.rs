use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Grant;

/// The kinds of objects, in the order in which they are created where nothing else decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// `CREATE SCHEMA`.
    Schema,
    /// `CREATE EXTENSION`.
    Extension,
    /// `CREATE LANGUAGE`, other than those that extensions bring.
    Language,
    /// `CREATE COLLATION`.
    Collation,
    /// `CREATE TYPE ... AS ENUM`.
    Enum,
    /// `CREATE DOMAIN`.
    Domain,
    /// `CREATE TYPE ... AS (...)`.
    Composite,
    /// `CREATE TYPE ... AS RANGE`.
    Range,
    /// `CREATE SEQUENCE`; those of identity columns are part of the column.
    Sequence,
    /// `CREATE FOREIGN DATA WRAPPER`.
    ForeignDataWrapper,
    /// `CREATE SERVER`.
    Server,
    /// `CREATE TABLE`, partitioned tables and partitions included.
    Table,
    /// `CREATE FOREIGN TABLE`.
    ForeignTable,
    /// Functions, procedures, window functions and aggregates: they share their names.
    Routine,
    /// `CREATE OPERATOR`.
    Operator,
    /// `CREATE OPERATOR FAMILY`.
    OperatorFamily,
    /// `CREATE OPERATOR CLASS`.
    OperatorClass,
    /// `CREATE CAST`.
    Cast,
    /// `CREATE TEXT SEARCH DICTIONARY`.
    TextSearchDictionary,
    /// `CREATE TEXT SEARCH CONFIGURATION`.
    TextSearchConfiguration,
    /// `CREATE VIEW`.
    View,
    /// `CREATE MATERIALIZED VIEW`.
    MaterializedView,
    /// Indexes that no constraint owns.
    Index,
    /// Constraints of tables: primary keys, unique, check, foreign key and exclusion constraints. NOT NULL is part of
    /// the column, a domain's constraints are part of the domain.
    Constraint,
    /// `CREATE STATISTICS`.
    Statistics,
    /// `CREATE RULE`, other than the one that makes a view.
    Rule,
    /// `CREATE TRIGGER`, other than those of foreign keys.
    Trigger,
    /// `CREATE POLICY`.
    Policy,
    /// `CREATE EVENT TRIGGER`.
    EventTrigger,
    /// `CREATE PUBLICATION`.
    Publication,
    /// `ALTER DEFAULT PRIVILEGES`.
    DefaultPrivileges,
}

impl Kind {
    /// What belongs to a table or view, in order.
    pub(super) const BELONGING: [Self; 6] =
        [Self::Index, Self::Constraint, Self::Statistics, Self::Rule, Self::Trigger, Self::Policy];

    /// As PostgreSQL names the kind in `DROP` and `COMMENT ON`, in upper case.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Schema => "SCHEMA",
            Self::Extension => "EXTENSION",
            Self::Language => "LANGUAGE",
            Self::Collation => "COLLATION",
            Self::Enum | Self::Composite | Self::Range => "TYPE",
            Self::Domain => "DOMAIN",
            Self::Sequence => "SEQUENCE",
            Self::ForeignDataWrapper => "FOREIGN DATA WRAPPER",
            Self::Server => "SERVER",
            Self::Table => "TABLE",
            Self::ForeignTable => "FOREIGN TABLE",
            Self::Routine => "ROUTINE",
            Self::Operator => "OPERATOR",
            Self::OperatorFamily => "OPERATOR FAMILY",
            Self::OperatorClass => "OPERATOR CLASS",
            Self::Cast => "CAST",
            Self::TextSearchDictionary => "TEXT SEARCH DICTIONARY",
            Self::TextSearchConfiguration => "TEXT SEARCH CONFIGURATION",
            Self::View => "VIEW",
            Self::MaterializedView => "MATERIALIZED VIEW",
            Self::Index => "INDEX",
            Self::Constraint => "CONSTRAINT",
            Self::Statistics => "STATISTICS",
            Self::Rule => "RULE",
            Self::Trigger => "TRIGGER",
            Self::Policy => "POLICY",
            Self::EventTrigger => "EVENT TRIGGER",
            Self::Publication => "PUBLICATION",
            Self::DefaultPrivileges => "DEFAULT PRIVILEGES",
        }
    }
}

/// The name of something that lives in a schema. Neither part is quoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    /// The schema.
    pub schema: String,
    /// The name in it.
    pub name: String,
}

impl Name {
    /// A name in a schema.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

/// For people, unquoted: `public.users`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// Which object it is. Sorted by kind first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// What it is.
    pub kind: Kind,
    /// The schema, for what lives in one; that of the relation for what belongs to one; that of default privileges in a
    /// schema.
    pub schema: Option<String>,
    /// The table or view that it belongs to: of constraints, indexes, triggers, policies, rules, statistics (the first
    /// table).
    pub of: Option<Name>,
    /// Its own name, unquoted. For casts `source AS target`; for default privileges the things that they are about, as
    /// in the statement: `TABLES`.
    pub name: String,
    /// Argument types of routines and operators, as `oidvectortypes` prints them; the access method of operator classes
    /// and families; the role for whose things default privileges are, where it is not the one that migrates. Empty for
    /// everything else.
    pub arguments: String,
}

impl ObjectId {
    /// Something that lives in no schema.
    pub fn global(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, schema: None, of: None, name: name.into(), arguments: String::new() }
    }

    /// A table, view, sequence, type, collation, ...: what has a schema and a name.
    pub fn relation(kind: Kind, name: &Name) -> Self {
        Self {
            kind,
            schema: Some(name.schema.clone()),
            of: None,
            name: name.name.clone(),
            arguments: String::new(),
        }
    }

    /// A constraint, index, trigger, policy, rule or statistics object of a relation.
    pub fn of(kind: Kind, relation: &Name, name: impl Into<String>) -> Self {
        Self {
            kind,
            schema: Some(relation.schema.clone()),
            of: Some(relation.clone()),
            name: name.into(),
            arguments: String::new(),
        }
    }

    /// A routine or an operator.
    pub fn with_arguments(kind: Kind, name: &Name, arguments: impl Into<String>) -> Self {
        Self { arguments: arguments.into(), ..Self::relation(kind, name) }
    }

    /// The default privileges of whoever migrates for new things of a kind, in one schema or everywhere; `None` for kinds
    /// that have none.
    pub fn default_privileges(kind: Kind, schema: Option<&str>) -> Option<Self> {
        let things = match kind {
            Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView => "TABLES",
            Kind::Sequence => "SEQUENCES",
            Kind::Routine => "FUNCTIONS",
            Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range => "TYPES",
            Kind::Schema => "SCHEMAS",
            _ => return None,
        };
        Some(Self { schema: schema.map(str::to_owned), ..Self::global(Kind::DefaultPrivileges, things) })
    }

    /// What PostgreSQL grants by itself on a new object, or, for default privileges everywhere, on the things that they
    /// are about (`acldefault`; manual, section Privileges). The owner is left out.
    pub fn default_grants(&self) -> BTreeSet<Grant> {
        match (self.kind, self.name.as_str(), &self.schema) {
            (Kind::DefaultPrivileges, "FUNCTIONS", None) => Grant::defaults(Kind::Routine),
            (Kind::DefaultPrivileges, "TYPES", None) => Grant::defaults(Kind::Enum),
            (kind, _, _) => Grant::defaults(kind),
        }
    }

    /// Whether it is a routine or an operator that differs from another one in its arguments only.
    pub(crate) fn is_overload_of(&self, other: &Self) -> bool {
        matches!(self.kind, Kind::Routine | Kind::Operator)
            && self.arguments != other.arguments
            && (self.kind, &self.schema, &self.name) == (other.kind, &other.schema, &other.name)
    }

    /// Schema and name, for what lives in a schema.
    pub fn qualified(&self) -> Option<Name> {
        self.schema.as_ref().map(|schema| Name::new(schema.clone(), self.name.clone()))
    }
}

/// For people: `table public.users`, `constraint users_pkey of public.users`, `routine public.f(integer)`, `default
/// privileges of anna on tables in schema app`.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.sql().to_lowercase())?;
        if self.kind == Kind::DefaultPrivileges {
            if !self.arguments.is_empty() {
                write!(f, "of {} ", self.arguments)?;
            }
            write!(f, "on {}", self.name.to_lowercase())?;
            return self.schema.iter().try_for_each(|schema| write!(f, " in schema {schema}"));
        }
        match (&self.of, &self.schema) {
            (Some(relation), _) => write!(f, "{} of {relation}", self.name)?,
            (None, Some(schema)) => write!(f, "{schema}.{}", self.name)?,
            (None, None) => f.write_str(&self.name)?,
        }
        match self.kind {
            Kind::Routine | Kind::Operator => write!(f, "({})", self.arguments),
            Kind::OperatorClass | Kind::OperatorFamily => write!(f, " using {}", self.arguments),
            _ => Ok(()),
        }
    }
}

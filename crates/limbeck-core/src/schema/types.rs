//! Types, collations and sequences.

use serde::{Deserialize, Serialize};

use super::{Name, Nullability, Persistence};

/// `CREATE TYPE ... AS ENUM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enum {
    /// The values, in their order.
    pub values: Vec<String>,
}

/// `CREATE DOMAIN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// The type beneath, as `format_type` prints it.
    pub base: String,
    /// The collation, where it is not the base type's own.
    pub collation: Option<Name>,
    /// The default expression.
    pub default: Option<String>,
    /// NOT NULL.
    pub nullability: Nullability,
    /// Its check constraints, sorted by name.
    pub checks: Vec<DomainCheck>,
}

/// A domain's check constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCheck {
    /// Its name.
    pub name: String,
    /// As `pg_get_constraintdef` prints it, without a `NOT VALID` at its end.
    pub definition: String,
    /// Whether it is known to hold for all values.
    pub validated: bool,
}

/// `CREATE TYPE ... AS (...)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Composite {
    /// In order.
    pub attributes: Vec<Attribute>,
}

/// An attribute of a composite type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// As `format_type` prints it.
    pub data_type: String,
    /// The collation, where it is not the type's own.
    pub collation: Option<Name>,
    /// `COMMENT ON COLUMN`.
    pub comment: Option<String>,
}

/// `CREATE TYPE ... AS RANGE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// What stands in the parentheses, complete: `subtype = date, multirange_type_name = ...`.
    pub definition: String,
}

/// `CREATE COLLATION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collation {
    /// What stands in the parentheses, complete: `provider = icu, locale = 'und', deterministic = false`.
    pub definition: String,
}

/// A sequence; its position is data, not schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// `AS`: `bigint`, for example.
    pub data_type: String,
    /// `START WITH`.
    pub start: i64,
    /// `INCREMENT BY`.
    pub increment: i64,
    /// `MINVALUE`.
    pub min: i64,
    /// `MAXVALUE`.
    pub max: i64,
    /// `CACHE`.
    pub cache: i64,
    /// `CYCLE`.
    pub cycle: bool,
    /// Logged or not (PostgreSQL 15).
    pub persistence: Persistence,
    /// `OWNED BY`: table and column.
    pub owned_by: Option<(Name, String)>,
}

//! Tables, views, and what belongs to them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Grant, Name, Sequence};

/// A table, partitioned table, partition or foreign table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Logged or not.
    pub persistence: Persistence,
    /// In the order of `attnum`. The order is not compared: PostgreSQL has no way to change it.
    pub columns: Vec<Column>,
    /// What follows `PARTITION BY`, as `pg_get_partkeydef` prints it.
    pub partition_by: Option<String>,
    /// Whose partition it is.
    pub partition_of: Option<PartitionOf>,
    /// The tables of `INHERITS`, in order.
    pub inherits: Vec<Name>,
    /// The composite type of `OF`.
    pub of_type: Option<Name>,
    /// Storage parameters, those of the TOAST table as `toast.name`.
    pub options: BTreeMap<String, String>,
    /// `USING`, where it is not `heap`.
    pub access_method: Option<String>,
    /// `ENABLE ROW LEVEL SECURITY`.
    pub row_security: bool,
    /// `FORCE ROW LEVEL SECURITY`.
    pub force_row_security: bool,
    /// `REPLICA IDENTITY`.
    pub replica_identity: ReplicaIdentity,
    /// The index of `CLUSTER ON`.
    pub cluster_on: Option<String>,
    /// For foreign tables: `SERVER name OPTIONS (...)`.
    pub server: Option<String>,
    /// What a partition has of its parent's indexes and keys.
    pub shares: Box<Shares>,
}

impl Table {
    /// An ordinary table with these columns and PostgreSQL's defaults for the rest.
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            persistence: Persistence::Permanent,
            columns,
            partition_by: None,
            partition_of: None,
            inherits: Vec::new(),
            of_type: None,
            options: BTreeMap::new(),
            access_method: None,
            row_security: false,
            force_row_security: false,
            replica_identity: ReplicaIdentity::Default,
            cluster_on: None,
            server: None,
            shares: Box::default(),
        }
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Its identity columns, without those that are a parent's.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.columns.iter().filter(|column| !column.inherited).filter_map(|column| column.identity.as_ref())
    }

    /// The sequences of its identity columns, as far as they are known.
    pub fn identity_sequences(&mut self) -> impl Iterator<Item = &mut IdentitySequence> {
        self.columns.iter_mut().filter_map(|column| column.identity.as_mut()?.sequence.as_mut())
    }
}

/// `pg_class.relpersistence`; temporary tables are never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Persistence {
    /// Survives a crash.
    Permanent,
    /// `UNLOGGED`.
    Unlogged,
}

/// `PARTITION OF parent FOR VALUES ...`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionOf {
    /// The partitioned table.
    pub parent: Name,
    /// `FOR VALUES ...` or `DEFAULT`, as `pg_get_expr(relpartbound)` prints it.
    pub bound: String,
}

/// What a partition has of its parent's: by the parent's names, its own names, which PostgreSQL chose or somebody gave.
/// They are not compared, but tell what a partition keeps that is detached.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Shares {
    /// Indexes, those of constraints too.
    pub indexes: BTreeMap<String, String>,
    /// Foreign keys.
    pub foreign_keys: BTreeMap<String, String>,
}

impl PartialEq for Shares {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Shares {}

/// `pg_class.relreplident`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplicaIdentity {
    /// The primary key.
    Default,
    /// `NOTHING`.
    Nothing,
    /// `FULL`.
    Full,
    /// `USING INDEX`.
    Index(String),
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// As `format_type` prints it: `character varying(50)`, `public.mood[]`.
    pub data_type: String,
    /// The collation, schema and name, where it is not the type's own.
    pub collation: Option<Name>,
    /// NOT NULL.
    pub nullability: Nullability,
    /// The default expression.
    pub default: Option<String>,
    /// `GENERATED ALWAYS AS (expression)`.
    pub generated: Option<Generated>,
    /// `GENERATED ... AS IDENTITY`.
    pub identity: Option<Identity>,
    /// `SET STORAGE`, where it is not the type's own: `EXTERNAL`, for example.
    pub storage: Option<String>,
    /// `SET COMPRESSION`.
    pub compression: Option<String>,
    /// `SET STATISTICS`.
    pub statistics: Option<i32>,
    /// `SET (n_distinct = ...)`; options of foreign tables' columns too.
    pub options: BTreeMap<String, String>,
    /// Whether it is only there because a parent table has it.
    pub inherited: bool,
    /// `COMMENT ON COLUMN`.
    pub comment: Option<String>,
}

impl Column {
    /// A nullable column with nothing but a name and a type.
    pub fn new(name: impl Into<String>, data_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data_type: data_type.into(),
            collation: None,
            nullability: Nullability::Nullable,
            default: None,
            generated: None,
            identity: None,
            storage: None,
            compression: None,
            statistics: None,
            options: BTreeMap::new(),
            inherited: false,
            comment: None,
        }
    }
}

/// Whether a column may be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nullability {
    /// It may.
    Nullable,
    /// It may not.
    NotNull,
    /// New rows may not; PostgreSQL 18's `NOT NULL ... NOT VALID`.
    NotValid,
}

/// A generated column's expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// The expression.
    pub expression: String,
    /// Written, or computed when read (PostgreSQL 18).
    pub generation: Generation,
}

/// When a generated column is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Generation {
    /// `STORED`.
    Stored,
    /// `VIRTUAL`.
    Virtual,
}

/// An identity column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `ALWAYS` or `BY DEFAULT`.
    pub kind: IdentityKind,
    /// `None` where a model leaves it to PostgreSQL.
    pub sequence: Option<IdentitySequence>,
}

/// The sequence of an identity column, which PostgreSQL makes and drops with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentitySequence {
    /// Its name, in the schema of the table.
    pub name: Name,
    /// Its settings.
    pub settings: Sequence,
    /// `COMMENT ON SEQUENCE`.
    pub comment: Option<String>,
    /// Who may do what with it, the owner left out. To insert into the table nobody needs any.
    pub grants: BTreeSet<Grant>,
}

impl IdentitySequence {
    /// A sequence without comment and grants.
    pub fn new(name: Name, settings: Sequence) -> Self {
        Self { name, settings, comment: None, grants: BTreeSet::new() }
    }
}

/// What an identity column does with a value that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdentityKind {
    /// Refuses it.
    Always,
    /// Takes it.
    ByDefault,
}

/// A table's constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// Which kind.
    pub kind: ConstraintKind,
    /// What follows `CONSTRAINT name`, as `pg_get_constraintdef` prints it, without a `NOT VALID` at its end.
    pub definition: String,
    /// Whether it is known to hold for all rows.
    pub validated: bool,
    /// The columns that it is about, in its own order.
    pub columns: Vec<String>,
    /// The table that a foreign key refers to.
    pub references: Option<Name>,
    /// For primary keys, unique and exclusion constraints: what follows the table's name in their index's definition,
    /// from `USING` on.
    pub index: Option<String>,
}

/// `pg_constraint.contype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConstraintKind {
    /// `PRIMARY KEY`.
    PrimaryKey,
    /// `UNIQUE`.
    Unique,
    /// `CHECK`.
    Check,
    /// `FOREIGN KEY`.
    ForeignKey,
    /// `EXCLUDE`.
    Exclusion,
}

/// An index that no constraint owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// `CREATE UNIQUE INDEX`.
    pub unique: bool,
    /// What follows the table's name, from `USING` on, as `pg_get_indexdef` prints it, tablespaces left out.
    pub definition: String,
    /// Whether queries may use it: a concurrent build that failed leaves one that they may not.
    pub valid: bool,
    /// `ON ONLY`: an index of a partitioned table that not all of its partitions have.
    pub only: bool,
    /// The plain columns that it is about; an expression is `None`.
    pub columns: Vec<Option<String>>,
    /// `ALTER INDEX ... ALTER COLUMN n SET STATISTICS`.
    pub statistics: BTreeMap<i32, i32>,
}

/// Extended statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Its own schema and name, which need not be the table's.
    pub name: Name,
    /// As `pg_get_statisticsobjdef` prints it: a whole `CREATE STATISTICS`.
    pub definition: String,
    /// `SET STATISTICS`.
    pub target: Option<i32>,
}

/// A rewrite rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// As `pg_get_ruledef` prints it: a whole `CREATE RULE`, without the semicolon.
    pub definition: String,
    /// When it fires.
    pub firing: Firing,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// As `pg_get_triggerdef` prints it: a whole `CREATE TRIGGER` or `CREATE CONSTRAINT TRIGGER`.
    pub definition: String,
    /// When it fires.
    pub firing: Firing,
}

/// `ENABLE`, `DISABLE`, `ENABLE REPLICA`, `ENABLE ALWAYS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Firing {
    /// In ordinary sessions.
    Origin,
    /// Never.
    Disabled,
    /// In sessions that replicate.
    Replica,
    /// In all sessions.
    Always,
}

/// A row-level security policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// `AS PERMISSIVE`; otherwise `RESTRICTIVE`.
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: String,
    /// The roles, sorted; empty is `PUBLIC`.
    pub roles: Vec<String>,
    /// `USING`, without the outer parentheses.
    pub using: Option<String>,
    /// `WITH CHECK`, without the outer parentheses.
    pub with_check: Option<String>,
}

/// A view or a materialized view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The query, as `pg_get_viewdef` prints it, without the semicolon.
    pub definition: String,
    /// Its columns, in order.
    pub columns: Vec<ViewColumn>,
    /// `WITH (...)`: `check_option`, `security_barrier`, storage parameters of a materialized view.
    pub options: BTreeMap<String, String>,
    /// `USING`, of a materialized view, where it is not `heap`.
    pub access_method: Option<String>,
}

/// A view's column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// As `format_type` prints it.
    pub data_type: String,
    /// `ALTER VIEW ... ALTER COLUMN ... SET DEFAULT`.
    pub default: Option<String>,
    /// `COMMENT ON COLUMN`.
    pub comment: Option<String>,
}

//! A database's catalogs as a [`Schema`].
//!
//! The number of queries does not depend on what the database holds. They go in two messages (the second one asks for
//! the definitions of indexes that only PostgreSQL can print), in one read-only transaction of one snapshot, with every setting that PostgreSQL's printing depends on set for its duration; so the
//! same database yields the same value whatever the session's settings are.
//!
//! One file per kind of query: each is a `Section`, its SQL and what its rows mean.

mod attached;
mod collations;
mod columns;
mod comments;
mod constraints;
mod grants;
mod indexes;
mod inexpressible;
mod needs;
mod opaque;
mod privileges;
mod reader;
mod relations;
mod routines;
mod schemas;
mod scope;
mod sequences;
mod types;

use std::collections::BTreeSet;

use limbeck_core::schema::{Name, Schema};
use limbeck_core::{Code, Problem};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::execute::failure;
use crate::state::session::{FirstLook, StateOptions, simple_query};
use reader::Reader;
use scope::Scope;

/// What is read of a database, and what is left out.
///
/// Never part of a schema: what belongs to PostgreSQL, to an extension or to a session (temporary tables).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    only: Option<BTreeSet<String>>,
    without_schemas: BTreeSet<String>,
    without_tables: BTreeSet<Name>,
    version_table: Option<Name>,
}

impl Filter {
    /// All but limbeck's own tables, as a first look found them. Whoever owns the version table migrates.
    pub fn own(look: &FirstLook, options: &StateOptions) -> Self {
        let versions = look.versions();
        let version_table = Name::new(&versions.schema, &versions.name);
        let filter = Self { version_table: Some(version_table.clone()), ..Self::default() };
        filter.without_schema(&options.journal_schema).without_table(version_table)
    }

    /// Only this schema and what it holds (called again: this one too). What lives in no schema is left out then.
    #[must_use]
    pub fn only_schema(mut self, schema: impl Into<String>) -> Self {
        self.only.get_or_insert_default().insert(schema.into());
        self
    }

    /// Neither this schema nor what it holds.
    #[must_use]
    pub fn without_schema(mut self, schema: impl Into<String>) -> Self {
        self.without_schemas.insert(schema.into());
        self
    }

    /// Not this table, nor what belongs to it.
    #[must_use]
    pub fn without_table(mut self, table: Name) -> Self {
        self.without_tables.insert(table);
        self
    }
}

/// What a database holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// All that can be said as a value.
    pub schema: Schema,
    /// What is there besides and cannot, in words for people: `access method bloom`. Whoever makes a database from
    /// the schema, or compares it, says that these are left out.
    pub inexpressible: Vec<String>,
}

/// One query, and what its rows add to what is being read.
struct Section {
    sql: fn(&Scope) -> String,
    read: fn(&mut Reader, &[PgRow]) -> Result<(), sqlx::Error>,
}

/// In an order in which each finds what it refers to.
const SECTIONS: &[Section] = &[
    schemas::SCHEMAS,
    schemas::EXTENSIONS,
    collations::COLLATIONS,
    types::TYPES,
    relations::RELATIONS,
    columns::COLUMNS,
    sequences::SEQUENCES,
    constraints::CONSTRAINTS,
    indexes::OPERATOR_CLASSES,
    indexes::INDEXES,
    indexes::SHARES,
    routines::ROUTINES,
    attached::STATISTICS,
    attached::RULES,
    attached::TRIGGERS,
    attached::POLICIES,
    opaque::LANGUAGES,
    opaque::FOREIGN,
    opaque::OPERATORS,
    opaque::FAMILIES,
    opaque::CASTS,
    opaque::TEXT_SEARCH,
    opaque::EVENTS,
    opaque::PUBLICATIONS,
    privileges::DEFAULT_PRIVILEGES,
    grants::GRANTS,
    comments::COMMENTS,
    needs::MEMBERS,
    needs::NEEDS,
    inexpressible::INEXPRESSIBLE,
];

/// What PostgreSQL's printing of types, expressions and constants depends on, set for the transaction.
///
/// `pg_temp` last: otherwise a temporary table could stand before a catalog of its name.
const SETTINGS: &[&str] = &[
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL xmlbinary = 'base64'",
    // Compiling a query takes longer than to run any of these.
    "SET LOCAL jit = off",
];

/// In which transaction a database is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// In one of its own, of one snapshot.
    Own,
    /// In the one that the session is in, which has settings afterwards that are only good for being rolled back.
    Joined,
}

/// Reads a database. The session, which must not be in a transaction, is left as it was.
///
/// # Errors
/// A server older than PostgreSQL 13, a failing connection, or an object that was dropped meanwhile.
pub async fn read(connection: &mut PgConnection, filter: &Filter) -> Result<Read, Error> {
    let read = framed(connection, filter, Frame::Own).await;
    if read.is_err() {
        // A lost connection cannot be rolled back, and need not be: the server does it.
        let _ = simple_query(connection, "ROLLBACK").await;
    }
    read
}

/// The name of the role that migrates a database: the version table's owner, or, where there is none, the session's role.
///
/// # Errors
/// A failing connection.
pub(crate) async fn migrator(connection: &mut PgConnection, filter: &Filter) -> Result<String, Error> {
    let role = sqlx::query_scalar(AssertSqlSafe(format!("SELECT ({})::text", scope::migrator(filter))));
    role.fetch_one(connection).await.map_err(|error| failure::database(&error).into())
}

/// Reads what a session sees in its transaction, which is to be rolled back then.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_uncommitted(connection: &mut PgConnection, filter: &Filter) -> Result<Read, Error> {
    framed(connection, filter, Frame::Joined).await
}

async fn framed(connection: &mut PgConnection, filter: &Filter, frame: Frame) -> Result<Read, Error> {
    let version = connection.server_version_num().unwrap_or_default();
    if version < OLDEST {
        let message = "the schema of a server older than PostgreSQL 13 cannot be read";
        return Err(Problem::new(Code::NotPossible, message).help("update the server").into());
    }
    let read = queried(connection, &Scope::new(version, filter), filter, frame).await;
    read.map_err(|error| failure::database(&error).prefixed("the catalogs cannot be read: ").into())
}

async fn queried(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &Filter,
    frame: Frame,
) -> Result<Read, sqlx::Error> {
    let (begin, end) = match frame {
        Frame::Own => (Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), ";\nCOMMIT"),
        Frame::Joined => (None, ""),
    };
    let mut statements: Vec<String> = begin.iter().chain(SETTINGS).map(|&it| it.to_owned()).collect();
    let before = statements.len();
    statements.extend(SECTIONS.iter().map(|section| (section.sql)(scope)));
    let sets = simple_query(connection, &statements.join(";\n")).await?;
    let mut reader = Reader::new(filter);
    for (section, rows) in SECTIONS.iter().zip(sets.get(before..).unwrap_or_default()) {
        (section.read)(&mut reader, rows)?;
    }
    let rest = format!("{}{end}", indexes::definitions(&reader.unprinted));
    let definitions = simple_query(connection, &rest).await?;
    indexes::read_definitions(&mut reader, definitions.first().map_or(&[], Vec::as_slice))?;
    Ok(reader.finish())
}

const OLDEST: u32 = 130_000;

//! One connection that belongs to no pool, and the settings under which revisions run.

use std::collections::HashMap;
use std::time::Duration;

use limbeck_core::{Code, Problem};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Either, Row};

use futures_util::TryStreamExt;

use super::access::{self, Access};
use super::journal::{self, Journal, Lineage, Noted, Running};
use super::pooling;
use super::version_table::VersionTable;
use crate::config::Config;
use crate::error::Error;
use crate::execute::failure;
use crate::quote::{ident, literal, unquoted};

/// Where limbeck's state lives and how its sessions are set; the same for a whole project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateOptions {
    /// The version table's name.
    pub version_table: String,
    /// Its schema; without one, where the search path finds it, else where the search path creates.
    pub version_table_schema: Option<String>,
    /// The journal's schema.
    pub journal_schema: String,
    /// How long a statement may wait for a lock. Zero waits for ever.
    pub lock_timeout: Duration,
    /// The role to become after connecting.
    pub role: Option<String>,
}

impl StateOptions {
    /// As the configuration says.
    pub fn of(config: &Config) -> Self {
        Self {
            version_table: config.version_table.clone(),
            version_table_schema: config.version_table_schema.clone(),
            journal_schema: config.journal_schema.clone(),
            lock_timeout: config.lock_timeout,
            role: config.role.clone(),
        }
    }
}

impl Default for StateOptions {
    fn default() -> Self {
        Self {
            version_table: "alembic_version".to_owned(),
            version_table_schema: None,
            journal_schema: "limbeck".to_owned(),
            lock_timeout: Duration::from_secs(3),
            role: None,
        }
    }
}

/// What a run must know of the server and of limbeck's state on it before it reads that state.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) backend_pid: i32,
    pub(crate) has_versions: bool,
    pub(crate) has_journal: bool,
    connection_check: bool,
    /// What only matters to somebody who writes; asked when it does.
    ground: Option<Ground>,
}

/// What a run must know before it creates or changes limbeck's own tables.
#[derive(Debug, Clone)]
struct Ground {
    /// The `VARCHAR` width of the version column, where the table is there and the width has a limit.
    version_width: Option<usize>,
    /// Whether the journal's table lacks columns of this limbeck's format.
    pub(crate) journal_is_older: bool,
    access: Access,
}

/// What the state tables say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The version table's rows, sorted as bytes.
    pub(crate) rows: Vec<String>,
    /// The revision that began and did not end.
    pub(crate) running: Option<Running>,
    /// Checksums of applied revisions, where they were asked for.
    pub(crate) checksums: Vec<Noted>,
}

/// Whether [`Session::recorded`] also reads every checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksums {
    Read,
    Skip,
}

/// What a database says of itself and of limbeck's state in it: all that is asked before the revisions must be
/// known, so that it can be asked while they are read.
#[derive(Debug, Clone)]
pub struct FirstLook {
    facts: Facts,
    versions: VersionTable,
    recorded: Recorded,
}

impl FirstLook {
    /// Asks, in two round trips. Changes nothing but the session's role.
    ///
    /// # Errors
    /// A failing connection, tables that may not be read, or a journal of a newer limbeck.
    pub async fn at(connection: &mut PgConnection, options: &StateOptions) -> Result<Self, Error> {
        let mut session = Session::open(connection, options.clone(), crate::APPLICATION).await?;
        let recorded = session.recorded(Checksums::Read).await?;
        Ok(Self { facts: session.facts, versions: session.versions, recorded })
    }

    /// The version table, found or to be made.
    pub(crate) fn versions(&self) -> &VersionTable {
        &self.versions
    }

    /// The version table's rows.
    pub(crate) fn rows(&self) -> &[String] {
        &self.recorded.rows
    }
}

/// A connection with what is known of its server.
#[derive(Debug)]
pub(crate) struct Session<'c> {
    pub(crate) connection: &'c mut PgConnection,
    pub(crate) facts: Facts,
    pub(crate) versions: VersionTable,
    pub(crate) journal: Journal,
    options: StateOptions,
}

impl<'c> Session<'c> {
    /// Asks the server, in one round trip, for all that a run needs to know before it reads the state.
    pub(crate) async fn open(
        connection: &'c mut PgConnection,
        options: StateOptions,
        client: &str,
    ) -> Result<Self, Error> {
        let (facts, versions) = match glance(connection, &options).await? {
            Some(seen) => seen,
            None => {
                let (facts, versions) = look(connection, &options).await?;
                if let Some(ground) = &facts.ground {
                    ground.access.check_reading(&versions, &options.journal_schema)?;
                }
                (facts, versions)
            }
        };
        Ok(Self::of(connection, options, client, facts, versions))
    }

    /// Goes on from a first look at the same connection.
    pub(crate) fn after(
        look: FirstLook,
        connection: &'c mut PgConnection,
        options: StateOptions,
        client: &str,
    ) -> (Self, Recorded) {
        let FirstLook { facts, versions, recorded } = look;
        (Self::of(connection, options, client, facts, versions), recorded)
    }

    fn of(
        connection: &'c mut PgConnection,
        options: StateOptions,
        client: &str,
        facts: Facts,
        versions: VersionTable,
    ) -> Self {
        let journal = Journal {
            schema: options.journal_schema.clone(),
            versions: versions.clone(),
            client: client.to_owned(),
        };
        Self { connection, facts, versions, journal, options }
    }

    /// The `lock_timeout` of statements for which their revision says no other.
    pub(crate) fn lock_timeout(&self) -> Duration {
        self.options.lock_timeout
    }

    /// Asks again, after waiting for the lock: another run may have created what was missing.
    pub(crate) async fn look_again(&mut self) -> Result<(), Error> {
        let (facts, versions) = look(self.connection, &self.options).await?;
        if facts.backend_pid != self.facts.backend_pid {
            return Err(pooling::shared().into());
        }
        self.facts = facts;
        self.journal.versions = versions.clone();
        self.versions = versions;
        Ok(())
    }

    /// Reads the state, in one round trip.
    pub(crate) async fn recorded(&mut self, checksums: Checksums) -> Result<Recorded, Error> {
        let mut sql = String::new();
        if self.facts.has_versions {
            sql = self.versions.select();
        }
        if self.facts.has_journal {
            sql.push_str(";\n");
            sql.push_str(&match checksums {
                Checksums::Read => self.journal.select_entries(),
                Checksums::Skip => self.journal.select_running(),
            });
        }
        if sql.is_empty() {
            return Ok(Recorded::default());
        }
        let mut sets = self.query(&sql).await?.into_iter();
        let read = |e: sqlx::Error| failure::database(&e);
        let mut recorded = Recorded::default();
        if self.facts.has_versions {
            recorded.rows = column(sets.next().unwrap_or_default()).map_err(read)?;
        }
        let entries = sets.next().unwrap_or_default();
        if let Some(format) = newest_format(&entries).map_err(read)? {
            check_format(format)?;
        }
        match checksums {
            Checksums::Read => read_entries(&entries, &mut recorded).map_err(read)?,
            Checksums::Skip => {
                recorded.running = entries.first().map_or(Ok(None), read_running).map_err(read)?;
            }
        }
        Ok(recorded)
    }

    /// Parents and dependencies of all revisions that the journal knows as applied.
    pub(crate) async fn lineage(&mut self) -> Result<Lineage, Error> {
        if !self.facts.has_journal {
            return Ok(Lineage::new());
        }
        let sets = self.query(&self.journal.select_lineage()).await?;
        let entry = |row: &PgRow| {
            let mut parents: Vec<String> = row.try_get(1)?;
            parents.extend(row.try_get::<Vec<String>, _>(2)?);
            Ok((row.try_get(0)?, parents))
        };
        let lineage: Result<Lineage, sqlx::Error> = sets.iter().flatten().map(entry).collect();
        lineage.map_err(|e| failure::database(&e).into())
    }

    /// Sends SQL as one message and collects the rows of each statement.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<Vec<PgRow>>, Error> {
        simple_query(self.connection, sql).await.map_err(|e| failure::database(&e).into())
    }

    /// The statements that create what is missing of limbeck's state, and make room for ids of
    /// `longest` characters.
    ///
    /// # Errors
    /// The role may not create it, or a failing connection.
    pub(crate) async fn setup(&mut self, longest: usize) -> Result<Vec<String>, Error> {
        if self.facts.ground.is_none() {
            self.look_again().await?;
        }
        let Some(Ground { version_width, journal_is_older, access }) = &self.facts.ground else {
            return Ok(Vec::new());
        };
        let mut statements = Vec::new();
        if !self.facts.has_versions {
            access.check_creating_versions(&self.versions)?;
            statements.push(self.versions.create(longest));
        } else if version_width.is_some_and(|width| width < longest) {
            statements.push(self.versions.widen(longest));
        }
        if !self.facts.has_journal {
            access.check_creating_journal(&self.options.journal_schema)?;
            let [schema, table, index] = self.journal.create();
            // PostgreSQL wants the right to create schemas even for IF NOT EXISTS.
            statements.extend((!access.has_journal_schema).then_some(schema));
            statements.extend([table, index]);
        } else if *journal_is_older {
            access.check_widening_journal(&self.options.journal_schema)?;
            statements.push(self.journal.widen());
        }
        Ok(statements)
    }

    /// Whether the journal's table lacks columns of this limbeck's format, as far as that has been asked.
    pub(crate) fn journal_is_older(&self) -> bool {
        self.facts.ground.as_ref().is_some_and(|ground| ground.journal_is_older)
    }

    /// Remembers that [`Session::setup`] has been committed.
    pub(crate) fn set_up(&mut self) {
        self.facts.has_versions = true;
        self.facts.has_journal = true;
        if let Some(ground) = &mut self.facts.ground {
            ground.version_width = None;
            ground.journal_is_older = false;
        }
    }

    /// The statements that put every setting back to limbeck's own, whatever a revision did to them.
    pub(crate) fn settings(&self, application: &str) -> Vec<String> {
        let mut statements = settings(&self.options, application);
        if self.facts.connection_check {
            // A backend whose client died notices within a second, and gives the lock free.
            statements.push("SET client_connection_check_interval = '1s'".to_owned());
        }
        statements
    }
}

/// The settings under which revisions run, independent of the server.
///
/// The driver has pinned `TimeZone` to UTC and `DateStyle` to ISO when it connected, so a revision means
/// the same on every server; `RESET ALL` returns to these.
pub(crate) fn settings(options: &StateOptions, application: &str) -> Vec<String> {
    let mut statements = vec![
        "RESET SESSION AUTHORIZATION".to_owned(),
        "RESET ALL".to_owned(),
        // The one reading of strings that revisions are split and checksummed by.
        "SET standard_conforming_strings = on".to_owned(),
        // A data step that policies would filter must fail instead of quietly doing nothing.
        "SET row_security = off".to_owned(),
        format!("SET lock_timeout = {}", options.lock_timeout.as_millis()),
        format!("SET application_name = {}", literal(application)),
    ];
    // RESET SESSION AUTHORIZATION has undone any SET ROLE of the revision.
    statements.extend(options.role.iter().map(|role| format!("SET ROLE {}", ident(role))));
    statements
}

/// Where everything is in place and may be read, as on every day but the first, that is all there is to know.
/// Functions that look into the server's caches answer in a third of the time that [`look`] takes on a fresh
/// connection, which has read no catalog yet.
///
/// `None`: something is missing, or may not be read.
async fn glance(
    connection: &mut PgConnection,
    options: &StateOptions,
) -> Result<Option<(Facts, VersionTable)>, Problem> {
    let sql = format!(
        "{}SELECT current_setting('server_version_num')::int4 AS server_version, pg_backend_pid() AS pid, \
         version() ~ 'linux' AS linux, (pg_identify_object('pg_class'::regclass, v.oid, 0)).schema AS schema, \
         has_table_privilege(v.oid, 'SELECT') AND has_table_privilege(j.oid, 'SELECT') AS is_readable \
         FROM (SELECT to_regclass({}) AS oid) v, (SELECT to_regclass({}) AS oid) j",
        become_role(options),
        literal(&version_table_name(options)),
        literal(&format!("{}.journal", ident(&options.journal_schema))),
    );
    let sets = match simple_query(connection, &sql).await {
        Ok(sets) => sets,
        // Even to look a name up needs the right to use its schema.
        Err(error) if failure::state(&error) == Some(failure::sqlstate::INSUFFICIENT_PRIVILEGE) => {
            return Ok(None);
        }
        Err(error) => return Err(failure::database(&error)),
    };
    let row = sets.iter().flatten().next().ok_or_else(no_answer)?;
    let read = || -> Result<_, sqlx::Error> {
        let schema: Option<String> = row.try_get("schema")?;
        let is_readable: Option<bool> = row.try_get("is_readable")?;
        let Some((schema, true)) = schema.zip(is_readable) else { return Ok(None) };
        let facts = Facts {
            backend_pid: row.try_get("pid")?,
            has_versions: true,
            has_journal: true,
            connection_check: has_connection_check(row)?,
            ground: None,
        };
        let versions = VersionTable { schema: unquoted(&schema), name: options.version_table.clone() };
        Ok(Some((facts, versions)))
    };
    read().map_err(|error| failure::database(&error))
}

/// Asks all there is to know, also of what is missing.
async fn look(
    connection: &mut PgConnection,
    options: &StateOptions,
) -> Result<(Facts, VersionTable), Problem> {
    let sets =
        simple_query(connection, &facts_query(options)).await.map_err(|error| failure::database(&error))?;
    let row = sets.iter().flatten().next().ok_or_else(no_answer)?;
    let (facts, schema) = read_facts(row).map_err(|error| failure::database(&error))?;
    Ok((facts, VersionTable { schema: schema?, name: options.version_table.clone() }))
}

fn no_answer() -> Problem {
    Problem::new(Code::Internal, "the server answered nothing")
}

fn become_role(options: &StateOptions) -> String {
    options.role.iter().map(|role| format!("SET ROLE {};\n", ident(role))).collect()
}

fn version_table_name(options: &StateOptions) -> String {
    let name = ident(&options.version_table);
    let schema = options.version_table_schema.as_deref();
    schema.map_or_else(|| name.clone(), |schema| format!("{}.{name}", ident(schema)))
}

fn facts_query(options: &StateOptions) -> String {
    let schema = options.version_table_schema.as_deref();
    format!(
        "{}SELECT current_setting('server_version_num')::int4 AS server_version, pg_backend_pid() AS pid, \
         coalesce(v.nspname::text, {}) AS schema, c.oid IS NOT NULL AS has_versions, j.oid IS NOT NULL AS has_journal, \
         coalesce(j.relnatts < {}, false) AS journal_is_older, \
         version() ~ 'linux' AS linux, CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END AS width, {} \
         FROM (SELECT to_regclass({}) AS oid) t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.oid \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'version_num' \
         LEFT JOIN pg_catalog.pg_namespace v \
         ON CASE WHEN c.oid IS NULL THEN v.nspname = coalesce({}, current_schema()) ELSE v.oid = c.relnamespace END \
         LEFT JOIN pg_catalog.pg_namespace s ON s.nspname = {} \
         LEFT JOIN pg_catalog.pg_class j ON j.relnamespace = s.oid AND j.relname = 'journal'",
        become_role(options),
        schema.map_or_else(|| "NULL".to_owned(), literal),
        journal::WIDTH,
        access::COLUMNS,
        literal(&version_table_name(options)),
        schema.map_or_else(|| "NULL::name".to_owned(), literal),
        literal(&options.journal_schema),
    )
}

type Schema = Result<String, Problem>;

fn read_facts(row: &PgRow) -> Result<(Facts, Schema), sqlx::Error> {
    let width: Option<i32> = row.try_get("width")?;
    let ground = Ground {
        version_width: width.and_then(|width| usize::try_from(width).ok()),
        journal_is_older: row.try_get("journal_is_older")?,
        access: Access::read(row)?,
    };
    let facts = Facts {
        backend_pid: row.try_get("pid")?,
        has_versions: row.try_get("has_versions")?,
        has_journal: row.try_get("has_journal")?,
        connection_check: has_connection_check(row)?,
        ground: Some(ground),
    };
    let schema: Option<String> = row.try_get("schema")?;
    let schema = schema.ok_or_else(|| {
        Problem::new(
            Code::DatabaseState,
            "the search path names no existing schema, so there is no place for the version table",
        )
        .help("set `version_table_schema` in limbeck.toml, or create the schema first")
    });
    Ok((facts, schema))
}

/// PostgreSQL 14 has the setting `client_connection_check_interval`, but not on every platform.
fn has_connection_check(row: &PgRow) -> Result<bool, sqlx::Error> {
    Ok(row.try_get::<i32, _>("server_version")? >= 140_000 && row.try_get("linux")?)
}

fn newest_format(entries: &[PgRow]) -> Result<Option<i16>, sqlx::Error> {
    entries
        .iter()
        .map(|row| row.try_get(0))
        .max_by_key(|format| format.as_ref().copied().unwrap_or(i16::MAX))
        .transpose()
}

/// Sorts the journal's entries out.
fn read_entries(entries: &[PgRow], recorded: &mut Recorded) -> Result<(), sqlx::Error> {
    let mut newest: HashMap<&str, (i64, &PgRow)> = HashMap::with_capacity(entries.len());
    for row in entries {
        match row.try_get("state")? {
            "running" => recorded.running = read_running(row)?,
            "done" => {
                let id: i64 = row.try_get("id")?;
                let seen = newest.entry(row.try_get("revision")?).or_insert((id, row));
                if seen.0 < id {
                    *seen = (id, row);
                }
            }
            _ => {}
        }
    }
    for (_, row) in newest.values() {
        if matches!(row.try_get("direction")?, "upgrade" | "stamp" | "repair") {
            recorded.checksums.push(read_noted(row)?);
        }
    }
    recorded.checksums.sort_unstable_by(|a, b| a.revision.cmp(&b.revision));
    Ok(())
}

fn check_format(format: i16) -> Result<(), Problem> {
    let own = journal::FORMAT;
    if format <= own {
        return Ok(());
    }
    Err(Problem::new(
        Code::DatabaseState,
        format!("the journal was written by a newer limbeck (format {format}; this one reads up to {own})"),
    )
    .help("use the newer limbeck here too; this one leaves the database alone"))
}

fn read_running(row: &PgRow) -> Result<Option<Running>, sqlx::Error> {
    let Some(revision) = row.try_get::<Option<String>, _>("revision")? else { return Ok(None) };
    let count = |name| row.try_get::<i32, _>(name).map(|n| usize::try_from(n).unwrap_or_default());
    Ok(Some(Running {
        revision,
        direction: row.try_get("direction")?,
        committed: count("segment")?,
        segments: count("segments")?,
        intent: row.try_get("intent")?,
        committed_checksum: row.try_get("committed_checksum")?,
        catalog: row.try_get("catalog")?,
        batch_rows: row
            .try_get::<Option<i64>, _>("batch_rows")?
            .and_then(|rows| u64::try_from(rows).ok())
            .unwrap_or_default(),
    }))
}

fn read_noted(row: &PgRow) -> Result<Noted, sqlx::Error> {
    Ok(Noted {
        revision: row.try_get("revision")?,
        checksum: row.try_get("checksum")?,
        downgrade_checksum: row.try_get("downgrade_checksum")?,
    })
}

fn column(rows: Vec<PgRow>) -> Result<Vec<String>, sqlx::Error> {
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Sends SQL as one message, without preparing anything: one round trip whatever it holds.
pub(crate) async fn simple_query(
    connection: &mut PgConnection,
    sql: &str,
) -> Result<Vec<Vec<PgRow>>, sqlx::Error> {
    let mut sets = Vec::new();
    let mut rows = Vec::new();
    let mut answers = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_many(connection);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(_) => sets.push(std::mem::take(&mut rows)),
            Either::Right(row) => rows.push(row),
        }
    }
    Ok(sets)
}

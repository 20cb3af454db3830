//! The journal, read: who ran what, when, how long, with which file, from where.

use std::collections::BTreeSet;
use std::time::Duration;

use limbeck_core::{Code, Problem};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::execute::failure;
use crate::state::session::{Checksums, Session, StateOptions};

/// One thing that was done, or is being done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// The entry's number: later ones are greater.
    pub id: i64,
    /// The revision.
    pub revision: String,
    /// Its message.
    pub message: String,
    /// Its parents.
    pub parents: Vec<String>,
    /// What it depends on beyond them.
    pub depends_on: Vec<String>,
    /// `upgrade`, `downgrade`; `stamp`, `unstamp`, `repair`, ... where only the bookkeeping changed.
    pub direction: String,
    /// `done`; `running`: it began and did not end, or works at this moment; `void`: one that was given up.
    pub state: String,
    /// When it began, in UTC, as `2026-11-23 01:02:03.456789`.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// How long it took, where it ended.
    pub elapsed: Option<Duration>,
    /// The file's checksum, as `1:<sha256>`.
    pub checksum: Option<String>,
    /// That of its downgrade; an irreversible revision has none.
    pub downgrade_checksum: Option<String>,
    /// How many segments are committed.
    pub segment: i32,
    /// Of how many; none where only the bookkeeping changed.
    pub segments: i32,
    /// The statement outside a transaction that was about to run, where the entry is unfinished.
    pub intent: Option<String>,
    /// The version table's rows afterwards.
    pub version_rows: Option<Vec<String>>,
    /// The role that logged in.
    pub database_user: String,
    /// `limbeck <version> on <host>`.
    pub client: String,
    /// Why, where an operator said so.
    pub note: Option<String>,
    /// The format in which the entry was written.
    pub format: i16,
}

/// The journal of a version table, newest first.
#[derive(Debug, Clone, PartialEq)]
pub enum Log {
    /// There is no journal: limbeck has done nothing here.
    NoJournal,
    /// What the journal says.
    Entries(Vec<LogEntry>),
}

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogFilter<'a> {
    /// Only these revisions', by id or its beginning; all where none is named. They need no files.
    pub revisions: &'a [String],
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

/// Reads the journal. It needs no revision files and changes nothing.
///
/// # Errors
/// A failing connection, a journal that may not be read or is a newer limbeck's, [`Code::NotFound`] and
/// [`Code::AmbiguousId`] for the filter's revisions.
pub async fn read(
    connection: &mut PgConnection,
    options: &StateOptions,
    filter: LogFilter<'_>,
) -> Result<Log, Error> {
    let mut session = Session::open(connection, options.clone(), crate::APPLICATION).await?;
    if !session.facts.has_journal {
        return Ok(Log::NoJournal);
    }
    // This also refuses the journal of a newer limbeck.
    session.recorded(Checksums::Skip).await?;
    let known = match filter.revisions {
        [] => BTreeSet::new(),
        _ => known(&mut session).await?,
    };
    let wanted: Vec<&str> =
        filter.revisions.iter().map(|typed| find(&known, typed)).collect::<Result<_, _>>()?;
    let sets = session.query(&session.journal.select_log(&wanted, filter.limit)).await?;
    let entries: Result<Vec<LogEntry>, sqlx::Error> = sets.iter().flatten().map(entry).collect();
    Ok(Log::Entries(entries.map_err(|error| failure::database(&error))?))
}

/// Every revision that the journal mentions.
async fn known(session: &mut Session<'_>) -> Result<BTreeSet<String>, Error> {
    let sets = session.query(&session.journal.select_revisions()).await?;
    let ids: Result<_, sqlx::Error> = sets.iter().flatten().map(|row| row.try_get(0)).collect();
    ids.map_err(|error| failure::database(&error).into())
}

/// The revision with this id, or the one whose id begins so.
fn find<'k>(known: &'k BTreeSet<String>, typed: &str) -> Result<&'k str, Problem> {
    if let Some(id) = known.get(typed) {
        return Ok(id);
    }
    let beginning: Vec<&str> = known.iter().filter(|id| id.starts_with(typed)).map(String::as_str).collect();
    match beginning[..] {
        [id] => Ok(id),
        [] => Err(Problem::new(Code::NotFound, format!("the journal mentions no revision `{typed}`"))
            .help("give an id, or its beginning, as `limbeck log` shows it")),
        _ => Err(Problem::new(
            Code::AmbiguousId,
            format!("Multiple revisions start with '{typed}': {}", beginning.join(", ")),
        )
        .help("write more of the id")),
    }
}

fn entry(row: &PgRow) -> Result<LogEntry, sqlx::Error> {
    let seconds: Option<f64> = row.try_get("elapsed")?;
    Ok(LogEntry {
        id: row.try_get("id")?,
        revision: row.try_get("revision")?,
        message: row.try_get("message")?,
        parents: row.try_get("parents")?,
        depends_on: row.try_get("depends_on")?,
        direction: row.try_get("direction")?,
        state: row.try_get("state")?,
        started_at: row.try_get("started")?,
        finished_at: row.try_get("finished")?,
        // A clock that was set back makes a negative duration.
        elapsed: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        checksum: row.try_get("checksum")?,
        downgrade_checksum: row.try_get("downgrade_checksum")?,
        segment: row.try_get("segment")?,
        segments: row.try_get("segments")?,
        intent: row.try_get("intent")?,
        version_rows: row.try_get("version_rows")?,
        database_user: row.try_get("database_user")?,
        client: row.try_get("client")?,
        note: row.try_get("note")?,
        format: row.try_get("format")?,
    })
}

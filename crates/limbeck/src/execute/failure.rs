//! PostgreSQL's errors as problems: its message, DETAIL, HINT and context, at the place in the file.

use limbeck_core::{Code, Problem};
use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use super::chunk::Chunk;
use crate::state::journal;

/// SQLSTATE classes and codes that have help of their own. Source: PostgreSQL manual, appendix A.
pub(crate) mod sqlstate {
    pub(crate) const LOCK_NOT_AVAILABLE: &str = "55P03";
    pub(crate) const DEADLOCK_DETECTED: &str = "40P01";
    pub(crate) const SERIALIZATION_FAILURE: &str = "40001";
    pub(crate) const QUERY_CANCELED: &str = "57014";
    pub(crate) const INSUFFICIENT_PRIVILEGE: &str = "42501";
    pub(crate) const READ_ONLY: &str = "25006";
    pub(crate) const IN_TRANSACTION: &str = "25001";
    pub(crate) const INVALID_TERMINATION: &str = "2D000";
    pub(crate) const ADMIN_SHUTDOWN: &str = "57P01";
    pub(crate) const CRASH_SHUTDOWN: &str = "57P02";
    pub(crate) const OUT_OF_MEMORY: &str = "53200";
}

/// The SQLSTATE of an error that the server sent.
pub(crate) fn state(error: &sqlx::Error) -> Option<&str> {
    server_error(error).map(PgDatabaseError::code)
}

fn server_error(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Where the server says that an error is in the message that it was sent: characters, from 1.
pub(crate) fn position(error: &sqlx::Error) -> Option<usize> {
    match server_error(error)?.position()? {
        PgErrorPosition::Original(position) => Some(position),
        PgErrorPosition::Internal { .. } => None,
    }
}

/// A failure of a query of limbeck's own.
pub(crate) fn database(error: &sqlx::Error) -> Problem {
    match server_error(error) {
        Some(server) => described(server, &Chunk::default()),
        None => lost(error),
    }
}

/// A failure of statements of limbeck's own that write its state.
pub(crate) fn own(error: &sqlx::Error) -> Problem {
    match server_error(error).map(|server| (server, journal::is_rows_changed(server.message()))) {
        Some((_, Some(rows))) => rows_changed(rows),
        Some((server, None)) if server.code() == sqlstate::INSUFFICIENT_PRIVILEGE => {
            described(server, &Chunk::default()).help(STATE_HELP)
        }
        _ => database(error),
    }
}

/// A failure inside a chunk, after `completed` of its statements.
pub(crate) fn in_chunk(error: &sqlx::Error, chunk: &Chunk, completed: usize) -> Problem {
    let Some(server) = server_error(error) else { return lost(error) };
    if let Some(rows) = journal::is_rows_changed(server.message()) {
        return rows_changed(rows);
    }
    match chunk.place(position(error), completed) {
        Some(place) => described(server, chunk).at(place),
        None if server.code() == sqlstate::INSUFFICIENT_PRIVILEGE => {
            described(server, chunk).help(STATE_HELP)
        }
        None => described(server, chunk),
    }
}

/// The server's words, with names in place of the variables' values.
fn described(error: &PgDatabaseError, chunk: &Chunk) -> Problem {
    let message = chunk.hide_values(error.message());
    let mut problem = Problem::new(code_of(error.code()), format!("{message} [{}]", error.code()));
    let query = match error.position() {
        Some(PgErrorPosition::Internal { query, .. }) => Some(query),
        _ => None,
    };
    let parts =
        [("DETAIL", error.detail()), ("QUERY", query), ("CONTEXT", error.r#where()), ("HINT", error.hint())];
    for (name, text) in parts {
        if let Some(text) = text {
            problem = problem.note(format!("{name}: {}", chunk.hide_values(text)));
        }
    }
    match help(error.code()) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn code_of(state: &str) -> Code {
    match state {
        sqlstate::LOCK_NOT_AVAILABLE => Code::LockTimeout,
        sqlstate::ADMIN_SHUTDOWN | sqlstate::CRASH_SHUTDOWN => Code::ConnectionLost,
        _ => Code::Statement,
    }
}

fn help(state: &str) -> Option<&'static str> {
    Some(match state {
        sqlstate::LOCK_NOT_AVAILABLE => {
            "another session holds a lock that this statement needs; see pg_blocking_pids() and pg_stat_activity, \
             or allow more time with `-- limbeck:timeout lock=30s` in the file or `lock_timeout` in limbeck.toml"
        }
        sqlstate::DEADLOCK_DETECTED => {
            "this revision and another session lock the same things in different orders; lock them first with `LOCK \
             TABLE ...`, in the other session's order, or put `-- limbeck:commit` between the statements"
        }
        sqlstate::SERIALIZATION_FAILURE => {
            "other sessions changed the same rows at the same time; run the command again when they do less"
        }
        sqlstate::QUERY_CANCELED => {
            "it took longer than `statement_timeout` allows, or somebody cancelled it; `-- limbeck:timeout \
             statement=10min` in the file allows a revision more time"
        }
        sqlstate::INSUFFICIENT_PRIVILEGE => {
            "grant the role what it lacks, or migrate as another one: `role` in limbeck.toml, or credentials of \
             its own in LIMBECK_URL"
        }
        sqlstate::ADMIN_SHUTDOWN | sqlstate::CRASH_SHUTDOWN => {
            "the server or an administrator ended this connection; run the command again when the server is back"
        }
        sqlstate::READ_ONLY => "this server takes no writes (a standby?): point the URL at the primary",
        sqlstate::IN_TRANSACTION | sqlstate::INVALID_TERMINATION => {
            "this statement cannot run inside a transaction: write `-- limbeck:autocommit` on the line before it"
        }
        _ => return None,
    })
}

const STATE_HELP: &str = "grant the role CREATE on the database and on the schema of the version table; or make the \
                          schema `limbeck` for it (CREATE SCHEMA limbeck AUTHORIZATION ...); or name places where \
                          it may create tables with `version_table_schema` and `journal_schema` in limbeck.toml";

/// The connection ended.
fn lost(error: &sqlx::Error) -> Problem {
    Problem::new(Code::ConnectionLost, format!("the connection to the database was lost: {error}"))
        .help("what was not committed is rolled back by the server; run the command again")
}

fn rows_changed(rows: &str) -> Problem {
    let rows = if rows.is_empty() { "no row" } else { rows };
    Problem::new(Code::DatabaseState, format!("somebody else changed the version table during this run: it holds {rows}"))
        .help("what this run had not committed is rolled back; make sure that no other tool migrates this database at the same time, then run the command again")
}

//! What an error of the database means to the client.

use crate::problem::{Again, Kind, Problem};

/// When a client may come back.
const RETRY_AFTER: u64 = 2;

/// invalid_sql_statement_name.
const UNKNOWN_STATEMENT: &str = "26000";

impl From<sqlx::Error> for Problem {
    fn from(why: sqlx::Error) -> Self {
        match &why {
            sqlx::Error::Database(error) => of_state(error.code().as_deref().unwrap_or_default()),
            sqlx::Error::PoolTimedOut => unavailable("every connection to the database is in use"),
            error if is_lost(error) => unavailable("the database cannot be reached"),
            _ => internal(),
        }
        .because(why)
    }
}

/// Whether the connection is gone, or there is none: a statement that was on its way may or may not have run.
pub(super) fn is_lost(why: &sqlx::Error) -> bool {
    match why {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            true
        }
        // The server ends the session: shut down, crashed, not yet started, terminated by an administrator.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08"))
        }
        _ => false,
    }
}

/// Whether the connection is older than the tables that its statements are about.
pub(super) fn is_unprepared(why: &sqlx::Error) -> bool {
    why.as_database_error().is_some_and(|error| error.code().as_deref() == Some(UNKNOWN_STATEMENT))
}

/// By SQLSTATE (appendix A of PostgreSQL's manual).
fn of_state(state: &str) -> Problem {
    match state {
        // "cached plan must not change result type".
        "0A000" => internal().again(Again::WithNewPlans),
        // A serialization failure, a deadlock.
        "40001" | "40P01" => internal().again(Again::Yes),
        // A text that jsonb or the encoding has no room for, a number or a time out of range, JSON that is too deep.
        "22P05" | "22021" | "22P02" | "22003" | "22008" | "22001" | "54001" => {
            Problem::new(Kind::InvalidBody, "the database has no room for a value of the request")
        }
        // A table, a column, a role that a pending migration makes; a role that was not granted.
        UNKNOWN_STATEMENT | "42P01" | "42703" | "42704" | "22023" | "42501" => {
            unavailable("the database is not as this release needs it; /health/ready says what is pending")
        }
        // Cancelled; locked by somebody else for too long; read only, as after a failover; out of resources.
        "57014" | "55P03" | "25006" => unavailable("the database did not carry it out"),
        _ if ["08", "28", "3D", "53", "57", "58"].iter().any(|class| state.starts_with(class)) => {
            unavailable("the database cannot be reached")
        }
        _ => internal(),
    }
}

fn unavailable(detail: &'static str) -> Problem {
    Problem::new(Kind::DatabaseUnavailable, detail).retry_after(RETRY_AFTER)
}

fn internal() -> Problem {
    Problem::new(Kind::Internal, "the request could not be carried out; the service's log has the reason")
}

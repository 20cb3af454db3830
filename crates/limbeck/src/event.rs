//! What happens during a run, as values. The library prints nothing; whoever embeds it (the CLI, an
//! application) renders these.

use std::fmt;
use std::time::Duration;

use limbeck_core::Problem;
use limbeck_core::plan::{StampChange, Step};
use limbeck_core::revision::RevisionId;

/// One thing that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another session migrates this database; told at first, then every few seconds.
    Waiting {
        /// Who holds the lock, as far as the server tells.
        holder: Option<&'a Holder>,
        /// For how long it has been waited.
        waited: Duration,
    },
    /// The database holds revisions of a newer release, which is not an error (design: "Ahead is not
    /// broken").
    Ahead {
        /// Rows that no file knows but the journal does.
        rows: &'a [RevisionId],
    },
    /// Something that the user should know before going on, and that is no error.
    Warning {
        /// What, with its way out.
        problem: &'a Problem,
    },
    /// An applied revision's file is no longer what was applied.
    Edited {
        /// The revision.
        revision: &'a RevisionId,
        /// Its file, as shown to users.
        file: &'a str,
    },
    /// A reset has taken away everything.
    Emptied {
        /// How many objects that were.
        objects: usize,
    },
    /// The target is reached: nothing to do.
    NothingToDo,
    /// A step begins.
    StepStarted {
        /// The step.
        step: &'a Step,
        /// The revision's message.
        message: &'a str,
        /// Which step, from 1.
        number: usize,
        /// Of how many.
        of: usize,
    },
    /// An interrupted revision goes on after its committed segments.
    Resuming {
        /// The revision.
        revision: &'a RevisionId,
        /// How many segments are committed already.
        committed: usize,
        /// Of how many.
        of: usize,
        /// How many rows the batch statement after them has touched.
        rows: u64,
    },
    /// A statement outside a transaction was interrupted, and it was found out what became of it.
    Settled {
        /// The revision.
        revision: &'a RevisionId,
        /// The statement.
        statement: &'a str,
        /// What was found, as a clause: "the index public.one_id was left invalid".
        found: &'a str,
        /// What follows from that.
        then: Then<'a>,
    },
    /// A segment of a revision that has several begins.
    SegmentStarted {
        /// Which segment, from 1.
        number: usize,
        /// Of how many.
        of: usize,
    },
    /// A statement begins (told where a run goes statement by statement).
    StatementStarted {
        /// Its first line, for a progress display.
        sql: &'a str,
    },
    /// A batch statement committed another batch.
    Batch {
        /// Of which revision.
        revision: &'a RevisionId,
        /// Rows touched so far.
        rows: u64,
        /// Those of them that an earlier run touched.
        earlier: u64,
        /// How many it will be in all, as the planner estimated when it began.
        expected: Option<u64>,
        /// Since this run began with it.
        elapsed: Duration,
    },
    /// A ceiling of a batch statement is reached: the next batch waits; told at first, then every few seconds.
    HoldingOn {
        /// What is too busy.
        busy: Busy,
        /// For how long it has been waited.
        waited: Duration,
    },
    /// The running statement waits for other sessions; told after a second, when these change, and every few
    /// seconds.
    Blocked {
        /// The table or index whose lock it wants; `None` where it waits for transactions to end.
        relation: Option<&'a str>,
        /// For whom it waits, longest transaction first.
        blockers: &'a [Blocker],
        /// For how long.
        waited: Duration,
    },
    /// Other sessions were in the way; the transaction was rolled back and is tried again.
    Retrying {
        /// What was in the way.
        obstacle: Obstacle,
        /// Which try comes next.
        attempt: u32,
        /// Of how many.
        of: u32,
        /// How long until then.
        pause: Duration,
    },
    /// A step is committed.
    StepFinished {
        /// The step.
        step: &'a Step,
        /// How long it took.
        elapsed: Duration,
    },
    /// A `stamp` changed rows.
    Stamped {
        /// The change.
        change: &'a StampChange,
    },
    /// PostgreSQL was told to cancel the running statement.
    Cancelling,
}

/// What follows when the outcome of an interrupted statement is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Then<'a> {
    /// It is done: the run goes on after it.
    GoesOn,
    /// It is not done: it runs again.
    RunsAgain,
    /// It was left in the middle: these statements mend that first.
    Mends(&'a [String]),
}

/// Why a batch has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// A replica is behind.
    Lag {
        /// How far.
        lag: Duration,
        /// How far it may be (`max_lag`).
        allowed: Duration,
    },
    /// Many sessions are active.
    Active {
        /// How many besides this one.
        sessions: u64,
        /// How many may be (`max_active`).
        allowed: u64,
    },
}

/// What other sessions did to a transaction that was rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// A lock was not to be had within `lock_timeout`.
    Lock,
    /// PostgreSQL ended a deadlock at its expense.
    Deadlock,
    /// Its isolation level did not bear what others changed.
    Serialization,
}

/// A session for which a statement waits.
///
/// `{}` prints it as `session 123 (psql, user bob, idle in transaction for 12 s)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// Its backend's process id; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// Its `application_name`, or without one what kind of backend it is.
    pub application: String,
    /// Its user, empty for a process of the server's own.
    pub user: String,
    /// Its address, empty for a local socket.
    pub address: String,
    /// `active`, `idle in transaction`, ...; empty where this role may not see it.
    pub state: String,
    /// For how long it has been in that state.
    pub since: Option<Duration>,
    /// How old its transaction is.
    pub transaction: Option<Duration>,
    /// Its statement, or its last one: the first words, without constants.
    pub query: String,
}

impl Blocker {
    /// Its statement, as the rest of a sentence.
    pub(crate) fn words(&self) -> String {
        match (self.query.as_str(), self.state.as_str()) {
            ("" | "<insufficient privilege>", _) => String::new(),
            (query, "active") => format!(", running `{query}`"),
            (query, _) => format!(", last statement `{query}`"),
        }
    }

    /// The statement that ends it, in backticks.
    pub(crate) fn way_to_end(&self) -> String {
        match self.pid {
            0 => "`ROLLBACK PREPARED`".to_owned(),
            pid => format!("`SELECT pg_terminate_backend({pid})`"),
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("a prepared transaction (see pg_prepared_xacts)");
        }
        let mut facts = Vec::new();
        facts.extend((!self.application.is_empty()).then(|| self.application.clone()));
        facts.extend((!self.user.is_empty()).then(|| format!("user {}", self.user)));
        facts.extend((!self.address.is_empty()).then(|| self.address.clone()));
        match (&self.since, self.state.as_str()) {
            (_, "") => {}
            (None, state) => facts.push(state.to_owned()),
            (Some(since), state) => facts.push(format!("{state} for {}", rough(*since))),
        }
        let younger = self.since.unwrap_or_default() + Duration::from_secs(1);
        if let Some(age) = self.transaction.filter(|age| *age > younger) {
            facts.push(format!("in a transaction for {}", rough(age)));
        }
        write!(f, "session {} ({})", self.pid, facts.join(", "))
    }
}

/// A time as people say it.
fn rough(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// The session that holds the migration lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its backend's process id.
    pub pid: i32,
    /// Its `application_name`: `limbeck <revision>` while it works on one.
    pub application: String,
    /// Its user, where this role may see it.
    pub user: String,
    /// Its address, empty for a local socket.
    pub address: String,
}

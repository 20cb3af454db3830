//! What happens during a run, as values. The library prints nothing; whoever embeds it (the CLI, an
//! application) renders these.

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
        /// Rows touched so far.
        rows: u64,
    },
    /// A lock was not to be had within `lock_timeout`; the segment was rolled back and is tried again.
    Retrying {
        /// Which try comes next.
        attempt: u32,
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
    /// It was left in the middle: this statement mends that first.
    Mends(&'a str),
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

//! The executor and what belongs to it, for real: every test runs revisions on a PostgreSQL of its own
//! process, and fails with a message where there is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod ahead;
mod alembic;
mod batches;
mod cancel;
mod cases;
mod history;
mod lock;
mod patience;
mod random;
mod reference;
mod scripts;
mod sessions;
mod steps;
mod support;
mod versions;

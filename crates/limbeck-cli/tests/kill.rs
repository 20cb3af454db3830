//! A run that dies anywhere is finished by the next one, and the database is as if nothing had happened.
//!
//! The revisions of `tests/kill/<scenario>` run through the real `limbeck`, on a real server, over a proxy that
//! counts the messages of PostgreSQL's protocol. An undisturbed run gives the list of points; then one run
//! dies at each of them, in each way, and the run after it is compared with the undisturbed one.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![allow(clippy::print_stderr, reason = "figures are shown with --nocapture")]

mod kill_cases;

//! Many `limbeck` processes on one database at the same moment, directly and through PgBouncer.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![allow(clippy::print_stderr, reason = "figures are shown with --nocapture")]

mod many_cases;
mod start_support;

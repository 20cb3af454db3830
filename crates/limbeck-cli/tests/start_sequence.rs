//! `limbeck start` and `limbeck wait` as processes, on real servers.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod start_cases;
mod start_support;

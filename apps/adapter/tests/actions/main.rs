//! Actions, idempotency and the rate limit, over HTTP: real processes on a real database, with providers and a Redis that
//! do what a test wants.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "../migrator/mod.rs"]
mod migrator;
#[path = "../support/mod.rs"]
mod support;

mod client;
mod idempotency;
mod list;
mod provider;
mod rate_limit;
mod redis_server;
mod run;

//! The API over HTTP: a real process, a database of its own for each test, and a login that is neither a superuser
//! nor the owner of the tables.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod audit;
mod bad_input;
mod description;
mod edge;
mod operations;
mod service;
mod tenant;
mod trouble;

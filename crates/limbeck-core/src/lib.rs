//! The deciding half of limbeck: revision files, the revision graph and plans, as plain values.
//!
//! *Core decides, limbeck does, the CLI tells.* Nothing here reads a file, an environment variable, a
//! clock or a socket: text comes in, values or [`Problem`]s go out. `tests/purity.rs` enforces it.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should panic"))]

pub mod ddl;
pub mod diff;
pub mod graph;
pub mod model;
mod nearest;
pub mod plan;
pub mod problem;
pub mod revision;
pub mod schema;
pub mod sql;
pub mod validate;

pub use nearest::nearest;
pub use problem::{Code, Place, Problem, Source, Span};

//! PostgreSQL servers of our own, on this machine: the project's local database, scratch servers and
//! servers for tests.
//!
//! A [`Server`] is a private PostgreSQL made from the programs that are installed ([`Programs`]): a Unix
//! socket in a folder of its own, no TCP, never as root. It ends with the processes that use it, even when
//! they are killed with SIGKILL; see [`Server`] for how. [`LocalDatabase`] is the database that belongs to a
//! project when no URL is given; several processes may use it at once.
//!
//! Nothing here prints: what a user should know is in the returned values ([`LocalDatabase::describe`]).

mod account;
mod cluster;
mod database;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod folder;
mod programs;
mod server;
mod throw_away;
mod watchdog;

pub use database::{Concurrency, Kind, LocalDatabase, LocalOptions, Ownership, Preference};
pub use error::{Error, ErrorKind};
pub use programs::{Programs, Version};
pub use server::{Server, ServerOptions, Shutdown};
pub use throw_away::ThrowAway;

/// The result of everything in this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

//! Reaching a PostgreSQL server: URLs, `PG*` variables, `~/.pgpass`, one connection, waiting for it.
//!
//! [`DatabaseUrl`] is what somebody wrote; [`ConnectSpec`] is that with every default filled in;
//! [`connect()`] opens one session (never a pool), and [`wait_for_database`] does so until it works.
//!
//! What sqlx imposes, and we cannot change (seen in its source, 0.9): a session starts with
//! `TimeZone` UTC and `DateStyle` ISO, MDY, unless the URL's `options` say otherwise; keepalive of
//! the client's own socket is not settable (we ask the server to probe instead); the system's root
//! certificates are trusted besides `sslrootcert`; `PGOPTIONS` is added to the URL's `options`
//! (which win) instead of giving way to them; SCRAM is used without channel binding.

mod classify;
mod connector;
mod error;
mod open;
mod origin;
mod params;
mod password;
mod pgpass;
mod reveal;
mod secret;
mod spec;
mod tls;
mod uri;
mod url;
mod wait;

pub use connector::{BoxFuture, Connection, Connector, close};
pub use error::{ConnectError, ConnectErrorKind};
pub use open::{connect, pool_options};
pub use origin::Origin;
pub use password::PasswordCommand;
pub use secret::mask;
pub(crate) use secret::mask_in_place;
pub use spec::{Address, ConnectSpec};
pub use url::DatabaseUrl;
pub use wait::{Attempt, RetryPolicy, WaitError, wait_for_database};

/// Looks an environment variable up; a function, so that tests need not change the process.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's own environment. A value that is not UTF-8 comes with replacement characters.
pub fn process_env(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

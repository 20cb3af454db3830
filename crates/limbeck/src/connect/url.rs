//! What somebody wrote to name a database, understood and not yet completed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::secret::Secret;
use super::tls::{RootCert, SessionAttrs, SslMode};
use super::{ConnectError, ConnectErrorKind, uri};

/// A database as a URL or as libpq's `keyword=value` string names it.
///
/// Accepted are `postgres://`, `postgresql://`, SQLAlchemy's `postgresql+driver://`, lists of hosts,
/// Unix sockets (`postgresql:///db?host=/run/sock`, `postgresql://%2Frun%2Fsock/db`) and
/// [libpq's parameters](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
/// `{}` and `{:?}` show it with the password masked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DatabaseUrl(pub(super) Box<Parts>);

/// The parts that were given; what was not is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts {
    pub(super) hosts: Vec<String>,
    pub(super) hostaddrs: Vec<String>,
    pub(super) ports: Vec<Option<u16>>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) dbname: Option<String>,
    pub(super) sslmode: Option<SslMode>,
    pub(super) sslrootcert: Option<RootCert>,
    pub(super) sslcert: Option<PathBuf>,
    pub(super) sslkey: Option<PathBuf>,
    pub(super) options: Vec<(String, String)>,
    pub(super) connect_timeout: Option<Timeout>,
    pub(super) attrs: Option<SessionAttrs>,
    pub(super) passfile: Option<PathBuf>,
    pub(super) keepalives: Keepalives,
}

/// How long to wait for one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timeout {
    After(Duration),
    Never,
}

/// libpq's `keepalives*`; the server is asked to do the probing (see the module's page).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Keepalives {
    #[default]
    Unsaid,
    Off,
    /// Settings of the server, with their values.
    On(Vec<(&'static str, u32)>),
}

/// What is wrong with a URL, and the way out. Never a part of its text that may be secret.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        ConnectError::new(ConnectErrorKind::BadUrl, fault.message, fault.help)
    }
}

impl DatabaseUrl {
    /// Understands a URL or a `keyword=value` string.
    ///
    /// # Errors
    /// [`ConnectErrorKind::BadUrl`]; the message shows no part of the text that may be a password.
    pub fn parse(text: &str) -> Result<Self, ConnectError> {
        Ok(Self(Box::new(uri::parse(text.trim())?)))
    }

    /// A database behind a Unix socket in `folder`; `port` is part of the socket's name.
    pub fn on_socket(folder: &Path, port: u16, user: &str, database: &str) -> Self {
        let parts = Parts {
            hosts: vec![folder.to_string_lossy().into_owned()],
            ports: vec![Some(port)],
            user: Some(user.to_owned()),
            dbname: Some(database.to_owned()),
            ..Parts::default()
        };
        Self(Box::new(parts))
    }

    /// The same server and user, another database.
    #[must_use]
    pub fn with_database(mut self, name: &str) -> Self {
        self.0.dbname = Some(name.to_owned());
        self
    }

    /// The database's name, when given.
    pub fn database(&self) -> Option<&str> {
        self.0.dbname.as_deref()
    }

    /// The user's name, when given.
    pub fn user(&self) -> Option<&str> {
        self.0.user.as_deref()
    }

    /// Hosts and folders of sockets, as given.
    pub fn hosts(&self) -> &[String] {
        &self.0.hosts
    }

    fn port(&self, index: usize) -> Option<u16> {
        let ports = &self.0.ports;
        if ports.len() == 1 { ports[0] } else { ports.get(index).copied().flatten() }
    }

    /// Hosts that can stand before the path, and those (sockets) that must be a parameter.
    fn write_hosts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.0.hosts.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match host {
                host if host.contains(':') => write!(f, "{comma}[{host}]")?,
                host => write!(f, "{comma}{}", uri::encode(host))?,
            }
            if let Some(port) = self.port(index) {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }

    /// `a:1,b`, as it stands before the path.
    pub(super) fn hosts_and_ports(&self) -> String {
        fmt::from_fn(|f| self.write_hosts(f)).to_string()
    }

    fn is_one_socket(&self) -> bool {
        matches!(self.0.hosts.as_slice(), [host] if host.starts_with('/'))
    }
}

impl fmt::Display for DatabaseUrl {
    /// The URL with the password masked and without parameters, save a socket's folder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgresql://")?;
        if let Some(user) = &self.0.user {
            f.write_str(&uri::encode(user))?;
        }
        if self.0.password.is_some() {
            f.write_str(":***")?;
        }
        if self.0.user.is_some() || self.0.password.is_some() {
            f.write_str("@")?;
        }
        if !self.is_one_socket() {
            self.write_hosts(f)?;
        }
        write!(f, "/{}", uri::encode(self.0.dbname.as_deref().unwrap_or_default()))?;
        if self.is_one_socket() {
            write!(f, "?host={}", self.0.hosts[0])?;
            if let Some(port) = self.port(0) {
                write!(f, "&port={port}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

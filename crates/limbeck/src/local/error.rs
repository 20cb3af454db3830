//! What can go wrong with a local server.

use std::path::Path;
use std::{fmt, io};

/// The kinds of failure, for callers that decide by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No PostgreSQL server programs were found, or not those that were asked for.
    NoPrograms,
    /// The embedded PostgreSQL was asked for, but this build does not have it.
    NotBuiltIn,
    /// Running as root, and there is no unprivileged user for the server.
    NoAccount,
    /// A folder or file of the server cannot be used.
    Folder,
    /// The data belong to a major version whose programs are not installed.
    VersionMismatch,
    /// Another process uses the server and neither ends nor lets others in.
    Busy,
    /// The server did not start, or not in time.
    Start,
    /// The server did not stop in time.
    Stop,
    /// The server runs, but refused what was asked of it.
    Database,
}

/// A failure: a kind, a sentence, and mostly a way out.
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts { kind, message: message.into(), help: None, source: None }))
    }

    /// A file-system failure with the path that it concerns.
    pub(super) fn folder(what: &str, path: &Path, source: io::Error) -> Self {
        Self::new(ErrorKind::Folder, format!("cannot {what} {}: {source}", path.display())).source_of(source)
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    #[must_use]
    pub(super) fn source_of(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The way out, in a sentence.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

/// `{}` prints the sentence, `{:#}` the way out as well.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match (&self.0.help, f.alternate()) {
            (Some(help), true) => write!(f, "\n  help: {help}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

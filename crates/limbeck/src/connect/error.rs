//! Why there is no session, and what to do about it.

use std::fmt;

use limbeck_core::problem::{Code, Problem};

use super::Origin;

/// The kinds of failure to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The URL, a `PG*` variable or a setting that completes it cannot be understood.
    BadUrl,
    /// Connection refused, no such host, no socket, no answer in time, or closed at once.
    Unreachable,
    /// The server is starting up or recovering (57P03).
    StartingUp,
    /// The server has no free connection (53300).
    TooManyConnections,
    /// The server is shutting down (57P01, 57P02).
    ShuttingDown,
    /// The server does not accept these credentials from here (28P01, 28000).
    WrongPassword,
    /// The server has no such database (3D000).
    UnknownDatabase,
    /// The user or the role to take does not exist, or may not be used.
    UnknownRole,
    /// Encryption is asked for and cannot be had.
    Tls,
    /// The password command failed.
    PasswordCommand,
    /// Every host was reached, and none is of the sort that `target_session_attrs` asks for.
    ReadOnly,
    /// Anything else.
    Other,
}

/// A failure to connect: its kind, a sentence and a way out. It never contains a password.
///
/// `{}` prints the sentence; `{:#}` adds notes and help.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectError(Box<Parts>);

#[derive(Debug, Clone, PartialEq)]
struct Parts {
    kind: ConnectErrorKind,
    message: String,
    notes: Vec<String>,
    help: String,
    sqlstate: Option<String>,
}

impl ConnectError {
    pub(crate) fn new(kind: ConnectErrorKind, message: impl Into<String>, help: impl Into<String>) -> Self {
        let parts =
            Parts { kind, message: message.into(), notes: Vec::new(), help: help.into(), sqlstate: None };
        Self(Box::new(parts))
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    pub(crate) fn sqlstate_of(mut self, code: impl Into<String>) -> Self {
        self.0.sqlstate = Some(code.into());
        self
    }

    /// Says where the URL came from.
    #[must_use]
    pub fn with_origin(self, origin: &Origin) -> Self {
        match origin {
            Origin::Program => self,
            Origin::Local => self.note("this is the project's local database"),
            origin => self.note(format!("the URL comes from {origin}")),
        }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ConnectErrorKind {
        self.0.kind
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Facts that help to understand.
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// The way out.
    pub fn help_text(&self) -> &str {
        &self.0.help
    }

    /// The server's code of five characters, where the server answered.
    pub fn sqlstate(&self) -> Option<&str> {
        self.0.sqlstate.as_deref()
    }

    /// Whether time alone may heal it: nobody answers yet, starting up, shutting down, full.
    pub fn is_retryable(&self) -> bool {
        use ConnectErrorKind as Kind;
        matches!(
            self.0.kind,
            Kind::Unreachable | Kind::StartingUp | Kind::ShuttingDown | Kind::TooManyConnections
        )
    }
}

impl ConnectErrorKind {
    fn code(self) -> Code {
        match self {
            Self::BadUrl => Code::ConnectUrl,
            Self::Unreachable => Code::ConnectUnreachable,
            Self::StartingUp | Self::TooManyConnections | Self::ShuttingDown => Code::ConnectBusy,
            Self::WrongPassword | Self::UnknownRole => Code::ConnectRefused,
            Self::UnknownDatabase => Code::ConnectDatabase,
            Self::Tls => Code::ConnectTls,
            Self::PasswordCommand => Code::ConnectPasswordCommand,
            Self::ReadOnly => Code::ConnectReadOnly,
            Self::Other => Code::ConnectOther,
        }
    }
}

impl From<ConnectError> for Problem {
    fn from(error: ConnectError) -> Self {
        let parts = *error.0;
        let problem = Problem::new(parts.kind.code(), parts.message).help(parts.help);
        parts.notes.into_iter().fold(problem, Problem::note)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if f.alternate() {
            for note in &self.0.notes {
                write!(f, "\n  note: {note}")?;
            }
            write!(f, "\n  help: {}", self.0.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {}

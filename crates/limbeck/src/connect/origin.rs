//! Where a database's URL came from, for messages.

use std::fmt;

/// Where a database's URL came from. `{}` completes "the URL from ...".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The command line's `--url`.
    Flag,
    /// An environment variable of this name.
    Variable(String),
    /// The key `url` of a configuration file, which this names.
    File(String),
    /// The project's local database.
    Local,
    /// The program that embeds the library.
    Program,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--url"),
            Self::Variable(name) => f.write_str(name),
            Self::File(file) => write!(f, "`url` in {file}"),
            Self::Local => f.write_str("the local database"),
            Self::Program => f.write_str("the program"),
        }
    }
}

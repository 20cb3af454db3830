//! Exit codes, all in one place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; `check`, `diff`, `snapshot --check`: no difference |
//! | 1 | failed; `start`: no database; `doctor`: warnings; `check`, `diff`, `snapshot --check`: a difference |
//! | 2 | `start`: the migration failed; `doctor`: errors; `check`, `diff`, `snapshot --check`: could not tell |
//! | 64 | wrong usage (sysexits' EX_USAGE) |
//! | 126, 127 | `start`: the command cannot be executed, or is not there |
//! | 130, 143 | stopped by SIGINT, SIGTERM |
//!
//! `start` ends with its command's own code once that runs.

use std::process::ExitCode;

use crate::output;

/// `start` found no database.
pub(crate) const NO_DATABASE: u8 = 1;
/// The migration of `start` failed.
pub(crate) const MIGRATION_FAILED: u8 = 2;
/// The worst that `doctor` found: numbers that rise with the trouble, as monitoring systems expect them.
pub(crate) const DOCTOR_WARNS: u8 = 1;
pub(crate) const DOCTOR_FINDS_ERRORS: u8 = 2;
/// The command of `start` cannot be executed, or is not there: the shell's numbers.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
pub(crate) const NOT_FOUND: u8 = 127;
/// `check`, `diff` or `snapshot --check` found a difference.
pub(crate) const DIFFERENT: u8 = 1;
/// `check`, `diff` or `snapshot --check` could not tell.
const UNDECIDED: u8 = 2;
const USAGE: u8 = 64;

/// Prints clap's words: help and version are results, the rest is wrong usage.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let argument = error.get(clap::error::ContextKind::InvalidArg).map(ToString::to_string);
    if let Some(name @ ("-c" | "--config" | "-n" | "--name" | "-x" | "--raiseerr")) = argument.as_deref() {
        output::progress(&format!("\n{name} stands before the command: limbeck {name} ... <COMMAND>"));
    }
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Something outside of any command failed.
pub(crate) fn broken(message: &str) -> ExitCode {
    output::error_line(message);
    ExitCode::FAILURE
}

/// How a command ends, other than well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With problems to render.
    Problems(limbeck::Error),
    /// With problems that kept a comparison from telling.
    Undecided(limbeck::Error),
    /// With an exit code, everything being said already.
    Code(u8),
}

impl Failure {
    /// The code to end with.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Problems(_) => 1,
            Self::Undecided(_) => UNDECIDED,
            Self::Code(code) => *code,
        }
    }

    /// What there is to render.
    pub(crate) fn error(&self) -> Option<&limbeck::Error> {
        match self {
            Self::Problems(error) | Self::Undecided(error) => Some(error),
            Self::Code(_) => None,
        }
    }
}

impl Failure {
    /// What kept a comparison from telling must not look like a difference.
    pub(crate) fn undecided(self) -> Self {
        match self {
            Self::Problems(error) => Self::Undecided(error),
            other => other,
        }
    }
}

impl<T: Into<limbeck::Error>> From<T> for Failure {
    fn from(error: T) -> Self {
        Self::Problems(error.into())
    }
}

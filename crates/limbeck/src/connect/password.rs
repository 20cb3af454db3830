//! `password_command`: a program that prints a password, run at every connect.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::secret::Secret;
use super::{ConnectError, ConnectErrorKind};

/// How long a password command may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A program whose first line of output is the password (a token that expires, a vault's secret).
///
/// Its output is never shown, not even when it fails: it may hold what must stay secret. Nor are its
/// arguments, where a token may stand.
#[derive(Clone, PartialEq, Eq)]
pub enum PasswordCommand {
    /// A program and its arguments.
    Program(Vec<String>),
    /// A line for `sh -c`.
    Shell(String),
}

impl fmt::Debug for PasswordCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(words) => write!(f, "Program({:?}, ..)", words.first()),
            Self::Shell(_) => f.write_str("Shell(..)"),
        }
    }
}

impl PasswordCommand {
    /// Runs it.
    pub(super) async fn run(&self) -> Result<Secret, ConnectError> {
        let mut command = self.command()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let output = match tokio::time::timeout(LIMIT, command.output()).await {
            Err(_) => return Err(self.failed(&format!("did not end within {} s", LIMIT.as_secs()))),
            Ok(Err(error)) => return Err(self.failed(&format!("cannot be started: {error}"))),
            Ok(Ok(output)) => output,
        };
        if !output.status.success() {
            return Err(self.failed(&format!("failed ({})", output.status)));
        }
        let text =
            std::str::from_utf8(&output.stdout).map_err(|_| self.failed("printed what is not UTF-8 text"))?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Secret::new(line)),
            _ => Err(self.failed("printed no password")),
        }
    }

    fn command(&self) -> Result<Command, ConnectError> {
        match self {
            Self::Program(words) => {
                let (program, arguments) =
                    words.split_first().ok_or_else(|| self.failed("names no program"))?;
                let mut command = Command::new(program);
                command.args(arguments);
                Ok(command)
            }
            Self::Shell(line) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(line);
                Ok(command)
            }
        }
    }

    fn failed(&self, how: &str) -> ConnectError {
        let program = match self {
            Self::Program(words) => words.first().map(|word| format!(" `{word}`")).unwrap_or_default(),
            Self::Shell(_) => String::new(),
        };
        ConnectError::new(
            ConnectErrorKind::PasswordCommand,
            format!("the password command{program} {how}"),
            "run it by hand to see what it prints; its output is not shown here, since it may be secret",
        )
    }
}

//! The library's one error: one or more [`Problem`]s.

use std::fmt;

use limbeck_core::{Code, Problem};

/// Why something could not be done. Several problems at once where several are known (every malformed
/// file of a folder, say).
///
/// `{}` prints the first problem's sentence, `{:#}` every problem with its place, notes and help.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    problems: Vec<Problem>,
}

impl Error {
    /// The problems, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The code of the first problem.
    pub fn code(&self) -> Code {
        self.problems.first().map_or(Code::Internal, Problem::code)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl From<Vec<Problem>> for Error {
    fn from(problems: Vec<Problem>) -> Self {
        debug_assert!(!problems.is_empty(), "an error needs a problem");
        Self { problems }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if f.alternate() { self.problems.len() } else { 1 };
        for (index, problem) in self.problems.iter().take(shown).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(problem, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

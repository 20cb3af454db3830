//! What a user types to name revisions, parsed once.

use std::fmt;
use std::num::NonZeroI32;

use crate::problem::{Code, Problem};

/// A name without branch and steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// `head`: the one revision without children.
    Head,
    /// `heads`: all of them.
    Heads,
    /// `base`: before the first revision.
    Base,
    /// `current`: the version table's rows.
    Current,
    /// A full id, the start of one, or a branch label.
    Revision(String),
}

/// A name, perhaps on a branch: `abc`, `billing@head`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// A label or a revision of the branch.
    pub branch: Option<String>,
    /// What is meant on it.
    pub name: Name,
}

/// Where relative steps begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// What the database has: `+2`, `billing@-1`.
    Database,
    /// A revision: `ae10+2`, `head-1`.
    At(Name),
}

/// Any identifier that a command line takes (Alembic's "Relative Migration Identifiers", "Partial
/// Revision Identifiers" and "Working with Branches").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `abc`, `head`, `billing@head`.
    Symbol(Symbol),
    /// `+2`, `abc-1`, `billing@+1`.
    Steps {
        /// Which way to go where the history forks.
        branch: Option<String>,
        /// Where to begin.
        from: Anchor,
        /// How far: upwards if positive.
        by: NonZeroI32,
    },
}

impl Name {
    fn parse(text: &str) -> Self {
        match text {
            "head" => Self::Head,
            "heads" => Self::Heads,
            "base" => Self::Base,
            "current" => Self::Current,
            other => Self::Revision(other.to_owned()),
        }
    }
}

impl Target {
    /// Reads an identifier. Whether anything answers to it is found out later.
    ///
    /// # Errors
    /// [`Code::BadIdentifier`] for an empty or malformed one, [`Code::BadRange`] for a range, and
    /// [`Code::Relative`] for `+0` or a number of steps that no graph has.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.contains(':') {
            return Err(Problem::new(Code::BadRange, "Range revision not allowed")
                .note(format!("`{text}` is a range"))
                .help(
                    "ranges start:end belong to `history -r` and to `upgrade` and `downgrade` with --sql",
                ));
        }
        let (branch, rest) = match text.split_once('@') {
            Some((branch, rest)) => (Some(branch), rest),
            None => (None, text),
        };
        if branch.is_some_and(|branch| branch.is_empty() || branch.contains(['+', '-'])) || rest.contains('@')
        {
            return Err(malformed(text));
        }
        let branch = branch.map(str::to_owned);
        match rest.find(['+', '-']) {
            Some(at) => Self::steps(text, branch, rest.split_at(at)),
            None if rest.is_empty() => Err(malformed(text)),
            None => Ok(Self::Symbol(Symbol { branch, name: Name::parse(rest) })),
        }
    }

    fn steps(text: &str, branch: Option<String>, (anchor, by): (&str, &str)) -> Result<Self, Problem> {
        let digits = &by[1..];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed(text));
        }
        let steps = by.parse().ok().and_then(NonZeroI32::new).filter(|by| by.get() != i32::MIN);
        let Some(by) = steps else { return Err(no_such_steps(by)) };
        let from = if anchor.is_empty() { Anchor::Database } else { Anchor::At(Name::parse(anchor)) };
        Ok(Self::Steps { branch, from, by })
    }

    /// Whether what it means depends on the version table's rows: `current`, `+1`, `billing@-1`.
    pub fn needs_database(&self) -> bool {
        match self {
            Self::Symbol(Symbol { name, .. }) | Self::Steps { from: Anchor::At(name), .. } => {
                *name == Name::Current
            }
            Self::Steps { from: Anchor::Database, .. } => true,
        }
    }
}

fn malformed(text: &str) -> Problem {
    Problem::new(Code::BadIdentifier, format!("`{text}` is not a revision identifier"))
        .help("write an id, the start of one, a label, head, heads, base, label@head, +1, -1 or id+1")
}

/// Alembic's sentence for steps that lead nowhere; `by` as typed, with its sign.
pub(super) fn no_such_steps(by: &str) -> Problem {
    let count = by.trim_start_matches(['+', '-']);
    Problem::new(Code::Relative, format!("Relative revision {by} didn't produce {count} migrations"))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "head",
            Self::Heads => "heads",
            Self::Base => "base",
            Self::Current => "current",
            Self::Revision(text) => text,
        })
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(branch) = &self.branch {
            write!(f, "{branch}@")?;
        }
        self.name.fmt(f)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (branch, from, by) = match self {
            Self::Symbol(symbol) => return symbol.fmt(f),
            Self::Steps { branch, from, by } => (branch, from, by),
        };
        if let Some(branch) = branch {
            write!(f, "{branch}@")?;
        }
        match from {
            Anchor::Database => write!(f, "{by:+}"),
            Anchor::At(name) => write!(f, "{name}{by:+}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Name, Target};

    #[test]
    fn reads_back_what_it_prints() {
        let forms = [
            "a1", "head", "heads", "base", "current", "x@head", "x@a1", "+2", "-1", "x@+1", "a1+2", "x@a1-1",
        ];
        for form in forms {
            assert_eq!(Target::parse(form).unwrap().to_string(), form);
        }
    }

    #[test]
    fn knows_what_needs_the_database() {
        let needing: Vec<&str> = ["a1", "head", "x@base", "a1+1", "current", "+1", "-1", "x@-1"]
            .into_iter()
            .filter(|form| Target::parse(form).unwrap().needs_database())
            .collect();
        assert_eq!(needing, ["current", "+1", "-1", "x@-1"]);
    }

    #[test]
    fn an_id_with_a_dot_can_be_an_anchor() {
        let Target::Steps { from, by, .. } = Target::parse("2024.01+2").unwrap() else { panic!() };
        assert_eq!((from, by.get()), (Anchor::At(Name::Revision("2024.01".into())), 2));
    }
}

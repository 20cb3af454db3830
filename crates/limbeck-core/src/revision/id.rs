//! Revision ids and branch labels: parsed once, then never again strings.

use std::fmt;
use std::sync::Arc;

use crate::problem::{Code, Problem};

/// Characters with a meaning in identifiers (`a@head`, `a-1`, `a:b`, `+2`), which no id may hold; a
/// comma separates ids in a header.
const RESERVED: &[char] = &['@', '-', '+', ':', ','];

/// Words that mean something else than an id.
const SYMBOLS: &[&str] = &["head", "heads", "base", "current", "None"];

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// [`Code::RevisionId`] for an empty name, a reserved word, white space, a control
            /// character, a quote, or one of `@ - + : ,`.
            pub fn new(text: &str) -> Result<Self, Problem> {
                check($what, text).map(|()| Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// A revision's id: free text without reserved characters, usually 12 hex digits.
    RevisionId, "revision id"
}
name_type! {
    /// A branch label, unique in the whole graph.
    BranchLabel, "branch label"
}

fn check(what: &str, text: &str) -> Result<(), Problem> {
    let wrong = |why: String| {
        Err(Problem::new(Code::RevisionId, why)
            .help("use letters, digits, `_` and `.`; the characters @ - + : , mean something in identifiers"))
    };
    if text.is_empty() {
        return wrong(format!("a {what} may not be empty"));
    }
    if SYMBOLS.contains(&text) {
        return wrong(format!("`{text}` is a symbol and cannot be a {what}"));
    }
    let bad = |c: &char| {
        c.is_whitespace() || c.is_control() || RESERVED.contains(c) || matches!(c, '\'' | '"' | '\\')
    };
    match text.chars().find(bad) {
        Some(c) => wrong(format!("character {c:?} may not be used in a {what}: {text:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::RevisionId;

    #[test]
    fn refuses_what_identifiers_need() {
        for bad in ["", "head", "heads", "base", "a-b", "a+1", "a@b", "a:b", "a b", "a,b", "a'b", "a\nb"] {
            assert!(RevisionId::new(bad).is_err(), "{bad:?}");
        }
        for good in ["001", "001b", "a1b2c3d4e5f6", "2024.01", "größe", "x_y"] {
            assert!(RevisionId::new(good).is_ok(), "{good:?}");
        }
    }
}

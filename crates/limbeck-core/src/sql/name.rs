//! Names of objects as a statement writes them, read as PostgreSQL reads them.

use std::fmt;

use super::variable::quote_name;

/// PostgreSQL cuts longer names off (`NAMEDATALEN - 1`).
const LONGEST: usize = 63;

/// A table's, index's or type's name, perhaps with its schema, folded and unquoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// The schema, if the statement says one.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// Quoted, ready to be put into SQL.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quote_name(schema))?;
        }
        f.write_str(&quote_name(&self.name))
    }
}

/// A name that PostgreSQL makes of an unquoted word.
pub(super) fn fold(word: &str) -> String {
    shorten(word.to_ascii_lowercase())
}

/// A name that PostgreSQL makes of `"..."`; `None` for `U&"..."`, whose escape character another clause
/// may set.
pub(super) fn unquote(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    Some(shorten(inner.replace("\"\"", "\"")))
}

/// The value of a plain string constant; `None` for one with escapes or a meaning of its own.
pub(super) fn unquote_text(constant: &str) -> Option<String> {
    let (inner, escapes) = match constant.strip_prefix(['E', 'e']) {
        Some(rest) => (rest, true),
        None => (constant, false),
    };
    let inner = inner.strip_prefix('\'')?.strip_suffix('\'')?;
    if escapes && inner.contains('\\') { None } else { Some(inner.replace("''", "'")) }
}

fn shorten(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(LONGEST));
    name
}

//! An index's elements: columns with what may follow them, or expressions.

use super::column::ColumnModel;
use crate::ddl::quote;

/// What an index is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Element {
    /// A column, and what follows it: operator class, collation, order.
    Column(String, String),
    /// An expression, as it is written.
    Expression(String),
    /// A word that is no column of the table.
    Unknown(String),
}

impl Element {
    /// Reads `email`, `email desc nulls last`, `lower(email) text_pattern_ops`, `(a || b)`.
    pub(super) fn of(text: &str, columns: &[ColumnModel]) -> Self {
        let known = |name: &str| columns.iter().any(|column| column.name() == name);
        // A column may have any name, if it stands alone.
        if known(text) {
            return Self::Column(text.to_owned(), String::new());
        }
        let text = text.trim();
        let Some((name, rest)) = first_name(text) else { return Self::Expression(text.to_owned()) };
        let follows = rest.trim();
        let is_modifier = |letter: char| letter.is_alphanumeric() || " _.$\"".contains(letter);
        if name.is_empty() || !(rest.is_empty() || rest.starts_with(' ')) {
            return Self::Expression(text.to_owned());
        }
        if known(&name) {
            // `jsonb_path_ops(...)`: operator classes may have parameters.
            return Self::Column(name, modifiers(follows));
        }
        if follows.chars().all(is_modifier) { Self::Unknown(name) } else { Self::Expression(text.to_owned()) }
    }

    /// As it stands in `CREATE INDEX`.
    pub(super) fn sql(&self) -> String {
        match self {
            Self::Column(name, rest) if rest.is_empty() => quote::ident(name),
            Self::Column(name, rest) => format!("{} {rest}", quote::ident(name)),
            Self::Expression(text) | Self::Unknown(text) => text.clone(),
        }
    }

    /// The column, if it is one.
    pub(super) fn column(&self) -> Option<&str> {
        match self {
            Self::Column(name, _) => Some(name),
            _ => None,
        }
    }

    /// What PostgreSQL calls it in an index's default name (`FigureIndexColname`): a function's name, else `expr`.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Column(name, _) => name.clone(),
            Self::Expression(text) | Self::Unknown(text) => {
                let function = text.split_once('(').map_or("", |(name, _)| name.trim());
                let function = function.rsplit('.').next().unwrap_or_default();
                let plain = function.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
                if plain && !function.is_empty() { function.to_lowercase() } else { "expr".to_owned() }
            }
        }
    }
}

/// The name that a text begins with, quoted or not, and what follows it.
fn first_name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '$'));
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        return Some((name.to_owned(), rest));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        let Some(more) = after.strip_prefix('"') else { return Some((name, after)) };
        name.push('"');
        rest = more;
    }
}

/// The words of an order in capitals, single spaces; what PostgreSQL leaves out left out.
fn modifiers(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            let upper = word.to_ascii_uppercase();
            if ["ASC", "DESC", "NULLS", "FIRST", "LAST", "COLLATE"].contains(&upper.as_str()) {
                upper
            } else {
                word.to_owned()
            }
        })
        .collect();
    let text = words.join(" ");
    match text.strip_suffix("DESC NULLS FIRST") {
        Some(before) => format!("{before}DESC"),
        None => match text.strip_suffix("ASC NULLS LAST").or_else(|| text.strip_suffix("ASC")) {
            Some(before) if before.is_empty() || before.ends_with(' ') => before.trim_end().to_owned(),
            _ => text,
        },
    }
}

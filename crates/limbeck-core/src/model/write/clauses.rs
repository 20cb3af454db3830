//! Takes definitions apart, as PostgreSQL prints them, into what attributes say. Whoever writes an attribute reads it
//! back and compares; so what this does not understand may be given up, and goes into SQL.

use super::names::literal;
use crate::schema::{Constraint, ConstraintKind, Index, Policy};

/// What an attribute says: `unique(a, b, name = "x")`.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// `unique`, `index`, ...
    pub(super) key: &'static str,
    /// Columns and elements, as items.
    pub(super) items: Vec<String>,
    /// Everything else, without the name.
    pub(super) options: Vec<String>,
}

/// A text in which one reads from left to right.
struct Reading<'a>(&'a str);

impl<'a> Reading<'a> {
    /// Goes over `text`, if it comes next.
    fn take(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// What is between the parenthesis that comes next and the one that closes it.
    fn parentheses(&mut self) -> Option<&'a str> {
        let rest = self.0.strip_prefix('(')?;
        let end = outside(rest, |letter| letter == ')')?;
        self.0 = &rest[end + 1..];
        Some(&rest[..end])
    }

    fn word(&mut self) -> &'a str {
        let end = self.0.find([' ', '(']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }
}

/// Where a letter that `wanted` is stands outside of quotes and parentheses.
fn outside(text: &str, wanted: impl Fn(char) -> bool) -> Option<usize> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, _) if depth == 0 && wanted(letter) => return Some(at),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The parts between commas.
fn list(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(comma) = outside(rest, |letter| letter == ',') {
        parts.push(rest[..comma].trim());
        rest = &rest[comma + 1..];
    }
    parts.push(rest.trim());
    parts
}

/// A column's name as an item: bare where it can be.
pub(super) fn item(name: &str) -> String {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let bare =
        starts && name != "_" && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    // A word that is a key too would be taken for it.
    let is_key = super::super::CONTEXTS.iter().any(|context| context.keys.iter().any(|key| key.name == name));
    if bare && !is_key { name.to_owned() } else { literal(name) }
}

fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

/// `INCLUDE`, `NULLS NOT DISTINCT` and `WITH`, where they come next.
fn tail(reading: &mut Reading<'_>, options: &mut Vec<String>) -> Option<()> {
    if reading.take(" INCLUDE ") {
        let columns: Vec<_> =
            list(reading.parentheses()?).into_iter().map(|name| item(&unquoted(name))).collect();
        options.push(format!("include({})", columns.join(", ")));
    }
    if reading.take(" NULLS NOT DISTINCT") {
        options.push("nulls_not_distinct".to_owned());
    }
    if reading.take(" WITH ") {
        options.push(parameters(
            "with",
            list(reading.parentheses()?).into_iter().map(|option| {
                let (name, value) = option.split_once('=').unwrap_or((option, "true"));
                (unquoted(name), value.trim_matches('\'').to_owned())
            }),
        ));
    }
    Some(())
}

/// `with(fillfactor = 70)`.
pub(super) fn parameters(key: &str, options: impl Iterator<Item = (String, String)>) -> String {
    let said = options.map(|(name, value)| {
        let dotted = name.split('.').all(|part| item(part) == part);
        let name = if dotted { name } else { literal(&name) };
        let number = value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
        let value = if number || value == "true" || value == "false" { value } else { literal(&value) };
        format!("{name} = {value}")
    });
    format!("{key}({})", said.collect::<Vec<_>>().join(", "))
}

fn deferrable(reading: &mut Reading<'_>, options: &mut Vec<String>) {
    if reading.take(" DEFERRABLE INITIALLY DEFERRED") {
        options.push("deferrable = \"initially deferred\"".to_owned());
    } else if reading.take(" DEFERRABLE") {
        options.push("deferrable".to_owned());
    }
}

/// A constraint as an attribute, as far as it is understood.
pub(super) fn constraint(constraint: &Constraint) -> Option<Said> {
    let mut reading = Reading(&constraint.definition);
    let mut options = Vec::new();
    let columns = || constraint.columns.iter().map(|column| item(column)).collect();
    if matches!(constraint.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique) {
        storage(constraint, &mut options)?;
    }
    let said = match constraint.kind {
        ConstraintKind::PrimaryKey | ConstraintKind::Unique => {
            let primary = constraint.kind == ConstraintKind::PrimaryKey;
            reading.take(if primary { "PRIMARY KEY " } else { "UNIQUE " });
            if reading.take("NULLS NOT DISTINCT ") {
                options.push("nulls_not_distinct".to_owned());
            }
            reading.parentheses()?;
            tail(&mut reading, &mut options)?;
            deferrable(&mut reading, &mut options);
            Said { key: if primary { "primary_key" } else { "unique" }, items: columns(), options }
        }
        ConstraintKind::Check => {
            reading.take("CHECK ");
            options.push(format!("expr = {}", literal(reading.parentheses()?)));
            if reading.take(" NO INHERIT") {
                options.push("no_inherit".to_owned());
            }
            if !constraint.validated {
                options.push("not_valid".to_owned());
            }
            Said { key: "check", items: Vec::new(), options }
        }
        ConstraintKind::ForeignKey => foreign_key(&mut reading, constraint)?,
        ConstraintKind::Exclusion => exclusion(&mut reading)?,
    };
    reading.0.is_empty().then_some(said)
}

fn foreign_key(reading: &mut Reading<'_>, constraint: &Constraint) -> Option<Said> {
    reading.take("FOREIGN KEY ");
    reading.parentheses()?;
    reading.take(" REFERENCES ");
    let end = outside(reading.0, |letter| letter == '(')?;
    let table = &reading.0[..end];
    reading.0 = &reading.0[end..];
    let referred = reading.parentheses()?;
    let mut options = vec![format!("references = {}", literal(&format!("{table}({referred})")))];
    if reading.take(" MATCH FULL") {
        options.push("match = \"full\"".to_owned());
    }
    for (event, key) in [(" ON UPDATE ", "on_update"), (" ON DELETE ", "on_delete")] {
        if !reading.take(event) {
            continue;
        }
        let known = ["CASCADE", "RESTRICT", "SET NULL", "SET DEFAULT"];
        let mut action = known.into_iter().find(|action| reading.take(action))?.to_lowercase();
        if reading.0.starts_with(" (") {
            reading.take(" ");
            action = format!("{action} ({})", reading.parentheses()?);
        }
        options.push(format!("{key} = {}", literal(&action)));
    }
    deferrable(reading, &mut options);
    if !constraint.validated {
        options.push("not_valid".to_owned());
    }
    let items = constraint.columns.iter().map(|column| item(column)).collect();
    Some(Said { key: "foreign_key", items, options })
}

/// The storage parameters of a key's index, which its own definition does not say.
fn storage(constraint: &Constraint, options: &mut Vec<String>) -> Option<()> {
    let (_, with, _) = crate::ddl::split_off_with(constraint.index.as_deref().unwrap_or_default());
    let with = format!(" {}", with.trim());
    if with == " " { Some(()) } else { tail(&mut Reading(&with), options) }
}

fn exclusion(reading: &mut Reading<'_>) -> Option<Said> {
    reading.take("EXCLUDE USING ");
    let mut options = vec![format!("using = {}", literal(reading.word()))];
    reading.take(" ");
    let items = list(reading.parentheses()?).into_iter().map(literal).collect();
    tail(reading, &mut options)?;
    predicate(reading, &mut options)?;
    deferrable(reading, &mut options);
    Some(Said { key: "exclude", items, options })
}

fn predicate(reading: &mut Reading<'_>, options: &mut Vec<String>) -> Option<()> {
    if reading.take(" WHERE ") {
        // PostgreSQL prints an exclusion constraint's and an index's condition with parentheses of its own.
        let condition =
            if reading.0.starts_with('(') { reading.parentheses()? } else { std::mem::take(&mut reading.0) };
        options.push(format!("where = {}", literal(condition)));
    }
    Some(())
}

/// An index as an attribute, as far as it is understood.
pub(super) fn index(index: &Index) -> Option<Said> {
    let mut reading = Reading(&index.definition);
    reading.take("USING ");
    let mut options = Vec::new();
    if index.unique {
        options.push("unique".to_owned());
    }
    let method = reading.word();
    if method != "btree" {
        options.push(format!("using = {}", literal(method)));
    }
    reading.take(" ");
    let elements = list(reading.parentheses()?);
    let plain = |at: usize, text: &str| match index.columns.get(at) {
        Some(Some(column)) if unquoted(text) == *column => item(column),
        _ => literal(text),
    };
    let items = elements.into_iter().enumerate().map(|(at, text)| plain(at, text)).collect();
    tail(&mut reading, &mut options)?;
    predicate(&mut reading, &mut options)?;
    reading.0.is_empty().then_some(Said { key: "index", items, options })
}

/// A policy as an attribute.
pub(super) fn policy(name: &str, policy: &Policy) -> String {
    let mut parts = vec![format!("name = {}", literal(name))];
    if !policy.permissive {
        parts.push("restrictive".to_owned());
    }
    if policy.command != "ALL" {
        parts.push(format!("for = {}", literal(&policy.command.to_lowercase())));
    }
    if !policy.roles.is_empty() {
        let roles: Vec<_> = policy.roles.iter().map(|role| literal(role)).collect();
        parts.push(format!("to({})", roles.join(", ")));
    }
    for (key, text) in [("using", &policy.using), ("with_check", &policy.with_check)] {
        parts.extend(text.as_ref().map(|text| format!("{key} = {}", literal(text))));
    }
    format!("policy({})", parts.join(", "))
}

//! psql's variables, `:'name'` and `:"name"`: declared names, their values, quoting and rendering.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::classify::{self, StatementKind};
use super::token::{Token, TokenKind};
use crate::nearest;
use crate::problem::{Code, Place, Problem, Source, Span};

/// The name that a batch binds to its size.
pub const BATCH: &str = "batch";

/// The declared variables and the values that some of them have. Printing it shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, Option<String>>);

impl Values {
    /// Nothing declared.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a name; a value that it has already stays.
    pub fn declare(&mut self, name: impl Into<String>) {
        self.0.entry(name.into()).or_default();
    }

    /// Declares a name and gives it a value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), Some(value.into()));
    }

    /// The same with one value more: how the executor binds [`BATCH`].
    #[must_use]
    pub fn with(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let mut values = self.clone();
        values.set(name, value);
        values
    }

    /// The declared names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn declares(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a declared variable.
    ///
    /// # Errors
    /// [`Code::SqlVariable`] for a name that is not declared or has no value, without a place.
    pub fn get(&self, name: &str) -> Result<&str, Problem> {
        match self.0.get(name) {
            Some(Some(value)) => Ok(value),
            Some(None) => Err(Problem::new(Code::SqlVariable, format!("the variable `{name}` has no value"))
                .help(format!("give it one with `-x {name}=...`"))),
            None => Err(self.undeclared(name)),
        }
    }

    fn undeclared(&self, name: &str) -> Problem {
        let problem = Problem::new(Code::SqlVariable, format!("the variable `{name}` is not declared"));
        if name == BATCH {
            return problem
                .help("`:'batch'` has a value only in a statement under `-- limbeck:batch size=...`");
        }
        match nearest(name, self.names()) {
            Some(known) => problem.help(format!("did you mean `{known}`?")),
            None => problem.help(format!("declare it under [vars] in limbeck.toml: {name} = \"\"")),
        }
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| if value.is_some() { "set" } else { "unset" };
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, shown(value)))).finish()
    }
}

/// How a variable's value is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quoting {
    /// `:'name'`: as a string constant.
    Literal,
    /// `:"name"`: as a name.
    Name,
}

/// Whether `:'...'` is a variable, or a colon and a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reading {
    /// A variable: nothing else can stand there.
    Variable,
    /// A variable if the name is declared; PostgreSQL may also read a colon (in a slice, or in
    /// `JSON_OBJECT`).
    VariableIfDeclared,
}

/// A variable in a statement. Within a slice or `JSON_OBJECT` it may turn out to be a colon and a string,
/// when the name is not declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// How its value is quoted.
    pub quoting: Quoting,
    /// The whole of it, colon and quotes included.
    pub span: Span,
    reading: Reading,
}

impl Variable {
    fn quote(&self, source: &Arc<Source>, values: &Values) -> Result<Option<String>, Problem> {
        if self.reading == Reading::VariableIfDeclared && !values.declares(&self.name) {
            return Ok(None);
        }
        let here = || Place::new(source, self.span.clone());
        let value = values.get(&self.name).map_err(|problem| problem.at(here()))?;
        let wrong = |why: &str| {
            let message = format!("the value of the variable `{}` {why}", self.name);
            Err(Problem::new(Code::SqlVariable, message).at(here()))
        };
        match self.quoting {
            _ if value.contains('\0') => wrong("holds a NUL character, which PostgreSQL has not"),
            Quoting::Name if value.is_empty() => wrong("is empty, and a name may not be"),
            Quoting::Name => Ok(Some(quote_name(value))),
            Quoting::Literal => Ok(Some(quote_literal(value))),
        }
    }
}

/// A string constant, as psql and libpq quote it: with a backslash inside it is an `E''` constant, with a
/// blank before it, so that it never grows together with the word before it.
pub fn quote_literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if value.contains('\\') {
        format!(" E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// A quoted name.
pub fn quote_name(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// Follows the brackets of a statement and tells variables from colons before strings.
pub(super) struct Variables {
    brackets: Vec<Bracket>,
    found: Vec<Variable>,
}

/// An open bracket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// A colon may stand between two operands: `a[1:'2']`, `JSON_OBJECT('a':'b')`.
    TakesColons,
    /// It may not.
    Plain,
}

impl Variables {
    /// The variables among a statement's tokens.
    pub(super) fn of(text: &str, tokens: &[Token]) -> Vec<Variable> {
        let mut state = Self { brackets: Vec::new(), found: Vec::new() };
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| &tokens[at]);
            state.token(text, before, token);
        }
        state.found
    }

    fn token(&mut self, text: &str, before: Option<&Token>, token: &Token) {
        match (token.kind, &text[token.span.clone()]) {
            (TokenKind::Punctuation, "[") => self.brackets.push(Bracket::TakesColons),
            (TokenKind::Punctuation, "(") => self.brackets.push(parenthesis(text, before)),
            (TokenKind::Punctuation, "]" | ")") => drop(self.brackets.pop()),
            (TokenKind::LiteralVariable, _) => self.variable(text, before, token, Quoting::Literal),
            (TokenKind::NameVariable, _) => self.variable(text, before, token, Quoting::Name),
            _ => {}
        }
    }

    fn variable(&mut self, text: &str, before: Option<&Token>, token: &Token, quoting: Quoting) {
        let Some(reading) = self.reading(text, before) else { return };
        let name = text[token.span.start + 2..token.span.end - 1].to_owned();
        self.found.push(Variable { name, quoting, span: token.span.clone(), reading });
    }

    fn reading(&self, text: &str, before: Option<&Token>) -> Option<Reading> {
        if self.brackets.last() != Some(&Bracket::TakesColons) {
            return Some(Reading::Variable);
        }
        let before = before?;
        match (before.kind, &text[before.span.clone()]) {
            // After an operand the colon is a separator. A word may be an operand or a key word.
            (TokenKind::Word, _) => Some(Reading::VariableIfDeclared),
            (TokenKind::Punctuation, ")" | "]") => None,
            (TokenKind::Punctuation | TokenKind::Operator, _) => Some(Reading::Variable),
            _ => None,
        }
    }
}

fn parenthesis(text: &str, before: Option<&Token>) -> Bracket {
    let function =
        before.filter(|token| token.kind == TokenKind::Word).map(|token| &text[token.span.clone()]);
    let json =
        |name: &str| ["json_object", "json_objectagg"].iter().any(|json| name.eq_ignore_ascii_case(json));
    if function.is_some_and(json) { Bracket::TakesColons } else { Bracket::Plain }
}

/// SQL as it is sent, with the way back to the file. Printing it with `{:?}` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What is sent. It may hold variables' values, and so belongs into no log.
    pub sql: String,
    /// What it is, with the variables' values in it.
    pub kind: StatementKind,
    /// Where each piece begins, in `sql` and in the source, and how it maps.
    pieces: Vec<Piece>,
}

/// A run of rendered bytes that comes from one place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Where it begins in the rendered SQL.
    rendered: usize,
    /// Where it comes from.
    source: usize,
    /// How many bytes were copied one by one; none of a value, which maps as a whole to its variable.
    copied: usize,
}

impl Rendered {
    /// Renders the part `span` of `source`: variables filled in, what is in `cuts` left out.
    pub(super) fn new(
        source: &Arc<Source>,
        span: &Span,
        variables: &[Variable],
        cuts: &[Span],
        values: &Values,
    ) -> Result<Self, Problem> {
        let mut changes: Vec<(Span, String)> = cuts.iter().map(|cut| (cut.clone(), String::new())).collect();
        for variable in variables {
            let quoted = variable.quote(source, values)?;
            changes.extend(quoted.map(|quoted| (variable.span.clone(), quoted)));
        }
        changes.sort_by_key(|(span, _)| span.start);
        let mut rendered = Self { sql: String::new(), kind: StatementKind::Ordinary, pieces: Vec::new() };
        let mut at = span.start;
        for (changed, by) in changes {
            rendered.copy(at, &source.text()[at..changed.start]);
            rendered.fill_in(changed.start, &apart(&rendered.sql, by));
            at = changed.end;
        }
        rendered.copy(at, &source.text()[at..span.end]);
        rendered.kind = classify::classify(&rendered.sql);
        Ok(rendered)
    }

    fn copy(&mut self, source: usize, text: &str) {
        self.pieces.push(Piece { rendered: self.sql.len(), source, copied: text.len() });
        self.sql.push_str(text);
    }

    fn fill_in(&mut self, source: usize, value: &str) {
        self.pieces.push(Piece { rendered: self.sql.len(), source, copied: 0 });
        self.sql.push_str(value);
    }

    /// Puts several statements into one message, separated by semicolons. Its kind is
    /// [`StatementKind::Ordinary`].
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self { sql: String::new(), kind: StatementKind::Ordinary, pieces: Vec::new() };
        for part in parts {
            let start = all.sql.len();
            all.pieces.extend(part.pieces.into_iter().map(|p| Piece { rendered: p.rendered + start, ..p }));
            all.sql.push_str(&part.sql);
            all.sql.push_str(";\n");
        }
        all
    }

    /// The byte in the file from which the byte `offset` of [`Rendered::sql`] comes; within a variable's
    /// value: the variable's first byte; after a statement: its end.
    pub fn source_offset(&self, offset: usize) -> usize {
        let at = self.pieces.partition_point(|piece| piece.rendered <= offset);
        // Of several pieces that begin at one place all but the last are empty.
        let Some(piece) = at.checked_sub(1).and_then(|at| self.pieces.get(at)) else { return 0 };
        piece.source + (offset - piece.rendered).min(piece.copied)
    }

    /// The byte in the file for a position as PostgreSQL reports it: in characters, from 1.
    pub fn source_position(&self, position: usize) -> usize {
        let byte =
            self.sql.char_indices().nth(position.saturating_sub(1)).map_or(self.sql.len(), |(at, _)| at);
        self.source_offset(byte)
    }
}

/// Keeps a value from growing together with what is before it: `x:'v'` must not become the bit string
/// `x'v'`, nor `:'a':'b'` one constant.
fn apart(before: &str, value: String) -> String {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '\'' | '"' | '&') || !c.is_ascii();
    if !value.is_empty() && before.ends_with(joins) { format!(" {value}") } else { value }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("kind", &self.kind)
            .field("bytes", &self.sql.len())
            .finish_non_exhaustive()
    }
}

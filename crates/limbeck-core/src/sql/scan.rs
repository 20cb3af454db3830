//! A revision's text as tokens and directives, without what means nothing.

use std::sync::Arc;

use super::directive::{self, Directive};
use super::token::{Lexer, Token, TokenKind, Unfinished};
use crate::problem::{Code, Place, Problem, Source, Span};
use crate::revision::Spanned;

/// A piece of a revision's text that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lexeme {
    /// A token, neither white space nor a comment.
    Token(Token),
    /// A directive.
    Directive(Spanned<Directive>),
}

/// The lexemes of a part of a source, in order. It yields at most one error and then nothing more.
pub(crate) struct Scanner<'a> {
    source: &'a Arc<Source>,
    lexer: Lexer<'a>,
}

impl<'a> Scanner<'a> {
    /// The lexemes of `part` of `source`.
    pub(crate) fn new(source: &'a Arc<Source>, part: Span) -> Self {
        Self { source, lexer: Lexer::new(&source.text()[..part.end], part.start) }
    }

    fn lexeme(&self, token: Token) -> Result<Option<Lexeme>, Problem> {
        match token.kind {
            TokenKind::Space | TokenKind::BlockComment => Ok(None),
            TokenKind::LineComment => Ok(directive::read(self.source, &token.span)?.map(Lexeme::Directive)),
            TokenKind::MetaCommand if is_restrict(self.source.text(), &token.span) => Ok(None),
            TokenKind::Unfinished(what) => Err(unfinished(self.source, &token.span, what)),
            _ => Ok(Some(Lexeme::Token(token))),
        }
    }
}

impl Iterator for Scanner<'_> {
    type Item = Result<Lexeme, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let token = self.lexer.next()?;
            if let Some(found) = self.lexeme(token).transpose() {
                return Some(found);
            }
        }
    }
}

/// `\restrict` and `\unrestrict`, which `pg_dump` prints since August 2025 to keep what it prints from
/// running other commands of psql.
pub(crate) fn is_restrict(text: &str, command: &Span) -> bool {
    let name = text[command.clone()].split_whitespace().next();
    matches!(name, Some("\\restrict" | "\\unrestrict"))
}

fn unfinished(source: &Arc<Source>, span: &Span, what: Unfinished) -> Problem {
    let (what, end) = match what {
        Unfinished::Text => ("string", "'".to_owned()),
        Unfinished::QuotedName => ("quoted name", "\"".to_owned()),
        Unfinished::BlockComment => ("comment", "*/".to_owned()),
        Unfinished::DollarText => ("dollar-quoted string", dollar_delimiter(&source.text()[span.clone()])),
    };
    let line = source.text()[span.start..].lines().next().unwrap_or_default();
    Problem::new(Code::SqlSyntax, format!("this {what} does not end"))
        .at(Place::new(source, span.start..span.start + line.len()))
        .help(format!("close it with `{end}`"))
}

fn dollar_delimiter(text: &str) -> String {
    let end = text[1..].find('$').map_or(text.len(), |at| at + 2);
    text[..end].to_owned()
}

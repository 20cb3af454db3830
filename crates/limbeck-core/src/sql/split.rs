//! Where a statement ends. By tokens, as psql does it: PostgreSQL is the judge of what is inside.

use super::token::{Token, TokenKind};
use crate::problem::Span;

/// Collects tokens until a statement is complete.
pub(super) struct Splitter<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    parentheses: usize,
    /// Open `BEGIN ATOMIC` and, inside it, `CASE`; where the first of them stands.
    blocks: usize,
    block: Span,
}

/// The statements that may hold semicolons.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// `CREATE RULE ... DO (...; ...)`
    Rule,
    /// `CREATE FUNCTION ... BEGIN ATOMIC ...; ... END`
    Routine,
}

impl<'a> Splitter<'a> {
    /// A splitter of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, tokens: Vec::new(), parentheses: 0, blocks: 0, block: 0..0 }
    }

    /// The tokens of the statement that is not complete yet.
    pub(super) fn open(&self) -> &[Token] {
        &self.tokens
    }

    /// The `BEGIN ATOMIC` that waits for its `END`.
    pub(super) fn open_block(&self) -> Option<&Span> {
        (self.blocks > 0).then_some(&self.block)
    }

    /// Takes the next token. The tokens of a statement that it completes, without the semicolon: none if
    /// the statement is empty.
    pub(super) fn push(&mut self, token: Token) -> Option<Vec<Token>> {
        let text = &self.text[token.span.clone()];
        match token.kind {
            TokenKind::Punctuation => match text {
                ";" if !self.is_held() => return Some(self.finish()),
                "(" => self.parentheses += 1,
                ")" => self.parentheses = self.parentheses.saturating_sub(1),
                _ => {}
            },
            TokenKind::Word => self.word(text),
            _ => {}
        }
        self.tokens.push(token);
        None
    }

    /// The tokens of the last statement, whose semicolon may be missing.
    pub(super) fn finish(&mut self) -> Vec<Token> {
        self.parentheses = 0;
        self.blocks = 0;
        std::mem::take(&mut self.tokens)
    }

    fn nth(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &self.text[token.span.clone()])
    }

    /// Whether a semicolon here belongs to the statement.
    fn is_held(&self) -> bool {
        self.blocks > 0 || (self.parentheses > 0 && self.holder() == Some(Holder::Rule))
    }

    fn holder(&self) -> Option<Holder> {
        if !self.nth(0).eq_ignore_ascii_case("create") {
            return None;
        }
        let replaces = self.nth(1).eq_ignore_ascii_case("or") && self.nth(2).eq_ignore_ascii_case("replace");
        let object = self.nth(if replaces { 3 } else { 1 });
        let is = |name: &str| object.eq_ignore_ascii_case(name);
        if is("rule") {
            Some(Holder::Rule)
        } else {
            (is("function") || is("procedure")).then_some(Holder::Routine)
        }
    }

    fn word(&mut self, word: &str) {
        let before = self.tokens.last().map_or("", |token| &self.text[token.span.clone()]);
        if self.blocks == 0 {
            let begins = word.eq_ignore_ascii_case("atomic") && before.eq_ignore_ascii_case("begin");
            if begins && self.holder() == Some(Holder::Routine) {
                self.blocks = 1;
                self.block = self.tokens.last().map_or(0..0, |token| token.span.clone());
            }
            return;
        }
        // `x.end` and `AS end` are names, not the block's end.
        if before == "." || before.eq_ignore_ascii_case("as") {
            return;
        }
        if word.eq_ignore_ascii_case("case") {
            self.blocks += 1;
        } else if word.eq_ignore_ascii_case("end") {
            self.blocks -= 1;
        }
    }
}

//! PostgreSQL's lexical rules (manual, "Lexical Structure"), with psql's variables and meta-commands.
//!
//! A lexer of our own and not a grammar: where a statement ends and what a checksum covers must not
//! change with a parser's version, nor depend on whether a parser knows the newest syntax. It takes any
//! text, never fails, never panics and is linear; what is not closed becomes [`TokenKind::Unfinished`].
//!
//! It follows `scan.l` with `standard_conforming_strings = on`, the only setting under which revisions
//! run.

use crate::problem::Span;

/// What a token is. Every byte of the text belongs to exactly one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Blanks and line ends.
    Space,
    /// `-- ...`, without its line end.
    LineComment,
    /// `/* ... */`, which nests.
    BlockComment,
    /// An unquoted name or key word.
    Word,
    /// `"name"`.
    QuotedName,
    /// A string constant of any prefix: `'...'`, `E'...'`, `B'...'`, `X'...'`, `N'...'`, `U&'...'`.
    Text,
    /// `$tag$...$tag$`.
    DollarText,
    /// A numeric constant.
    Number,
    /// `$1`.
    Parameter,
    /// An operator, of as many characters as PostgreSQL would take together.
    Operator,
    /// `:'name'`: psql's variable, as a string constant.
    LiteralVariable,
    /// `:"name"`: psql's variable, as a name. `U&"..."` is a [`TokenKind::QuotedName`].
    NameVariable,
    /// A backslash outside of strings, with the rest of its line.
    MetaCommand,
    /// Any other character: brackets, comma, semicolon, dot, colon; `::`, `:=` and `..` are one token.
    Punctuation,
    /// A string, quoted name or block comment without its end; it reaches to the end of the text.
    Unfinished(Unfinished),
}

/// What was opened and not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unfinished {
    /// A string constant.
    Text,
    /// A quoted name.
    QuotedName,
    /// A dollar-quoted string.
    DollarText,
    /// A block comment.
    BlockComment,
}

/// One token: its kind and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

impl Token {
    /// Whether it is white space or a comment.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, TokenKind::Space | TokenKind::LineComment | TokenKind::BlockComment)
    }
}

/// Which character a backslash is inside a string constant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backslash {
    /// Like any other.
    Plain,
    /// It takes the next character along, as in `E'...'`.
    Escapes,
}

/// The tokens of a text, in order.
#[derive(Clone)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    continues: Continues,
    /// Up to here the text is known to be a run of signs, each an operator of its own.
    signs_until: usize,
}

/// A string constant goes on with a new quote, in the mode in which it began, if a line ended between.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Continues {
    No,
    InNextLine(Backslash),
    Here(Backslash),
}

impl<'a> Lexer<'a> {
    /// The tokens of `text` from byte `start` on, which must be a character's first.
    pub fn new(text: &'a str, start: usize) -> Self {
        Self { text: text.as_bytes(), at: start, continues: Continues::No, signs_until: 0 }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// Takes bytes for as long as `wanted`.
    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = &self.text[self.at.min(self.text.len())..];
        self.at += rest.iter().position(|&byte| !wanted(byte)).unwrap_or(rest.len());
    }

    /// Takes `bytes` bytes.
    fn take(&mut self, bytes: usize, kind: TokenKind) -> TokenKind {
        self.at += bytes;
        kind
    }

    fn unfinished(&mut self, what: Unfinished) -> TokenKind {
        self.at = self.text.len();
        TokenKind::Unfinished(what)
    }

    fn token(&mut self, first: u8) -> TokenKind {
        let second = self.peek(1);
        match first {
            _ if is_space(first) => {
                self.take_while(is_space);
                TokenKind::Space
            }
            b'-' if second == Some(b'-') => {
                self.take_while(|byte| !is_line_end(byte));
                TokenKind::LineComment
            }
            b'/' if second == Some(b'*') => self.block_comment(),
            b'\'' => match self.continues {
                Continues::Here(backslash) => self.string(0, backslash),
                _ => self.string(0, Backslash::Plain),
            },
            b'"' => self.quoted(1, b'"', TokenKind::QuotedName, Unfinished::QuotedName),
            b'$' => self.dollar(second),
            b':' => self.colon(second),
            b'.' => self.dot(second),
            b'\\' => {
                self.take_while(|byte| !is_line_end(byte));
                TokenKind::MetaCommand
            }
            b'0'..=b'9' => self.number(),
            _ if is_name_start(first) => self.word(first, second),
            _ if is_operator(first) => self.operator(),
            _ => self.take(1, TokenKind::Punctuation),
        }
    }

    fn word(&mut self, first: u8, second: Option<u8>) -> TokenKind {
        match (first, second, self.peek(2)) {
            (b'e' | b'E', Some(b'\''), _) => self.string(1, Backslash::Escapes),
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', Some(b'\''), _) => self.string(1, Backslash::Plain),
            (b'u' | b'U', Some(b'&'), Some(b'\'')) => self.string(2, Backslash::Plain),
            (b'u' | b'U', Some(b'&'), Some(b'"')) => {
                self.quoted(3, b'"', TokenKind::QuotedName, Unfinished::QuotedName)
            }
            _ => {
                self.take_while(is_name_part);
                TokenKind::Word
            }
        }
    }

    /// A string constant whose quote stands `prefix` bytes ahead.
    fn string(&mut self, prefix: usize, backslash: Backslash) -> TokenKind {
        self.continues = Continues::InNextLine(backslash);
        match backslash {
            Backslash::Plain => self.quoted(prefix + 1, b'\'', TokenKind::Text, Unfinished::Text),
            Backslash::Escapes => self.escaped(prefix + 1),
        }
    }

    /// Up to the closing `quote`; a doubled one stands for itself.
    fn quoted(&mut self, open: usize, quote: u8, kind: TokenKind, unfinished: Unfinished) -> TokenKind {
        self.at += open;
        loop {
            self.take_while(|byte| byte != quote);
            match (self.peek(0), self.peek(1)) {
                (None, _) => return self.unfinished(unfinished),
                (_, Some(next)) if next == quote => self.at += 2,
                _ => return self.take(1, kind),
            }
        }
    }

    fn escaped(&mut self, open: usize) -> TokenKind {
        self.at += open;
        loop {
            self.take_while(|byte| !matches!(byte, b'\'' | b'\\'));
            match (self.peek(0), self.peek(1)) {
                (None, _) | (Some(b'\\'), None) => return self.unfinished(Unfinished::Text),
                // What a backslash takes along may be the first byte of a longer character, whose other
                // bytes are neither quote nor backslash.
                (Some(b'\\'), _) | (_, Some(b'\'')) => self.at += 2,
                _ => return self.take(1, TokenKind::Text),
            }
        }
    }

    fn block_comment(&mut self) -> TokenKind {
        self.at += 2;
        let mut depth = 1_usize;
        while depth > 0 {
            self.take_while(|byte| !matches!(byte, b'*' | b'/'));
            match (self.peek(0), self.peek(1)) {
                (None, _) => return self.unfinished(Unfinished::BlockComment),
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        TokenKind::BlockComment
    }

    fn dollar(&mut self, second: Option<u8>) -> TokenKind {
        if second.is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
            return TokenKind::Parameter;
        }
        let rest = &self.text[self.at + 1..];
        let tag = rest.iter().position(|&byte| !is_tag_part(byte)).unwrap_or(rest.len());
        match rest.get(tag) {
            Some(b'$') => self.dollar_text(tag + 2),
            // PostgreSQL takes only the dollar sign, too.
            _ => self.take(1, TokenKind::Punctuation),
        }
    }

    fn dollar_text(&mut self, delimiter: usize) -> TokenKind {
        let text = self.text;
        let delimiter = &text[self.at..self.at + delimiter];
        self.at += delimiter.len();
        // One dollar sign after the other and not a search for the delimiter: a tag without dollar signs
        // inside cannot begin twice in the same bytes, so this stays linear.
        loop {
            self.take_while(|byte| byte != b'$');
            if self.at >= text.len() {
                return self.unfinished(Unfinished::DollarText);
            }
            if text[self.at..].starts_with(delimiter) {
                return self.take(delimiter.len(), TokenKind::DollarText);
            }
            self.at += 1;
        }
    }

    fn colon(&mut self, second: Option<u8>) -> TokenKind {
        match second {
            Some(b':' | b'=') => self.take(2, TokenKind::Punctuation),
            Some(b'\'') => self.variable(b'\'', TokenKind::LiteralVariable),
            Some(b'"') => self.variable(b'"', TokenKind::NameVariable),
            _ => self.take(1, TokenKind::Punctuation),
        }
    }

    fn variable(&mut self, quote: u8, kind: TokenKind) -> TokenKind {
        let rest = &self.text[self.at + 2..];
        let name = rest.iter().position(|&byte| !is_variable_part(byte)).unwrap_or(rest.len());
        let closes = rest.get(name) == Some(&quote) && rest.get(name + 1) != Some(&quote);
        if name > 0 && closes { self.take(name + 3, kind) } else { self.take(1, TokenKind::Punctuation) }
    }

    fn dot(&mut self, second: Option<u8>) -> TokenKind {
        match second {
            Some(b'0'..=b'9') => self.number(),
            Some(b'.') => self.take(2, TokenKind::Punctuation),
            _ => self.take(1, TokenKind::Punctuation),
        }
    }

    /// Digits, one dot, letters (hexadecimal digits, an exponent, junk that PostgreSQL will refuse).
    fn number(&mut self) -> TokenKind {
        let hexadecimal = matches!(self.peek(1), Some(b'x' | b'X'));
        self.take_while(is_number_part);
        if self.peek(0) == Some(b'.') && self.peek(1) != Some(b'.') {
            self.at += 1;
            self.take_while(is_number_part);
        }
        let exponent = matches!(self.text.get(self.at.wrapping_sub(1)), Some(b'e' | b'E'));
        let signed = matches!(self.peek(0), Some(b'+' | b'-'));
        if exponent && signed && !hexadecimal && self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.take_while(is_number_part);
        }
        TokenKind::Number
    }

    /// As many operator characters as PostgreSQL takes together: up to a comment's beginning, and without
    /// a `+` or `-` at the end unless the operator has one of the characters that SQL's own have not.
    fn operator(&mut self) -> TokenKind {
        if self.at < self.signs_until {
            return self.take(1, TokenKind::Operator);
        }
        let rest = &self.text[self.at..];
        let all = rest.iter().position(|&byte| !is_operator(byte)).unwrap_or(rest.len());
        let run = &rest[..all];
        let comment = run.windows(2).position(|pair| matches!(pair, b"--" | b"/*"));
        let run = &run[..comment.unwrap_or(all)];
        let own = run.iter().any(|byte| b"~!@#^&|`?%".contains(byte));
        let sign = |byte: &u8| matches!(byte, b'+' | b'-');
        let taken =
            if own { run.len() } else { run.len() - run.iter().rev().take_while(|b| sign(b)).count() };
        // Remembered, or a long run of signs would be looked at once for each of them.
        self.signs_until = self.at + run.len();
        self.take(taken.max(1), TokenKind::Operator)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = self.peek(0)?;
        let kind = self.token(first);
        let span = start..self.at;
        let line_ended = || self.text[span.clone()].iter().any(|&byte| is_line_end(byte));
        match (kind, self.continues) {
            (_, Continues::No) | (TokenKind::Text | TokenKind::LineComment, _) => {}
            (TokenKind::Space, Continues::InNextLine(mode)) if line_ended() => {
                self.continues = Continues::Here(mode);
            }
            (TokenKind::Space, _) => {}
            _ => self.continues = Continues::No,
        }
        Some(Token { kind, span })
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name_part(byte: u8) -> bool {
    is_tag_part(byte) || byte == b'$'
}

fn is_tag_part(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit()
}

fn is_number_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A byte that a variable's name may have, as in psql.
pub(crate) fn is_variable_part(byte: u8) -> bool {
    is_tag_part(byte)
}

fn is_operator(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{Lexer, TokenKind};

    fn tokens(text: &str) -> Vec<&str> {
        Lexer::new(text, 0).filter(|t| t.kind != TokenKind::Space).map(|t| &text[t.span]).collect()
    }

    fn kinds(text: &str) -> Vec<TokenKind> {
        Lexer::new(text, 0).map(|t| t.kind).filter(|kind| *kind != TokenKind::Space).collect()
    }

    #[test]
    fn boundaries_are_postgresqls() {
        for (text, expected) in [
            ("a<-1", vec!["a", "<", "-", "1"]),
            ("a@-1", vec!["a", "@-", "1"]),
            ("a<--b\n1", vec!["a", "<", "--b", "1"]),
            ("1*/*x*/2", vec!["1", "*", "/*x*/", "2"]),
            ("/*a/*b*/c*/d", vec!["/*a/*b*/c*/", "d"]),
            ("E'a\\'b' 'c'", vec!["E'a\\'b'", "'c'"]),
            ("'a\\' 'b'", vec!["'a\\'", "'b'"]),
            ("E'a'\n 'b\\'c'", vec!["E'a'", "'b\\'c'"]),
            ("E'a' -- x\n 'b\\'c'", vec!["E'a'", "-- x", "'b\\'c'"]),
            ("<+-+0x1e-1", vec!["<", "+", "-", "+", "0x1e", "-", "1"]),
            ("'it''s'", vec!["'it''s'"]),
            ("$$a;b$$ $x$ $$ $x$", vec!["$$a;b$$", "$x$ $$ $x$"]),
            ("$x$ $xx$x$", vec!["$x$ $xx$x$"]),
            ("foo$bar$baz $1", vec!["foo$bar$baz", "$1"]),
            ("a::text", vec!["a", "::", "text"]),
            ("a::\"T\"", vec!["a", "::", "\"T\""]),
            ("a:::'x'", vec!["a", "::", ":'x'"]),
            ("x := 1..2", vec!["x", ":=", "1", "..", "2"]),
            ("1.5e-3 1.e .5 0x1F 1_000", vec!["1.5e-3", "1.e", ".5", "0x1F", "1_000"]),
            ("U&\"d\\0061\" u&'x'", vec!["U&\"d\\0061\"", "u&'x'"]),
            ("\\restrict it's\nSELECT", vec!["\\restrict it's", "SELECT"]),
            ("-- a\rb", vec!["-- a", "b"]),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn variables_are_psqls() {
        assert_eq!(kinds(":'a_1' :\"b\""), [TokenKind::LiteralVariable, TokenKind::NameVariable]);
        assert_eq!(kinds(":'a b'"), [TokenKind::Punctuation, TokenKind::Text]);
        assert_eq!(kinds(":'a''b'"), [TokenKind::Punctuation, TokenKind::Text]);
        assert_eq!(kinds(":''"), [TokenKind::Punctuation, TokenKind::Text]);
        assert_eq!(kinds(":name"), [TokenKind::Punctuation, TokenKind::Word]);
    }
}

//! The semantic checksum of a section.
//!
//! # The rule, format 1
//!
//! SHA-256 over one record per meaning, in order. A record is one byte (its kind), the length of what
//! follows in eight bytes, the least first, and that:
//!
//! | kind | for | content |
//! |---|---|---|
//! | `w` | an unquoted word | with `A`-`Z` as `a`-`z` |
//! | `t` | any other token but a semicolon | its bytes, variables by name |
//! | `;` | one or more semicolons between two of the others | nothing |
//! | `d` | a directive | `commit`, `autocommit`, `batch`, or `when variable=value` |
//!
//! What a token is, [`token`](super::token) says. White space, comments, `\restrict` and `\unrestrict` are
//! no records; nor are semicolons before the first and after the last of the others, nor the directives
//! that only say how long to wait, how much at once, or what to see: `timeout`, `batch`'s size and pause,
//! `idempotent`, marks. Line ends are `\n` and a byte-order mark is gone before any of this.
//!
//! The files in `tests/checksum` pin it: whoever changes a value there changes the format's number.

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::directive::Directive;
use super::scan::{Lexeme, Scanner};
use super::token::{Token, TokenKind};
use crate::problem::{Problem, Source, Span};

/// A section's checksum and the number of the rule by which it was made. Printed as `1:<hex>`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Checksum {
    format: u16,
    bytes: [u8; 32],
}

impl Checksum {
    /// The rule that this version of limbeck applies. It reads and keeps others, but cannot compare them
    /// with a file.
    pub const FORMAT: u16 = 1;

    /// The checksum of a whole source, taken as one section: a downgrade from the journal, say.
    ///
    /// # Errors
    /// For a string or comment without end, and a malformed directive.
    pub fn of(source: &Arc<Source>) -> Result<Self, Problem> {
        let all = 0..source.text().len();
        Scanner::new(source, all.clone()).try_for_each(|lexeme| lexeme.map(drop))?;
        Ok(Self::of_part(source, all))
    }

    /// The checksum of a part that was scanned before and had no errors.
    pub(crate) fn of_part(source: &Arc<Source>, part: Span) -> Self {
        let mut records = Records::default();
        for lexeme in Scanner::new(source, part).flatten() {
            match lexeme {
                Lexeme::Token(token) => records.token(source.text(), &token),
                Lexeme::Directive(directive) => records.directive(&directive.value),
            }
        }
        Self { format: Self::FORMAT, bytes: records.hash.finalize().into() }
    }

    /// The number of the rule.
    pub fn format(&self) -> u16 {
        self.format
    }

    /// SHA-256's 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.format)?;
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        self.bytes.iter().try_for_each(|byte| {
            f.write_char(digit(byte >> 4))?;
            f.write_char(digit(byte & 15))
        })
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

/// A text that is no checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAChecksum;

impl fmt::Display for NotAChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a checksum is a format's number, `:` and 64 hexadecimal digits")
    }
}

impl std::error::Error for NotAChecksum {}

impl FromStr for Checksum {
    type Err = NotAChecksum;

    fn from_str(text: &str) -> Result<Self, NotAChecksum> {
        let (format, hex) = text.split_once(':').ok_or(NotAChecksum)?;
        let format = format.parse().map_err(|_| NotAChecksum)?;
        let plain = hex.len() == 64 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate().filter(|_| plain) {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| NotAChecksum)?;
        }
        if plain { Ok(Self { format, bytes }) } else { Err(NotAChecksum) }
    }
}

#[derive(Default)]
struct Records {
    hash: Sha256,
    semicolon: Semicolon,
}

/// Whether a semicolon waits for something to follow it.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Semicolon {
    /// Nothing is recorded yet, so that none counts.
    #[default]
    Leading,
    No,
    Waits,
}

impl Records {
    fn record(&mut self, kind: u8, content: &[u8]) {
        if self.semicolon == Semicolon::Waits {
            self.semicolon = Semicolon::No;
            self.record(b';', b"");
        }
        self.semicolon = Semicolon::No;
        self.hash.update([kind]);
        self.hash.update((content.len() as u64).to_le_bytes());
        self.hash.update(content);
    }

    fn token(&mut self, text: &str, token: &Token) {
        let text = &text[token.span.clone()];
        match token.kind {
            TokenKind::Punctuation if text == ";" => {
                if self.semicolon == Semicolon::No {
                    self.semicolon = Semicolon::Waits;
                }
            }
            TokenKind::Word => self.record(b'w', text.to_ascii_lowercase().as_bytes()),
            _ => self.record(b't', text.as_bytes()),
        }
    }

    fn directive(&mut self, directive: &Directive) {
        match directive {
            Directive::Commit => self.record(b'd', b"commit"),
            Directive::Autocommit(_) => self.record(b'd', b"autocommit"),
            Directive::Batch(_) => self.record(b'd', b"batch"),
            Directive::Rust => self.record(b'd', b"rust"),
            Directive::When(when) => {
                self.record(b'd', format!("when {}={}", when.variable, when.value).as_bytes());
            }
            Directive::Timeout(_) | Directive::Mark(_) => {}
            // They stand between sections and so in none.
            Directive::Upgrade | Directive::Downgrade | Directive::Irreversible(_) => {}
        }
    }
}

//! The lexer and what rests on it take any text: no panic, every byte in one token, linear time.

use std::time::{Duration, Instant};

use limbeck_core::Source;
use limbeck_core::revision::Revision;
use limbeck_core::sql::token::{Lexer, Token};
use limbeck_core::sql::{Checksum, Script, classify};
use proptest::prelude::*;

/// What means something to the lexer or what rests on it.
const PIECES: &[&str] = &[
    "'",
    "''",
    "E'",
    "\\",
    "\"",
    "U&\"",
    "$$",
    "$a$",
    "$",
    "--",
    "/*",
    "*/",
    "\n",
    "\r",
    " ",
    ":",
    "::",
    ":'x'",
    ":\"y\"",
    "[",
    "]",
    "(",
    ")",
    ";",
    "-- limbeck:upgrade\n",
    "-- limbeck:downgrade\n",
    "-- limbeck:when a=b\n",
    "-- revision: a\n",
    "create ",
    "function ",
    "rule ",
    "begin atomic ",
    "case ",
    "end ",
    "é",
    "1.e-",
    "+-",
    "@",
    "\\restrict x\n",
    "alter table a ",
    "detach partition ",
    ".",
    "reindex (",
    "concurrently ",
    "\u{0}",
    "copy a from stdin;",
    "a",
];

/// Text made of pieces.
fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

fn covers_all(text: &str) {
    let mut at = 0;
    for Token { span, .. } in Lexer::new(text, 0) {
        assert_eq!(span.start, at);
        assert!(span.end > at && text.is_char_boundary(span.end), "{span:?} in {text:?}");
        at = span.end;
    }
    assert_eq!(at, text.len());
}

fn read_all(text: &str) {
    let source = Source::new("x.sql", text);
    let _ = Script::parse(&source).map(|script| script.statements().for_each(|s| drop(s.headline(20))));
    let _ = Checksum::of(&source);
    let _ = classify(text);
    if let Ok(revision) = Revision::parse(&source) {
        let _ = (revision.upgrade_script(), revision.downgrade_script());
        let _ = (revision.upgrade_checksum(), revision.downgrade_checksum());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_covered(text in any::<String>()) {
        covers_all(&text);
        read_all(&text);
    }

    #[test]
    fn hostile_text_is_covered(text in hostile()) {
        covers_all(&text);
        read_all(&text);
    }
}

#[test]
fn long_runs_take_linear_time() {
    for piece in [
        "+-",
        "$",
        "$a",
        ":'a",
        "'",
        "/*",
        "((",
        "E'\\",
        "-",
        "\\",
        "begin atomic ",
        "a.",
        "$a$ ",
        "@-",
        "1e",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let before = Instant::now();
        covers_all(&text);
        read_all(&text);
        // A quadratic step would take minutes; the bound leaves room for a busy machine without optimiser.
        assert!(before.elapsed() < Duration::from_secs(60), "{piece:?} took {:?}", before.elapsed());
    }
}

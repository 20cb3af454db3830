//! The checksum: what does not change it and what does. `revision_files.rs` has its pinned values.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use limbeck_core::Source;
use limbeck_core::sql::Checksum;
use proptest::prelude::*;

fn sum(sql: &str) -> Checksum {
    Checksum::of(&Source::new("x.sql", sql)).unwrap()
}

#[test]
fn what_means_nothing_does_not_count() {
    let plain = "CREATE TABLE a (x int DEFAULT 1); SELECT 'x';";
    for same in [
        "create Table A(x INT default 1);select 'x'",
        "\u{feff}CREATE TABLE a (x int DEFAULT 1);\r\nSELECT 'x';\r\n",
        "-- a remark\nCREATE /* x /* y */ */ TABLE a (x int -- z\n DEFAULT 1);;\n;SELECT 'x';;",
        "\\restrict abc\nCREATE TABLE a (x int DEFAULT 1); SELECT 'x'; \\unrestrict abc",
        "-- limbeck:timeout lock=5s\n-- limbeck:unproved\nCREATE TABLE a (x int DEFAULT 1); SELECT 'x';",
    ] {
        assert_eq!(sum(plain), sum(same), "{same}");
    }
    assert_eq!(sum(""), sum(" ; -- nothing\n;"));
    let batch = |how: &str| sum(&format!("-- limbeck:batch {how}\nDELETE FROM a LIMIT :'batch';"));
    assert_eq!(batch("size=1"), batch("size=5000 pause=1s"));
    let idempotent = "-- limbeck:autocommit idempotent\nVACUUM;";
    assert_eq!(sum(idempotent), sum("-- limbeck:autocommit\nVACUUM;"));
}

#[test]
fn what_means_something_counts() {
    let texts = [
        "SELECT a; SELECT b;",
        "SELECT a SELECT b",
        "SELECT a;\n-- limbeck:commit\nSELECT b;",
        "SELECT a;\n-- limbeck:autocommit\nSELECT b;",
        "SELECT a;\n-- limbeck:when x=1\nSELECT b;",
        "SELECT a;\n-- limbeck:when x=2\nSELECT b;",
        "SELECT a;\n-- limbeck:batch size=1\nSELECT b;",
        "SELECT \"a\"; SELECT b;",
        "SELECT \"A\"; SELECT b;",
        "SELECT 'a'; SELECT b;",
        "SELECT 'A'; SELECT b;",
        "SELECT ' a'; SELECT b;",
        "SELECT E'a'; SELECT b;",
        "SELECT $$a$$; SELECT b;",
        "SELECT :'a'; SELECT b;",
        "SELECT :\"a\"; SELECT b;",
        "SELECT a; SELECT - - b;",
        "SELECT a; SELECT b 'commit';",
        "SELECT ab; SELECT b;",
        "SELECT a b;",
        "SELECT É; SELECT b;",
        "SELECT é; SELECT b;",
    ];
    for (at, one) in texts.iter().enumerate() {
        for other in &texts[at + 1..] {
            assert_ne!(sum(one), sum(other), "{one} and {other}");
        }
    }
}

#[test]
fn printed_and_read_back() {
    let one = sum("SELECT 1");
    let text = one.to_string();
    assert!(text.starts_with("1:") && text.len() == 66, "{text}");
    assert_eq!(text.parse::<Checksum>().unwrap(), one);
    let newer = format!("2{}", &text[1..]).parse::<Checksum>().unwrap();
    assert_eq!((newer.format(), newer != one), (2, true));
    for bad in ["", "1:", "1:xyz", &text[2..], &text[..65], &format!("{text}0"), "x:00"] {
        assert!(bad.parse::<Checksum>().is_err(), "{bad}");
    }
}

const TOKENS: &[&str] = &[
    "SELECT", "a", "\"a\"", "'a b'", "'--'", "$$ ; $$", "1.5", "$1", "(", ")", ",", "=", "::", "<", "->>",
    ":'v'", ";", "[", "B'1'",
];

const BLANKS: &[&str] =
    &[" ", "\n", "\t", "\r\n", "/* b */", "/* a /* b */ ; */", "-- it's\n", "  \n\n-- $$\n ", "\u{c}"];

fn tokens() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(TOKENS), 1..20)
}

fn joined(tokens: &[&str], blanks: &[&str]) -> String {
    tokens.iter().zip(blanks.iter().cycle()).flat_map(|(token, blank)| [*token, " ", *blank]).collect()
}

proptest! {
    #[test]
    fn blanks_and_comments_between_tokens_do_not_count(
        tokens in tokens(),
        blanks in prop::collection::vec(prop::sample::select(BLANKS), 20),
    ) {
        prop_assert_eq!(sum(&joined(&tokens, &[" "])), sum(&joined(&tokens, &blanks)));
    }

    #[test]
    fn another_token_counts(tokens in tokens(), at in any::<prop::sample::Index>()) {
        let at = at.index(tokens.len());
        let mut changed = tokens.clone();
        changed[at] = "changed";
        prop_assert_ne!(sum(&joined(&tokens, &[" "])), sum(&joined(&changed, &[" "])));
    }
}

//! What statements take away: `tests/sql_destroys.txt`, a statement per paragraph with what it does below.

use limbeck_core::sql::destroys::{Dropped, destroys, makes};
use proptest::prelude::*;

#[test]
fn statements_and_what_they_take_away() {
    let cases = include_str!("sql_destroys.txt");
    let mut wrong = Vec::new();
    for case in cases.split("\n\n").map(str::trim).filter(|case| !case.is_empty()) {
        let lines = || case.lines().filter(|line| !line.starts_with('#'));
        let sql: Vec<&str> = lines().filter(|line| !line.starts_with("=> ")).collect();
        let expected: Vec<&str> = lines().filter_map(|line| line.strip_prefix("=> ")).collect();
        let seen: Vec<String> = destroys(&sql.join("\n")).iter().map(ToString::to_string).collect();
        if seen != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  but was  {seen:?}", sql.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_revisions_make_is_known() {
    let made = makes;
    assert_eq!(made("CREATE SCHEMA IF NOT EXISTS Billing"), Some((Dropped::Schema, "billing".to_owned())));
    assert_eq!(made("create schema authorization app"), Some((Dropped::Schema, "app".to_owned())));
    assert_eq!(made("CREATE EXTENSION \"uuid-ossp\""), Some((Dropped::Extension, "uuid-ossp".to_owned())));
    assert_eq!(made("CREATE TABLE schema (id int)"), None);
}

proptest! {
    /// Whatever stands there, it is read without a panic, and to the end.
    #[test]
    fn any_text_is_read(sql in "(DROP|ALTER|TABLE|TRUNCATE|COLUMN|DELETE|FROM|MERGE|RENAME|TO|TYPE|CASCADE|ONLY|[a-z\"'$;,.()*:\\PC ]){0,40}") {
        let _ = destroys(&sql);
    }
}

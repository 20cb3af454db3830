//! Tests as data: every `<case>.sql` or `<case>.rs` of a folder beside the text that is expected of it, `<case>.txt`.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

/// What `LIMBECK_BLESS=1` does to an expected text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It becomes what the test got; read the difference before committing it.
    Blessable,
    /// It is written only where there is none yet: it has left the house.
    Pinned,
}

/// Runs `answer` on every case of `tests/<folder>`, given its name and text, and compares.
pub(crate) fn check_cases(folder: &str, expected: Expected, answer: impl Fn(&str, &str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let cases = cases(&folder);
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case, expected, &answer)).collect();
    assert!(wrong.is_empty(), "{}\n{} of {} cases", wrong.join("\n"), wrong.len(), cases.len());
}

/// The `.sql` and `.rs` files of a folder, sorted.
pub(crate) fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "sql" || end == "rs")).collect();
    cases.sort();
    cases
}

fn check(case: &Path, expected: Expected, answer: &impl Fn(&str, &str) -> String) -> Option<String> {
    let name = case.file_name().unwrap().to_str().unwrap();
    let got = answer(name, &fs::read_to_string(case).unwrap());
    let expected_at = case.with_extension("txt");
    let may_write = expected == Expected::Blessable || !expected_at.exists();
    if may_write && std::env::var_os("LIMBECK_BLESS").is_some() {
        fs::write(&expected_at, format!("{got}\n")).unwrap();
    }
    let expected = fs::read_to_string(&expected_at).unwrap_or_default();
    (got.trim_end() != expected.trim_end())
        .then(|| format!("{name}\n--- expected\n{expected}\n--- got\n{got}\n"))
}

//! Every command has its page and its cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_limbeck")).args(arguments).output().expect("limbeck runs");
    assert!(output.status.success(), "limbeck {arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The commands that `limbeck --help` lists.
fn verbs() -> Vec<String> {
    let page = help(&["--help"]);
    let lines =
        page.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(Into::into)
        .collect()
}

/// All cases in one text.
fn cases(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .map(|path| if path.is_dir() { cases(&path) } else { fs::read_to_string(path).expect("a case") })
        .collect()
}

#[test]
fn every_command_has_a_page() {
    let pages: BTreeSet<String> = fs::read_dir(Path::new(CASES).join("help"))
        .expect("pages")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().replace(".txt", ""))
        .filter(|name| name != "limbeck")
        .collect();
    assert_eq!(pages, verbs().into_iter().collect(), "one file of tests/cases/help per command");
}

#[test]
fn every_option_says_what_it_does() {
    for verb in verbs() {
        let page = help(&[&verb, "-h"]);
        for line in page.lines().filter(|line| line.trim_start().starts_with('-')) {
            let (_, meaning) = line.trim_start().split_once("  ").unwrap_or_default();
            assert!(!meaning.trim().is_empty(), "limbeck {verb}: {line}");
        }
    }
}

/// `start` and `wait` have tests of their own.
#[test]
fn every_command_has_a_case() {
    let cases = cases(Path::new(CASES));
    for verb in verbs().iter().filter(|verb| !["start", "wait"].contains(&verb.as_str())) {
        let runs = |line: &str| {
            line.starts_with('$')
                && !line.contains("--help")
                && line.split([' ', ';']).any(|word| word == verb)
        };
        assert!(cases.lines().any(runs), "no case runs `limbeck {verb}`");
    }
}

#[test]
fn the_readme_names_every_command() {
    let readme = include_str!("../../../README.md");
    for verb in verbs() {
        let named = ["`", " "].iter().any(|end| readme.contains(&format!("`{verb}{end}")));
        assert!(named, "{verb}");
    }
}

#[test]
fn every_check_of_the_doctor_is_explained() {
    let page = include_str!("../../../docs/troubleshooting.md");
    let cases = cases(&Path::new(CASES).join("verbs"));
    let findings = cases.lines().filter_map(|line| line.strip_prefix("| "));
    let is_finding = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|word| ["ok", "note", "warning", "error"].contains(&word))
            && line.contains("  ")
    };
    let checks: BTreeSet<&str> =
        findings.filter(is_finding).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(checks.len() > 15, "the cases of the doctor show few checks: {checks:?}");
    for check in checks {
        assert!(page.contains(&format!("`{check}`")), "docs/troubleshooting.md does not explain `{check}`");
    }
}

//! Core decides and does nothing else: no files, no environment, no clock, no network, no printing, and no
//! dependency that could do it in its place.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every dependency that the library may have. A new one is a decision: it must do no I/O itself.
const DEPENDENCIES: &[&str] = &["proc-macro2", "serde", "sha2", "strsim", "syn"];

/// What no line of the library may contain.
const FORBIDDEN: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::io",
    "std::path",
    "std::time::Instant",
    "std::time::SystemTime",
    "SystemTime",
    "Instant::",
    "env!(",
    "include_str!",
    "println!",
    "eprintln!",
    "print!(",
    "dbg!",
    "tokio",
    // Its name alone is no use of it: models may have its attributes.
    "use sqlx",
    "async fn",
    "unsafe",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_library_does_no_io() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 10, "the sources were not found");
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // `std::{fs, time::Instant}` would hide from the list.
        let forbidden = FORBIDDEN.iter().chain(&["std::{"]);
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            let words = forbidden.clone().filter(|word| line.contains(**word));
            found.extend(words.map(|word| format!("{}:{}: {word}", file.display(), number + 1)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_dependencies_are_known() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let names =
        section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty());
    for name in names.filter(|name| !name.starts_with('#')) {
        assert!(DEPENDENCIES.contains(&name), "{name} is not among the dependencies that core may have");
    }
    for hidden in ["[target.", "[build-dependencies]", "[dependencies."] {
        assert!(!manifest.contains(&format!("\n{hidden}")), "{hidden} would escape this test");
    }
}

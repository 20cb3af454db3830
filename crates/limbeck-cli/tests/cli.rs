//! Transcripts of the command line: every file below `tests/cases` is a test, and needs no Rust.
//!
//! A case runs in a fresh folder, with the shell. `LIMBECK_BLESS=1` writes what was seen into the files; read
//! the difference before you commit it.
//!
//! ```text
//! # Prose, which says what the case is about.
//! % database                      a fresh database, named by DATABASE_URL
//! % project line                  begins with a copy of tests/projects/line (`adapter`: of apps/adapter)
//! @ migrations/versions/a1.sql    writes a file; its lines follow
//! + -- a line of the file
//! $ limbeck heads                 a command of the shell; lines with `> ` go on with it
//! | what it prints                stdout
//! ! what it says                  stderr
//! = 1                             the exit code, where it is not 0
//! ```
//!
//! On the path are `limbeck`, `alembic` (a link to it), PostgreSQL's programs, and the helpers of
//! `cli_support/helpers`. Output passes through `filters`: folders, ids and times that differ from run
//! to run get names. No output may show a password or secret that the case gives (`secrets`). `<id1>` in a command stands for the first generated id of the case.

#[path = "cli_support/case.rs"]
mod case;
#[path = "cli_support/filters.rs"]
mod filters;
#[path = "cli_support/place.rs"]
mod place;
#[path = "cli_support/secrets.rs"]
mod secrets;

use std::path::Path;

use case::{Case, Item};
use filters::Filters;
use place::Place;
use secrets::Secrets;

datatest_stable::harness! {
    { test = transcript, root = "tests/cases", pattern = r"\.txt$" },
}

fn transcript(path: &Path) -> datatest_stable::Result<()> {
    let expected = std::fs::read_to_string(path)?;
    let case = Case::parse(&expected)?;
    let mut place = Place::new(&case)?;
    let mut filters = Filters::new(&expected, place.names());
    let secrets = Secrets::of(&expected);
    let mut seen = String::new();
    for item in &case.items {
        match item {
            Item::Text(line) => seen.push_str(&format!("{line}\n")),
            Item::File { path, text } => {
                place.write(path, text)?;
                seen.push_str(&item.to_string());
            }
            Item::Command(command) => {
                let output = place.run(&filters.reverse(command))?;
                if let Some(secret) = secrets.shown_by(command, &output.all()) {
                    return Err(format!("{command}\nshows the secret {secret}:\n{}", output.all()).into());
                }
                seen.push_str(&item.to_string());
                seen.push_str(&output.transcript(&mut filters));
            }
        }
    }
    if seen == expected {
        return Ok(());
    }
    if std::env::var_os("LIMBECK_BLESS").is_some() {
        std::fs::write(path, seen)?;
        return Ok(());
    }
    Err(format!("{} differs; LIMBECK_BLESS=1 accepts it\n{}", path.display(), difference(&expected, &seen))
        .into())
}

/// The lines that only one of the texts has, in their order, with what stands around them.
fn difference(expected: &str, seen: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), seen.lines().collect());
    let same_at_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - same_at_start;
    let same_at_end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut text = String::new();
    let begin = same_at_start.saturating_sub(3);
    old[begin..same_at_start].iter().for_each(|line| text.push_str(&format!("    {line}\n")));
    old[same_at_start..old.len() - same_at_end]
        .iter()
        .for_each(|line| text.push_str(&format!("-   {line}\n")));
    new[same_at_start..new.len() - same_at_end]
        .iter()
        .for_each(|line| text.push_str(&format!("+   {line}\n")));
    text
}

//! Whole files, good and bad, in `revision_files`, and checksums, in `checksum`. A new case needs no Rust.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use limbeck_core::revision::{Downgrade, Revision};
use limbeck_core::sql::{Quoting, Script, Statement, Values};
use limbeck_core::{Problem, Source};
use squawk_syntax::SourceFile;
use squawk_syntax::ast::AstNode;
use support::Expected;

/// The variables of every case.
fn values() -> Values {
    let mut values = Values::new();
    values.set("environment", "production");
    values.set("tenant", "o'brien");
    values.set("schema", "we\"ird");
    values.declare("unset");
    values
}

#[test]
fn good_files_are_read() {
    support::check_cases("revision_files/ok", Expected::Blessable, |name, text| {
        describe(&Source::new(name, text)).map_err(|problem| format!("{problem:#}")).unwrap()
    });
}

#[test]
fn bad_files_are_explained() {
    support::check_cases("revision_files/bad", Expected::Blessable, |name, text| {
        match describe(&Source::new(name, text)) {
            Ok(description) => format!("NOTHING IS WRONG WITH\n{description}"),
            Err(problem) => format!("[{}] {problem:#}", problem.code().as_str()),
        }
    });
}

fn describe(source: &Arc<Source>) -> Result<String, Problem> {
    let revision = Revision::parse(source)?;
    let mut out = header(&revision);
    for mark in revision.marks() {
        writeln!(out, "mark {} {:?}", mark.value.kind.as_str(), mark.value.text).unwrap();
    }
    let timeouts = revision.timeouts();
    if timeouts.statement.or(timeouts.lock).is_some() {
        writeln!(out, "{timeouts:?}").unwrap();
    }
    out += &script("upgrade", &revision.upgrade_script()?)?;
    out += &match revision.downgrade() {
        Downgrade::Section { .. } => script("downgrade", &revision.downgrade_script()?)?,
        Downgrade::Irreversible { reason, .. } => format!("irreversible: {reason}\n"),
    };
    Ok(out)
}

fn header(revision: &Revision) -> String {
    let header = revision.header();
    let parents: Vec<_> = header.down_revision.iter().map(|id| id.value.as_str()).collect();
    let labels: Vec<_> = header.branch_labels.iter().map(|label| label.value.as_str()).collect();
    let depends_on: Vec<_> = header.depends_on.iter().map(|text| text.value.as_str()).collect();
    let lists = format!("parents {parents:?} labels {labels:?} depends_on {depends_on:?}");
    format!("{:?}\n{} {lists} created {:?}\n", header.message, header.id.value, header.created)
}

fn script(name: &str, script: &Script) -> Result<String, Problem> {
    script.check(&values())?;
    let mut out = format!("== {name}\n");
    for unit in &script.units {
        writeln!(out, "{:?}", unit.kind).unwrap();
        for statement in &unit.statements {
            out += &describe_statement(statement, &unit.bind(&values()))?;
        }
    }
    Ok(out)
}

fn describe_statement(statement: &Statement, values: &Values) -> Result<String, Problem> {
    let mut out = format!("  {:?}\n", statement.kind);
    for condition in &statement.conditions {
        let unmet = if statement.unmet(values)? == Some(&condition.value) { " (unmet)" } else { "" };
        writeln!(out, "    when {}={}{unmet}", condition.value.variable, condition.value.value).unwrap();
    }
    for variable in &statement.variables {
        let quoting = if variable.quoting == Quoting::Name { "name" } else { "literal" };
        writeln!(out, "    {quoting} variable {}", variable.name).unwrap();
    }
    if statement.unmet(values)?.is_some() {
        return Ok(out);
    }
    let rendered = statement.render(values)?;
    if rendered.kind != statement.kind {
        writeln!(out, "    rendered {:?}", rendered.kind).unwrap();
    }
    for line in rendered.sql.lines() {
        writeln!(out, "    | {line}").unwrap();
    }
    Ok(out)
}

/// The values in `checksum/*.txt` are in people's databases: if one changes, the rule has changed, and then
/// `Checksum::FORMAT` must change too.
#[test]
fn checksums_are_pinned() {
    support::check_cases("checksum", Expected::Pinned, |name, text| {
        let revision = Revision::parse(&Source::new(name, text)).unwrap();
        let downgrade = revision.downgrade_checksum().map_or("none".to_owned(), |sum| sum.to_string());
        format!("upgrade {}\ndowngrade {downgrade}", revision.upgrade_checksum())
    });
}

#[test]
fn an_irreversible_revision_says_why() {
    let text = "-- revision: a1\n-- limbeck:upgrade\n-- limbeck:irreversible the rows are gone\n";
    let problem = Revision::parse(&Source::new("a.sql", text)).unwrap().downgrade_script().unwrap_err();
    assert_eq!(format!("{problem:#}"), "a.sql:3:1: revision a1 cannot be undone: the rows are gone");
}

/// What squawk does not know: variables, psql's commands, what no grammar knows, and `E''` constants that
/// go on in the next line (where PostgreSQL 15 agrees with us).
const NOT_SQL: &[&str] = &[
    "variables.sql",
    "restrict.sql",
    "unknown_syntax.sql",
    "example.sql",
    "escapes_go_on_in_the_next_line.sql",
];

fn ours(text: &str) -> Vec<String> {
    let script = Script::parse(&Source::new("x.sql", text)).unwrap();
    script.statements().map(|statement| statement.text().to_owned()).collect()
}

fn squawks(text: &str) -> Vec<String> {
    let statements =
        SourceFile::parse(text).tree().stmts().map(|statement| statement.syntax().text().to_string());
    statements
        .map(|text| text.trim().trim_end_matches(';').trim_end().to_owned())
        .filter(|t| !t.is_empty())
        .collect()
}

/// An independent grammar agrees about where the statements of the good files end.
#[test]
fn squawk_splits_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/revision_files/ok");
    for case in support::cases(&folder) {
        let name = case.file_name().unwrap().to_str().unwrap();
        if NOT_SQL.contains(&name) {
            continue;
        }
        let revision = Revision::parse(&Source::new(name, &fs::read_to_string(&case).unwrap())).unwrap();
        for text in [Some(revision.upgrade_text()), revision.downgrade_text()].into_iter().flatten() {
            assert_eq!(ours(text), squawks(text), "{name}");
        }
    }
}

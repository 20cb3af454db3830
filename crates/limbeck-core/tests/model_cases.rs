//! Rust models, good and bad, in `model_cases`. A new case needs no Rust but its own: a `.rs` file, which may hold
//! several, each after a line `// file: name.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use std::fmt::Write;
use std::sync::Arc;

use limbeck_core::Source;
use limbeck_core::model::{self, ModelOptions, Models, Naming, Unlisted, WriteOptions};
use limbeck_core::schema::{Column, Entry, Nullability, Object, Table};
use support::Expected;

/// A first line `// options: ...` says how the case is read.
fn options(text: &str) -> ModelOptions {
    let mut options = ModelOptions::default();
    let line = text.lines().next().and_then(|line| line.strip_prefix("// options:")).unwrap_or_default();
    for word in line.split_whitespace() {
        match word.split_once('=') {
            Some(("schema", schema)) => options.default_schema = schema.to_owned(),
            Some((key, template)) => options.naming.set(key, template).unwrap(),
            None if word == "no-comments" => options.comments = false,
            None if word == "models-only" => options.unlisted = Unlisted::Refused,
            None => panic!("{word} is no option"),
        }
    }
    options
}

fn sources(name: &str, text: &str) -> Vec<Arc<Source>> {
    let mut parts = text.split("// file: ");
    let first = parts.next().unwrap();
    let mut sources = Vec::new();
    if first.contains("derive") {
        sources.push(Source::new(name, first));
    }
    for part in parts {
        let (name, text) = part.split_once('\n').unwrap();
        sources.push(Source::new(name.trim(), text));
    }
    sources
}

#[test]
fn good_models_are_read() {
    support::check_cases("model_cases/ok", Expected::Blessable, |name, text| {
        match model::read(&sources(name, text), &options(text)) {
            Ok(models) => describe(&models),
            Err(problems) => format!("PROBLEMS\n{}", explain(&problems)),
        }
    });
}

#[test]
fn bad_models_are_explained() {
    support::check_cases("model_cases/bad", Expected::Blessable, |name, text| {
        match model::read(&sources(name, text), &options(text)) {
            Ok(models) => format!("NOTHING IS WRONG WITH\n{}", describe(&models)),
            Err(problems) => explain(&problems),
        }
    });
}

/// What `models pull` would write of a database like these models.
#[test]
fn models_are_written() {
    support::check_cases("model_cases/written", Expected::Blessable, |name, text| {
        let models = model::read(&sources(name, text), &options(text)).unwrap();
        let written = model::write(&models.schema, &WriteOptions::default());
        let files = written.rust.iter().chain(&written.sql);
        files.map(|(name, text)| format!("// file: {name}\n{text}\n")).collect()
    });
}

fn explain(problems: &[limbeck_core::Problem]) -> String {
    problems.iter().map(|problem| format!("{problem:#}\n")).collect()
}

fn describe(models: &Models) -> String {
    let mut out = String::new();
    for (id, entry) in &models.schema.objects {
        writeln!(out, "{id}").unwrap();
        entry_lines(entry, &mut out);
    }
    for rename in &models.renames {
        let part = rename.part.as_ref().map_or(String::new(), |part| format!(" {part:?}"));
        writeln!(out, "renamed: {}{part} from {:?} at {}", rename.id, rename.from, rename.place).unwrap();
    }
    for outside in &models.outside {
        writeln!(out, "outside: {} at {}", outside.table, outside.place).unwrap();
    }
    out
}

fn entry_lines(entry: &Entry, out: &mut String) {
    match &entry.object {
        Object::Table(table) => table_lines(table, out),
        Object::Enum(object) => writeln!(out, "  {}", object.values.join(" | ")).unwrap(),
        Object::Index(index) => {
            let unique = if index.unique { "unique " } else { "" };
            writeln!(out, "  {unique}{} {:?}", index.definition, index.columns).unwrap();
        }
        Object::Constraint(constraint) => {
            let valid = if constraint.validated { "" } else { " NOT VALID" };
            writeln!(out, "  {}{valid} {:?}", constraint.definition, constraint.columns).unwrap();
            if let Some(index) = &constraint.index {
                writeln!(out, "  index {index}").unwrap();
            }
        }
        other => writeln!(out, "  {other:?}").unwrap(),
    }
    if let Some(comment) = &entry.comment {
        writeln!(out, "  comment {comment:?}").unwrap();
    }
    for need in &entry.needs {
        let by = need.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
        writeln!(out, "  needs {}{by}", need.on).unwrap();
    }
}

fn table_lines(table: &Table, out: &mut String) {
    for column in &table.columns {
        writeln!(out, "  {}", column_line(column)).unwrap();
    }
    let bare = Table { columns: Vec::new(), ..table.clone() };
    if bare != Table::new(Vec::new()) {
        writeln!(out, "  {bare:?}").unwrap();
    }
}

fn column_line(column: &Column) -> String {
    let mut line = format!("{} {}", column.name, column.data_type);
    if column.nullability == Nullability::NotNull {
        line += " NOT NULL";
    }
    if let Some(default) = &column.default {
        write!(line, " DEFAULT {default}").unwrap();
    }
    if let Some(comment) = &column.comment {
        write!(line, " COMMENT {comment:?}").unwrap();
    }
    for (name, value) in [
        ("collation", format!("{:?}", column.collation)),
        ("generated", format!("{:?}", column.generated)),
        ("identity", format!("{:?}", column.identity)),
        ("storage", format!("{:?}", column.storage)),
        ("compression", format!("{:?}", column.compression)),
        ("statistics", format!("{:?}", column.statistics)),
    ] {
        if value != "None" {
            write!(line, " {name} {value}").unwrap();
        }
    }
    if !column.options.is_empty() {
        write!(line, " options {:?}", column.options).unwrap();
    }
    if column.inherited {
        line += " (inherited)";
    }
    line
}

/// `docs/models.md` has a row for every key of every attribute, and no other rows.
#[test]
fn the_reference_is_complete() {
    let docs = include_str!("../../../docs/models.md");
    for context in model::CONTEXTS {
        let name = context.name;
        let section = [format!("\n## `#[{name}(...)]`\n"), format!("\n## `{name}(...)`\n")]
            .iter()
            .find_map(|heading| docs.split_once(heading.as_str()))
            .unwrap_or_else(|| panic!("no section on {name}"))
            .1;
        let section = section.split("\n## ").next().unwrap();
        let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
        let rows: Vec<String> = section.lines().filter_map(row).collect();
        let keys: Vec<_> = context.keys.iter().map(|key| key.name).collect();
        assert_eq!(rows, keys, "{name}");
    }
}

#[test]
fn the_references_example_is_read() {
    let docs = include_str!("../../../docs/models.md");
    let example = docs.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let models = model::read(&[Source::new("docs/models.md", example)], &ModelOptions::default()).unwrap();
    assert!(models.schema.objects.len() > 5);
}

/// A template of another project's naming convention does not need a file of its own.
#[test]
fn naming_templates_are_checked() {
    let mut naming = Naming::default();
    assert!(naming.set("ix", "ix_%(column_0_label)s").is_ok());
    assert!(naming.set("ix", "%(column)s").is_err());
}

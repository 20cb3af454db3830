//! The reader of models takes any tokens: it answers, with values or problems, and never panics.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use limbeck_core::Source;
use limbeck_core::model::{self, ModelOptions, WriteOptions};
use limbeck_core::schema::{
    Column, Entry, Enum, Index, Kind, Name, Nullability, Object, ObjectId, Schema, Table,
};
use proptest::prelude::*;

/// Words that mean something to the reader, and some that do not.
const WORDS: &[&str] = &[
    "#[derive(Table)]",
    "#[derive(limbeck::Enum)]",
    "#[table(",
    "#[column(",
    "#[sqlx(",
    "#[cfg(x)]",
    ")]",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    ",",
    "=",
    "-",
    ".",
    ":",
    "::",
    ";",
    "struct",
    "enum",
    "union",
    "type",
    "mod",
    "use",
    "fn",
    "macro_rules!",
    "T",
    "A",
    "id",
    "i32",
    "Vec<",
    "Option<",
    "String",
    "'a",
    "&",
    "1",
    "0.5",
    "true",
    "\"a\"",
    "\"\"",
    "\"t(a)\"",
    "\"a desc\"",
    "\"(\"",
    "\"é\"",
    "name",
    "index",
    "unique",
    "references",
    "primary_key",
    "identity",
    "where",
    "check",
    "columns",
    "policy",
    "exclude",
    "default",
    "renamed_from",
    "with",
    "#",
    "$",
    "!",
    "/// doc\n",
    "é",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..60).prop_map(|words| words.join(" "))
}

/// Attributes' arguments in a struct that is fine but for them.
fn arguments() -> impl Strategy<Value = String> {
    (prop::collection::vec(prop::sample::select(WORDS), 0..12), any::<bool>()).prop_map(|(words, on_field)| {
        let words = words.join(" ");
        let (of_table, of_column) = if on_field { (String::new(), words) } else { (words, String::new()) };
        format!("#[derive(Table)] #[table({of_table})] struct A {{ #[column({of_column})] id: i32, a: String }}")
    })
}

/// A name as PostgreSQL takes it: anything at all.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,8}",
        "[A-Za-z0-9 ._\"'$-]{1,12}",
        "\\PC{1,6}",
        Just("type".to_owned()),
        Just("self".to_owned())
    ]
}

fn schema() -> impl Strategy<Value = Schema> {
    let columns = prop::collection::btree_set(name(), 1..6);
    let table = (name(), columns, prop::option::of("\\PC{0,20}"));
    let tables = prop::collection::vec(table, 0..5);
    let values = prop::collection::btree_set(name(), 1..5);
    (tables, prop::collection::vec((name(), values), 0..3)).prop_map(|(tables, enums)| {
        let mut schema = Schema::default();
        for (name, values) in enums {
            let id = ObjectId::relation(Kind::Enum, &Name::new("public", format!("e{name}")));
            schema.objects.insert(id, Entry::new(Enum { values: values.into_iter().collect() }));
        }
        for (name, columns, comment) in tables {
            let table = Name::new("public", format!("t{name}"));
            let mut index = Vec::new();
            let mut made = Vec::new();
            for column in columns {
                let mut value = Column::new(column.clone(), "integer");
                value.nullability = Nullability::NotNull;
                value.comment = comment.clone().filter(|text| !text.is_empty());
                made.push(value);
                index.push(Some(column));
            }
            let list = index.iter().flatten().map(|column| limbeck_core::ddl::quote::ident(column));
            let definition = format!("USING btree ({})", list.collect::<Vec<_>>().join(", "));
            let index = Index {
                unique: false,
                definition,
                valid: true,
                only: false,
                columns: index,
                statistics: Default::default(),
            };
            schema.objects.insert(ObjectId::relation(Kind::Table, &table), Entry::new(Table::new(made)));
            let id = ObjectId::of(Kind::Index, &table, format!("i{name}"));
            schema.objects.insert(id, Entry::new(index));
        }
        schema
    })
}

fn read(text: &str) {
    let source = Source::new("any.rs", text);
    if let Err(problems) = model::read(&[source], &ModelOptions::default()) {
        assert!(!problems.is_empty());
        for problem in problems {
            assert!(problem.place().is_some(), "{problem}");
            _ = format!("{problem:#}");
        }
    }
}

proptest! {
    #[test]
    fn any_tokens_are_answered(text in soup()) {
        read(&text);
    }

    #[test]
    fn any_arguments_are_answered(text in arguments()) {
        read(&text);
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}") {
        read(&text);
    }

    /// Whatever names there are: what is written as Rust reads as the same; the rest is in SQL.
    #[test]
    fn what_is_written_is_read(schema in schema()) {
        let written = model::write(&schema, &WriteOptions::default());
        let sources: Vec<_> = written.rust.iter().map(|(name, text)| Source::new(name.as_str(), text)).collect();
        let models = model::read(&sources, &WriteOptions::default().models).unwrap();
        let sql: String = written.sql.iter().map(|(_, text)| text.as_str()).collect();
        for (id, entry) in &schema.objects {
            match models.schema.objects.get(id) {
                Some(back) => prop_assert_eq!(&back.object, &entry.object),
                None => prop_assert!(!sql.is_empty(), "{} is lost", id),
            }
        }
        let made = |object: &&Entry| matches!(object.object, Object::Table(_));
        prop_assert_eq!(models.schema.objects.values().filter(made).count(), schema.objects.values().filter(made).count());
    }
}

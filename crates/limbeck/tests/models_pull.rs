//! `models pull`: a database becomes Rust models and SQL files, and these a database again. Both are equal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "catalog_support/mod.rs"]
#[expect(dead_code, reason = "this file uses a part of it")]
mod support;

use std::sync::Arc;

use limbeck::catalog::{self, Filter};
use limbeck::core::model::{self, WriteOptions, WrittenModels};
use limbeck::core::schema::{Object, Schema, Table};
use limbeck::core::{Source, ddl};
use limbeck::local::Server;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::{Case, Loaded, Place};

#[tokio::test]
async fn cases_come_back() {
    come_back(&support::cases(15)).await;
}

/// The last state of each project, and some on the way.
#[tokio::test]
async fn conformance_states_come_back() {
    let mut states = support::conformance_states();
    let last = states.pop().unwrap();
    let mut chosen: Vec<Case> = states.into_iter().step_by(30).collect();
    chosen.push(last);
    come_back(&chosen).await;
}

async fn come_back(cases: &[Case]) {
    let place = support::server_of(15).await;
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        if let Err(what) = comes_back(&place, case, number).await {
            wrong.push(format!("{}: {what}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

async fn comes_back(place: &Place, case: &Case, number: usize) -> Result<(), String> {
    let Place::Server(server) = place else { return Err("15 is a server of its own".to_owned()) };
    let loaded = Loaded::new(place, &case.sql).await?;
    let schema = loaded.read(&Filter::default(), &[]).await.schema;
    loaded.drop().await;
    let written = model::write(&schema, &WriteOptions::default());
    only_the_unsayable_is_sql(&schema, &written)?;
    let pulled = load(server, statements(&written)?, &format!("pulled_{number}")).await?;
    if pulled == schema {
        return Ok(());
    }
    // Expressions may print differently once more.
    let one = load(server, ddl::dump(&schema), &format!("one_{number}")).await?;
    let two = load(server, ddl::dump(&pulled), &format!("two_{number}")).await?;
    difference(&one, &two)
}

/// The statements of the models and those of the SQL files.
fn statements(written: &WrittenModels) -> Result<Vec<String>, String> {
    let source = |(name, text): &(String, String)| Source::new(name.as_str(), text);
    let sources: Vec<Arc<Source>> = written.rust.iter().map(source).collect();
    let models = model::read(&sources, &WriteOptions::default().models);
    let models = models.map_err(|problems| format!("{:#}", problems[0]))?;
    let mut statements = ddl::dump(&models.schema);
    for (name, text) in &written.sql {
        let script = limbeck::core::sql::Script::parse(&Source::new(name.as_str(), text));
        let script = script.map_err(|problem| format!("{problem:#}"))?;
        statements.extend(script.statements().map(|statement| statement.text().to_owned()));
    }
    Ok(statements)
}

/// A table that is no partition is in Rust; only what attributes have no word for is in SQL.
fn only_the_unsayable_is_sql(schema: &Schema, written: &WrittenModels) -> Result<(), String> {
    let tables = schema.objects.values().filter(|entry| match &entry.object {
        Object::Table(table) => {
            let plain = table.partition_of.is_none() && table.of_type.is_none() && table.server.is_none();
            // A child may differ from its parents in ways that attributes have no word for.
            plain && !table.columns.is_empty() && table.inherits.is_empty() && !in_parts(table)
        }
        _ => false,
    });
    let structs: usize = written.rust.iter().map(|(_, text)| text.matches("\npub struct ").count()).sum();
    if tables.clone().count() <= structs {
        return Ok(());
    }
    let sql: Vec<_> = written.sql.iter().filter(|(name, _)| name.contains("_tables")).collect();
    Err(format!("{} tables, {structs} structs: {sql:#?}", tables.count()))
}

/// Whether a default calls a function that takes the table's own rows.
fn in_parts(table: &Table) -> bool {
    table
        .columns
        .iter()
        .any(|column| column.default.as_ref().is_some_and(|text| text.contains("NULL::public.")))
}

/// Models and SQL files need each other: what fails is tried again after the rest.
async fn load(server: &Server, statements: Vec<String>, database: &str) -> Result<Schema, String> {
    let mut admin = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let create = format!("CREATE DATABASE {database} TEMPLATE template0");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut admin).await.unwrap();
    let mut connection = PgConnection::connect(&server.url(database)).await.unwrap();
    let mut left: Vec<(String, String)> = statements.into_iter().map(|text| (text, String::new())).collect();
    while !left.is_empty() {
        let before = left.len();
        let mut failed = Vec::new();
        for (text, _) in left {
            let statement = format!("SET check_function_bodies = off; {text}");
            if let Err(why) = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await {
                failed.push((text, why.to_string()));
            }
        }
        if failed.len() == before {
            let (text, why) = failed.swap_remove(0);
            return Err(format!("{why}\nin\n{text}"));
        }
        left = failed;
    }
    let schema = catalog::read(&mut connection, &Filter::default()).await.unwrap().schema;
    connection.close().await.unwrap();
    let drop = format!("DROP DATABASE {database}");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut admin).await.unwrap();
    Ok(schema)
}

fn difference(one: &Schema, two: &Schema) -> Result<(), String> {
    let mut lines = String::new();
    for (id, entry) in &one.objects {
        match two.objects.get(id) {
            None => lines += &format!("{id} is missing\n"),
            Some(other) if !entry.says_the_same_as(other) => {
                lines += &format!("{id}\n{entry:?}\n{other:?}\n")
            }
            Some(_) => {}
        }
    }
    for id in two.objects.keys().filter(|id| !one.objects.contains_key(*id)) {
        lines += &format!("{id} is new\n");
    }
    if lines.is_empty() { Ok(()) } else { Err(lines) }
}

//! The models say what the revisions make.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod migrator;

use std::path::Path;

use limbeck::catalog::{self, Filter};
use limbeck::core::model::{self, ModelOptions};
use limbeck::core::schema::{Name, Schema};
use limbeck::core::{Source, ddl};
use limbeck_testdb::TestDb;
use migrator::{ROLES, VERSIONS, migrator};
use sqlx::{AssertSqlSafe, PgConnection};

/// The models' schema as a server prints it.
async fn of_models(connection: &mut PgConnection) -> Schema {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/models");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let sources: Vec<_> = files
        .map(|path| Source::new(path.display().to_string(), &std::fs::read_to_string(&path).unwrap()))
        .collect();
    let models = model::read(&sources, &ModelOptions::default()).unwrap();
    for statement in ddl::dump(&models.schema) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
    schema(connection).await
}

async fn schema(connection: &mut PgConnection) -> Schema {
    let filter =
        Filter::default().without_schema("limbeck").without_table(Name::new("public", "alembic_version"));
    catalog::read(connection, &filter).await.unwrap().schema
}

#[tokio::test]
async fn they_agree_with_the_revisions() {
    let (from_models, from_revisions) = (TestDb::new().await, TestDb::new().await);
    migrator(VERSIONS, ROLES).upgrade(from_revisions.url()).await.unwrap();
    let mut revisions = schema(&mut from_revisions.connect().await).await;
    // Structs say nothing about privileges.
    let of_service = |role: &Option<String>| role.as_deref().is_some_and(|role| ROLES.contains(&role));
    for entry in revisions.objects.values_mut() {
        entry.grants.retain(|grant| !of_service(&grant.grantee));
    }
    // The models name roles that the revisions have made.
    let models = of_models(&mut from_models.connect().await).await;
    let names = |schema: &Schema| schema.objects.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&models), names(&revisions));
    for (id, entry) in &models.objects {
        let other = &revisions.objects[id];
        // The order of columns is not compared.
        let (one, two) = (format!("{entry:#?}"), format!("{other:#?}"));
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&one), sorted(&two), "{id}");
    }
}

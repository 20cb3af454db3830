//! The adapter's first five revisions through the executor, against the schemas that their Alembic originals
//! left behind (`shared/reference`, beside the repository; `LIMBECK_REFERENCE_DIR` names another place). What came
//! later has no original; its downgrade must lead back to them.

use std::path::PathBuf;

use limbeck::{Job, Options, Pace};
use limbeck_testdb::TestDb;

use crate::support::{adapter, down, exec, paced, pg_dump, root, rows, run, shown, up, value};

const REVISIONS: [&str; 5] = ["001", "001b", "002", "003", "004"];

fn reference(revision: &str) -> String {
    let given = std::env::var_os("LIMBECK_REFERENCE_DIR").filter(|value| !value.is_empty());
    let folder = given.map_or_else(|| root().join("../shared/reference"), PathBuf::from);
    let file = folder.join(format!("schema_{revision}.sql"));
    std::fs::read_to_string(&file).unwrap_or_else(|why| {
        panic!(
            "the reference schemas are missing: {}: {why}. They are kept beside the repository, in \
             shared/reference; LIMBECK_REFERENCE_DIR may name another folder.",
            file.display()
        )
    })
}

/// The schema as the references were written down: comments, settings and empty lines go, and limbeck's
/// own tables.
async fn dump(db: &TestDb) -> String {
    let arguments = [
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        "--exclude-schema=limbeck",
        "--exclude-table=alembic_version",
    ];
    let text = pg_dump(db.url(), &arguments).await;
    let noise = ["--", "SET ", "SELECT pg_catalog.set_config"];
    let lines = text.lines().filter(|l| !l.is_empty() && !noise.iter().any(|noise| l.starts_with(noise)));
    // PostgreSQL 18 names NOT NULL constraints, and the name outlives the renaming of the column.
    lines.map(|line| line.replace(" CONSTRAINT tenants_api_key_not_null", "") + "\n").collect()
}

#[tokio::test]
async fn every_revision_leaves_the_reference_schema_up_and_down() {
    for pace in [Pace::Segment, Pace::Statement] {
        let db = TestDb::new().await;
        let migrator = adapter(paced(pace));
        let empty = dump(&db).await;
        for _ in 0..2 {
            for revision in REVISIONS {
                up(&migrator, db.url(), revision).await;
                assert_eq!(dump(&db).await, reference(revision), "up {revision}");
                assert_eq!(rows(db.url()).await, revision);
            }
            up(&migrator, db.url(), "head").await;
            down(&migrator, db.url(), "004").await;
            assert_eq!(dump(&db).await, reference("004"), "down to 004");
            for at in (0..REVISIONS.len()).rev() {
                let below = at.checked_sub(1).map(|at| REVISIONS[at]);
                down(&migrator, db.url(), below.unwrap_or("base")).await;
                let expected = below.map_or_else(|| empty.clone(), reference);
                assert_eq!(dump(&db).await, expected, "down {}", REVISIONS[at]);
                assert_eq!(rows(db.url()).await, below.unwrap_or_default());
            }
        }
    }
}

#[tokio::test]
async fn on_a_database_with_tenants() {
    let db = TestDb::new().await;
    let migrator = adapter(Options::default());
    up(&migrator, db.url(), "001").await;
    let mut connection = db.connect().await;
    exec(
        &mut connection,
        "INSERT INTO tenants (id, name, api_key, created_at) VALUES
         ('00000001-0000-4000-8000-000000000000', 'Acme & Sons', 'k1', '2025-01-01Z'),
         ('00000002-0000-4000-8000-000000000000', 'ACME  sons!', 'k2', '2025-01-02Z'),
         ('00000003-0000-4000-8000-000000000000', '測試', 'k3', '2025-01-03Z')",
    )
    .await;
    up(&migrator, db.url(), "head").await;
    let slugs = "SELECT string_agg(slug, ' ' ORDER BY id) FROM tenants WHERE name <> 'Test Tenant'";
    assert_eq!(value(db.url(), slugs).await, "acme-sons acme-sons-2 tenant-00000003");
    down(&migrator, db.url(), "004").await;
    assert_eq!(dump(&db).await, reference("004"));
    down(&migrator, db.url(), "001").await;
    assert_eq!(dump(&db).await, reference("001"));
    assert_eq!(value(db.url(), "SELECT count(*)::text FROM tenants").await, "3");
}

#[tokio::test]
async fn the_test_tenant_twice() {
    let db = TestDb::new().await;
    let migrator = adapter(Options::default());
    up(&migrator, db.url(), "002").await;
    // As a database that was migrated by hand, or whose version table was lost.
    let stamp = ["001b".to_owned()];
    let outcome = run(&migrator, db.url(), Job::Stamp(&stamp, limbeck::core::plan::Purge::Keep)).await;
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    up(&migrator, db.url(), "002").await;
    let tenants = "SELECT string_agg(concat_ws(' ', name, slug, api_key_hash), ', ') FROM tenants";
    assert_eq!(
        value(db.url(), tenants).await,
        "Test Tenant test-tenant 2688f4e126ca5efd4a60022073e6cd90017626e56c3f30b194d53e6299edfe3c"
    );
}

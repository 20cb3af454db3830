//! The version table while somebody else writes to it, and who may write what.

use limbeck::Job;
use limbeck::core::Code;
use limbeck_testdb::TestDb;

use crate::support::{GATE, Gate, Rev, exec, line, migrator, rows, run, shown, table, until_running, value};

/// Alembic has no lock: it may change the rows in the middle of a revision.
#[tokio::test]
async fn rows_that_another_tool_changes_during_a_run() {
    let db = TestDb::new().await;
    let revs = [
        table("a1", &[]),
        Rev::new("a2", &["a1"], &format!("CREATE TABLE t_a2 (id int);\n{GATE}"), "DROP TABLE t_a2;"),
        table("a3", &["a2"]),
        table("b2", &["a1"]),
    ];
    let migrator = migrator(&revs);
    for (change, found) in [
        ("UPDATE alembic_version SET version_num = 'b2'", "b2"),
        ("INSERT INTO alembic_version VALUES ('b2')", "a2, b2"),
        ("DELETE FROM alembic_version", "no row"),
    ] {
        run(&migrator, db.url(), Job::Upgrade("a1")).await.unwrap();
        let gate = Gate::closed(&db).await;
        let other = async {
            until_running(db.url(), "limbeck a2").await;
            value(db.url(), change).await;
            gate.open().await;
        };
        let (outcome, ()) = tokio::join!(run(&migrator, db.url(), Job::Upgrade("a3")), other);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::DatabaseState, "{}", shown(&error));
        assert!(shown(&error).contains(&format!("it holds {found}")), "{}", shown(&error));
        assert_eq!(value(db.url(), "SELECT to_regclass('t_a2')::text").await, "NULL");
        let mut connection = db.connect().await;
        exec(&mut connection, "DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('a1')").await;
    }
}

#[tokio::test]
async fn a_role_without_the_right_to_create() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    let role = format!("r_{}", db.name());
    exec(&mut connection, &format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
        .await;
    let separator = if db.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}user={role}", db.url());
    let outcome = run(&migrator(&line(&["a1"])), &url, Job::Upgrade("head")).await;
    let error = outcome.unwrap_err();
    let text = shown(&error);
    assert!(
        text.contains("may not create the version table") && text.contains("version_table_schema"),
        "{text}"
    );
    assert_eq!(value(db.url(), "SELECT to_regclass('alembic_version')::text").await, "NULL");
    // With a place for the state, and for its tables, it can.
    exec(
        &mut connection,
        &format!("CREATE SCHEMA limbeck AUTHORIZATION {role}; GRANT CREATE ON SCHEMA public TO {role}"),
    )
    .await;
    run(&migrator(&line(&["a1"])), &url, Job::Upgrade("head"))
        .await
        .unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(rows(db.url()).await, "a1");
}

#[tokio::test]
async fn ensure_version_is_made_once_and_harmless() {
    let db = TestDb::new().await;
    let migrator = migrator(&line(&["a1"]));
    let mut connection = db.connect().await;
    for _ in 0..2 {
        migrator.ensure_version(&mut connection).await.unwrap();
    }
    assert_eq!(rows(db.url()).await, "");
    run(&migrator, db.url(), Job::Upgrade("head")).await.unwrap();
    migrator.ensure_version(&mut connection).await.unwrap();
    assert_eq!(rows(db.url()).await, "a1");
}

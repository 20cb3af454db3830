//! A database that plans are tried on.

use std::sync::Arc;

use limbeck::catalog::{self, Filter};
use limbeck::core::Source;
use limbeck::core::schema::{Name, Schema};
use limbeck::{Cancel, Control, Event, Job, Migrator, Project};
use limbeck_testdb::{TestDb, TestServer};
use sqlx::{AssertSqlSafe, Connection as _};

/// A database to load, migrate and read, which is emptied and used again: making and dropping one takes longer than all
/// the rest.
pub(crate) struct Work {
    pub(crate) db: TestDb,
    empty: Schema,
}

/// The role that owns what is made in such a database, and nothing else.
const OWNER: &str = "worker";

impl Work {
    /// An empty database on a server that [`prepare`] has been called for.
    pub(crate) async fn new(server: &TestServer) -> Self {
        let db = server.create_db().await;
        let empty = read(&db).await;
        let work = Self { db, empty };
        work.load(&format!("ALTER DATABASE {} SET role = {OWNER}", work.db.name())).await.unwrap();
        work
    }

    /// Empties it; otherwise a new one takes its place.
    pub(crate) async fn emptied(self, server: &TestServer) -> Self {
        let dropped = self.load(&format!("DROP OWNED BY {OWNER} CASCADE")).await;
        if dropped.is_ok() && read(&self.db).await == self.empty { self } else { Self::new(server).await }
    }

    /// Runs SQL as it is.
    pub(crate) async fn load(&self, sql: &str) -> Result<(), String> {
        let mut connection = self.db.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
        let _ = connection.close().await;
        done.map(drop).map_err(|error| error.to_string())
    }

    /// Runs the sections by the executor.
    pub(crate) async fn run(&self, migrator: &Migrator, job: Job<'_>) -> Result<(), String> {
        let mut emit = |_: Event<'_>| {};
        let mut control = Control { cancel: Cancel::default(), emit: &mut emit };
        migrator.run(&self.db.url(), job, &mut control).await.map(drop).map_err(|error| format!("{error:#}"))
    }

    /// A project of one revision with these sections.
    pub(crate) fn revision(up: &str, down: &str) -> Result<Migrator, String> {
        let text = format!(
            "-- a plan\n--\n-- revision: plan\n-- down_revision:\n\n-- limbeck:upgrade\n{up}\n-- limbeck:downgrade\n{down}"
        );
        let sources: Vec<Arc<Source>> = vec![Source::new("plan.sql", &text)];
        Project::from_sources(&sources).map(Migrator::new).map_err(|error| format!("{error:#}"))
    }
}

/// Makes the role that [`Work`] needs.
pub(crate) async fn prepare(server: &TestServer) {
    let mut connection = server.connect("postgres").await;
    let role = format!("CREATE ROLE {OWNER} SUPERUSER");
    sqlx::raw_sql(AssertSqlSafe(role)).execute(&mut connection).await.unwrap();
    let _ = connection.close().await;
}

/// What a database holds, apart from limbeck's own tables.
pub(crate) async fn read(db: &TestDb) -> Schema {
    let mut connection = db.connect().await;
    let filter =
        Filter::default().without_schema("limbeck").without_table(Name::new("public", "alembic_version"));
    let read = catalog::read(&mut connection, &filter).await.unwrap_or_else(|error| panic!("{error:#}"));
    let _ = connection.close().await;
    assert!(read.inexpressible.is_empty(), "{:?}", read.inexpressible);
    read.schema
}

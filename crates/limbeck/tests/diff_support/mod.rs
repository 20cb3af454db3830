//! Servers, and databases that plans are tried on.

#[path = "../versions/mod.rs"]
mod versions;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use limbeck::catalog::{self, Filter};
use limbeck::core::Source;
use limbeck::core::diff::Changes;
use limbeck::core::schema::{Name, Schema};
use limbeck::local::{Server, ServerOptions};
use limbeck::{Cancel, Control, Event, Job, Migrator, Options, Project, StateOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::Mutex;
use versions::programs_of;

/// The role that owns what is made in the databases here, and nothing else.
const OWNER: &str = "worker";

/// Where databases are made.
pub(crate) enum TestServer {
    /// A throw-away one.
    Own(Server),
    /// That of a container, by the folder of its socket: `cargo xtask servers`.
    InContainer(String),
}

/// A server of one major version, ready for [`Work`].
pub(crate) async fn server_of(major: u32) -> TestServer {
    let server = match major {
        15 | 16 | 18 => {
            let programs = programs_of(major);
            TestServer::Own(Server::temporary(&programs, ServerOptions::default()).await.unwrap())
        }
        _ => TestServer::InContainer(socket_of(major)),
    };
    let sql = format!(
        "DO $$BEGIN IF to_regrole('{OWNER}') IS NULL THEN CREATE ROLE {OWNER} SUPERUSER; END IF; END$$"
    );
    run(&server.url("postgres"), &sql).await.unwrap();
    server
}

impl TestServer {
    pub(crate) fn url(&self, database: &str) -> String {
        match self {
            Self::Own(server) => server.url(database),
            Self::InContainer(socket) => format!("postgresql://postgres@localhost/{database}?host={socket}"),
        }
    }

    /// Ends one that is thrown away.
    pub(crate) async fn close(self) {
        if let Self::Own(server) = self {
            server.close().await.unwrap();
        }
    }
}

/// The folder of a container's socket.
fn socket_of(major: u32) -> String {
    let name = format!("LIMBECK_TEST_SOCKET_{major}");
    env::var(&name).unwrap_or_else(|_| panic!("{name} names no folder: run `cargo xtask servers`"))
}

/// A database to load, migrate and read, which is emptied and used again: making and dropping one takes longer than all
/// the rest.
pub(crate) struct Work {
    pub(crate) url: String,
    /// Only reads, and knows the server's own catalog from the times before, which is half of the work.
    reader: Mutex<PgConnection>,
    empty: Schema,
}

impl Work {
    /// An empty database.
    pub(crate) async fn new(server: &TestServer) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("work_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = server.url("postgres");
        run(&admin, &format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
        run(&admin, &format!("CREATE DATABASE {name}")).await.unwrap();
        run(&admin, &format!("ALTER DATABASE {name} SET role = {OWNER}")).await.unwrap();
        let url = server.url(&name);
        let mut reader = PgConnection::connect(&url).await.unwrap();
        Self { empty: read(&mut reader).await, reader: Mutex::new(reader), url }
    }

    /// Empties it; otherwise a new one takes its place.
    pub(crate) async fn emptied(self, server: &TestServer) -> Self {
        let dropped = run(&self.url, &format!("DROP OWNED BY {OWNER} CASCADE")).await;
        if dropped.is_ok() && self.read().await == self.empty { self } else { Self::new(server).await }
    }

    /// Runs SQL as it is.
    pub(crate) async fn load(&self, sql: &str) -> Result<(), String> {
        run(&self.url, sql).await
    }

    /// What it holds now.
    pub(crate) async fn read(&self) -> Schema {
        read(&mut *self.reader.lock().await).await
    }

    /// Does a job by the executor.
    pub(crate) async fn migrate(&self, migrator: &Migrator, job: Job<'_>) -> Result<(), String> {
        let mut emit = |_: Event<'_>| {};
        let mut control = Control { cancel: Cancel::default(), emit: &mut emit };
        migrator
            .run(&self.url.as_str(), job, &mut control)
            .await
            .map(drop)
            .map_err(|error| format!("{error:#}"))
    }
}

/// A project of one revision with these sections.
pub(crate) fn revision(up: &str, down: &str) -> Result<Migrator, String> {
    let text = format!(
        "-- a plan\n--\n-- revision: plan\n-- down_revision:\n\n-- limbeck:upgrade\n{up}\n-- limbeck:downgrade\n{down}"
    );
    let sources: Vec<Arc<Source>> = vec![Source::new("plan.sql", &text)];
    let project = Project::from_sources(&sources).map_err(|error| format!("{error:#}"))?;
    // Some minor releases forget a database's own role when a session's authorization is put back.
    let state = StateOptions { role: Some(OWNER.to_owned()), ..StateOptions::default() };
    Ok(Migrator::new(project).with_options(Options { state, ..Options::default() }))
}

/// What is left to do, for a message.
pub(crate) fn left(rest: &Changes) -> String {
    rest.changes.iter().map(|change| format!("\n    {}: {:?}", change.words, change.action)).collect()
}

async fn run(url: &str, sql: &str) -> Result<(), String> {
    let mut connection = PgConnection::connect(url).await.map_err(|error| error.to_string())?;
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
    let _ = connection.close().await;
    done.map(drop).map_err(|error| error.to_string())
}

/// What a database holds, apart from limbeck's own tables.
async fn read(connection: &mut PgConnection) -> Schema {
    let filter =
        Filter::default().without_schema("limbeck").without_table(Name::new("public", "alembic_version"));
    let read = catalog::read(connection, &filter).await.unwrap_or_else(|error| panic!("{error:#}"));
    assert!(read.inexpressible.is_empty(), "{:?}", read.inexpressible);
    read.schema
}

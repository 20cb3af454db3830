//! A fresh PostgreSQL database per test, on a private throw-away server.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let db = limbeck_testdb::TestDb::new().await;
//! let mut connection = db.connect().await;
//! sqlx::query("CREATE TABLE t (id int)").execute(&mut connection).await.unwrap();
//! # }
//! ```
//!
//! All tests of a process share one server ([`TestServer::shared`]), made from the PostgreSQL programs of this
//! machine. It needs no cleaning up: it ends with the process, also when that is killed. A test that stops
//! its server or makes roles starts one of its own ([`TestServer::start`]).
//!
//! Without PostgreSQL programs a test fails, and says what to install: a skipped test proves nothing.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::path::Path;
use std::sync::Arc;

pub use limbeck::local::{Error, Shutdown};
use limbeck::local::{Programs, Server, ServerOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::{Mutex, OnceCell};

/// A throw-away server for tests. Its functions panic when they fail, as a test should.
#[derive(Debug)]
pub struct TestServer {
    server: Option<Server>,
}

impl TestServer {
    /// The server that all tests of this process share, started by the first one that asks.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<TestServer> = OnceCell::const_new();
        SHARED.get_or_init(|| Self::start(None)).await
    }

    /// Starts a server for one test: of this major version, or of the newest that is installed.
    pub async fn start(major: Option<u32>) -> Self {
        Self::start_with(major, &[]).await
    }

    /// As [`TestServer::start`], with further settings, each `name=value`.
    pub async fn start_with(major: Option<u32>, settings: &[&str]) -> Self {
        let options =
            ServerOptions { settings: settings.iter().map(|&setting| setting.to_owned()).collect() };
        let started = async {
            let programs = major.map_or_else(|| Programs::find(None), Programs::of_major)?;
            Server::temporary(&programs, options).await
        };
        Self { server: Some(or_panic("start a PostgreSQL server for tests", started.await)) }
    }

    /// The URL of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        self.server().url(database)
    }

    /// Connects to one of its databases as superuser.
    pub async fn connect(&self, database: &str) -> PgConnection {
        or_panic("connect to the test server", PgConnection::connect(&self.url(database)).await)
    }

    /// The folder of its socket (`psql -h`).
    pub fn socket_dir(&self) -> &Path {
        self.server().socket_dir()
    }

    /// The folder with its programs: `psql`, `pg_dump`, `pgbench`.
    pub fn bin_dir(&self) -> &Path {
        self.server().programs().bin_dir()
    }

    /// Its major version.
    pub fn major(&self) -> u32 {
        self.server().programs().version().major()
    }

    /// The process id of its main process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server().pid()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        or_panic("read the server's log", std::fs::read_to_string(self.server().log_path()))
    }

    /// Stops it as a crash would, keeping its data.
    pub async fn stop_immediately(&mut self) {
        self.stop(Shutdown::Immediate).await;
    }

    /// Stops it, keeping its data.
    pub async fn stop(&mut self, how: Shutdown) {
        let server = self.take().stop(how).await;
        self.server = Some(or_panic("stop the test server", server));
    }

    /// Starts it again; stops it before if it runs.
    pub async fn restart(&mut self) {
        self.stop(Shutdown::Fast).await;
        let server = self.take().start().await;
        self.server = Some(or_panic("restart the test server", server));
    }

    /// Ends it and waits until nothing is left. Dropping it does the same without waiting.
    pub async fn close(mut self) {
        or_panic("end the test server", self.take().close().await);
    }

    /// Makes an empty database on it.
    pub async fn create_db(&self) -> TestDb {
        self.clone_db("template1").await
    }

    async fn clone_db(&self, template: &str) -> TestDb {
        let name = random_name("test");
        self.execute(format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        TestDb { url: self.url(&name), admin_url: self.url("postgres"), name, dropped: false }
    }

    async fn execute(&self, sql: String) {
        execute(&self.url("postgres"), sql).await;
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap_or_else(|| panic!("an earlier stop or restart of this server failed"))
    }

    fn take(&mut self) -> Server {
        self.server.take().unwrap_or_else(|| panic!("an earlier stop or restart of this server failed"))
    }
}

/// A database of one test. Dropping it removes it from the server, in the background.
#[derive(Debug)]
pub struct TestDb {
    name: String,
    url: String,
    admin_url: String,
    dropped: bool,
}

impl TestDb {
    /// An empty database on the shared server.
    ///
    /// # Panics
    ///
    /// When there are no PostgreSQL programs, or the server does not start; the message says what to do.
    pub async fn new() -> Self {
        TestServer::shared().await.create_db().await
    }

    /// A copy of a database that `init` fills once per process and key; copying takes a fraction of the time
    /// of many migrations. A good key is a checksum of what `init` applies.
    ///
    /// # Panics
    ///
    /// As [`TestDb::new`], and when `init` fails.
    pub async fn from_template<E: Display>(key: &str, init: impl AsyncFnOnce(&str) -> Result<(), E>) -> Self {
        let server = TestServer::shared().await;
        let cell = template_cell(key).await;
        let make = async || {
            let name = random_name("template");
            server.execute(format!("CREATE DATABASE {name}")).await;
            or_panic("fill a template database", init(&server.url(&name)).await);
            server.execute(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
            // A connection that `init` let go a moment ago would stand in the way of copying.
            server
                .execute(format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                ))
                .await;
            name
        };
        let template = cell.get_or_init(make).await;
        server.clone_db(template).await
    }

    /// Its URL, for libpq and for sqlx.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Connects to it as superuser.
    pub async fn connect(&self) -> PgConnection {
        or_panic("connect to the test database", PgConnection::connect(&self.url).await)
    }

    /// Removes it now, ending whoever is connected.
    pub async fn drop(mut self) {
        self.dropped = true;
        execute(&self.admin_url, self.removal()).await;
    }

    fn removal(&self) -> String {
        format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if self.dropped {
            return;
        }
        let (url, sql) = (self.admin_url.clone(), self.removal());
        // Best effort: the whole server goes with the process, or has gone with its own value before.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(try_execute(&url, sql)).ok()
        });
    }
}

async fn template_cell(key: &str) -> Arc<OnceCell<String>> {
    static TEMPLATES: OnceCell<Mutex<HashMap<String, Arc<OnceCell<String>>>>> = OnceCell::const_new();
    let templates = TEMPLATES.get_or_init(async || Mutex::default()).await;
    Arc::clone(templates.lock().await.entry(key.to_owned()).or_default())
}

async fn execute(url: &str, sql: String) {
    or_panic("run a statement on the test server", try_execute(url, sql).await);
}

async fn try_execute(url: &str, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    // Only names of our own making are in these statements.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

/// A name that no other test has: the operating system's randomness, by way of the standard library.
fn random_name(prefix: &str) -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{prefix}_{:016x}", RandomState::new().hash_one(prefix))
}

/// Unwraps, with the way out in the message.
fn or_panic<T, E: Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|err| panic!("cannot {what}: {err:#}", err = Full(&err)))
}

struct Full<'a, E>(&'a E);

impl<E: Display> Display for Full<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

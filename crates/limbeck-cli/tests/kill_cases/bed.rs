//! A database that a scenario runs on again and again, and what is compared afterwards.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use limbeck_testdb::{TestDb, TestServer};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::process::{Child, Command};

use super::application;
use super::proxy::{Log, Plan, Proxy};

/// What a loaded machine may need; nothing passes or fails by being quick.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The folder of a scenario: `before.sql`, `limbeck.toml` and `versions`.
pub(crate) fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kill").join(name)
}

/// What limbeck is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    /// From the heads to the base.
    Down,
    /// Up, by an application that has the steps in Rust.
    Application,
}

/// A scenario's database.
pub(crate) struct Bed {
    way: Way,
    folder: PathBuf,
    socket: PathBuf,
    db: TestDb,
    connection: PgConnection,
}

impl Bed {
    pub(crate) async fn new(server: &TestServer, scenario: &Path) -> Self {
        let db = server.create_db().await;
        let mut connection = db.connect().await;
        execute(&mut connection, include_str!("dump.sql")).await;
        let socket = server.socket_dir().join(".s.PGSQL.5432");
        Self { way: Way::Up, folder: scenario.to_owned(), socket, db, connection }
    }

    pub(crate) fn on_the_way(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    /// The database as it is before the scenario. Whoever is still connected has been left by a run that died,
    /// and is about to notice.
    pub(crate) async fn reset(&mut self) {
        self.until("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
        let before = std::fs::read_to_string(self.folder.join("before.sql")).unwrap();
        let sql = format!(
            "SET client_min_messages = warning; DROP SCHEMA IF EXISTS limbeck CASCADE; DROP SCHEMA IF EXISTS public CASCADE;\n\
             CREATE SCHEMA public;\n{before}"
        );
        execute(&mut self.connection, &sql).await;
        if self.way == Way::Down {
            let output = ended(self.limbeck(Way::Up, self.db.url()).spawn().unwrap()).await;
            assert!(output.status.success(), "{}", said(&output));
        }
    }

    /// Everything that two runs must agree on.
    pub(crate) async fn dump(&mut self) -> String {
        sqlx::query_scalar("SELECT harness.dump()").fetch_one(&mut self.connection).await.unwrap()
    }

    /// Asks until the answer is yes.
    pub(crate) async fn until(&mut self, sql: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
            if query.fetch_one(&mut self.connection).await.unwrap() {
                return;
            }
            assert!(Instant::now() < deadline, "never: {sql}");
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    /// A session of somebody else's.
    pub(crate) async fn session(&self) -> PgConnection {
        self.db.connect().await
    }

    /// Ends limbeck's backend that is at work, as an administrator does.
    pub(crate) async fn terminate_limbeck(&mut self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name LIKE 'limbeck %' AND state = 'active'";
        let ended: Vec<bool> = sqlx::query_scalar(sql).fetch_all(&mut self.connection).await.unwrap();
        assert_eq!(ended, [true], "one backend is at work");
    }

    /// After the server was stopped.
    pub(crate) async fn reconnect(&mut self) {
        self.connection = self.db.connect().await;
    }

    /// A proxy for one run.
    pub(crate) async fn proxy(&self, plan: Option<Plan>) -> Proxy {
        Proxy::start(&self.socket, plan).await
    }

    /// Begins limbeck through a proxy.
    pub(crate) fn begin(&self, proxy: &Proxy) -> Child {
        // Poolers, TLS and passwords are other tests' business.
        let url =
            format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port(), self.db.name());
        let child = self.limbeck(self.way, &url).spawn().unwrap();
        proxy.runs(child.id().unwrap());
        child
    }

    /// Runs limbeck, without a proxy, to its end.
    pub(crate) async fn run(&self) -> Output {
        ended(self.limbeck(self.way, self.db.url()).spawn().unwrap()).await
    }

    /// As [`Bed::run`], under way.
    pub(crate) fn start(&self) -> Child {
        self.limbeck(self.way, self.db.url()).spawn().unwrap()
    }

    fn limbeck(&self, way: Way, url: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_limbeck"));
        let (program, args) = match way {
            Way::Up => (program.to_owned(), vec!["upgrade", "heads"]),
            Way::Down => (program.to_owned(), vec!["downgrade", "base"]),
            Way::Application => (
                std::env::current_exe().unwrap(),
                vec!["--ignored", "--nocapture", "--exact", application::TEST],
            ),
        };
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["PG", "DB_", "LIMBECK_", "DATABASE_URL"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.args(args).env("LIMBECK_URL", url).env("NO_COLOR", "1");
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    /// The run that nothing disturbs: its messages, and the database after it.
    pub(crate) async fn undisturbed(&mut self) -> (Log, String) {
        self.reset().await;
        let proxy = self.proxy(None).await;
        let output = ended(self.begin(&proxy)).await;
        assert!(output.status.success(), "{}", said(&output));
        let log = proxy.log();
        (log, self.dump().await)
    }

    /// The run after one that died: it ends well, and leaves the database as `expected`.
    pub(crate) async fn recovers(&mut self, expected: &str) -> Result<(), String> {
        let second = self.run().await;
        self.is_as(&second, expected).await
    }

    pub(crate) async fn is_as(&mut self, second: &Output, expected: &str) -> Result<(), String> {
        if !second.status.success() {
            return Err(format!("the next run ended with {:?}:\n{}", second.status, said(second)));
        }
        let found = self.dump().await;
        if found == expected {
            return Ok(());
        }
        let differs = |one: &str, other: &str, sign: char| -> String {
            let other: Vec<&str> = other.lines().collect();
            one.lines().filter(|line| !other.contains(line)).map(|line| format!("{sign} {line}\n")).collect()
        };
        let difference = differs(expected, &found, '-') + &differs(&found, expected, '+');
        Err(format!("the database differs:\n{difference}the next run said:\n{}", said(second)))
    }
}

/// Waits for a process's end.
pub(crate) async fn ended(child: Child) -> Output {
    tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("limbeck does not end").unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) async fn execute(connection: &mut PgConnection, sql: &str) {
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await {
        panic!("{error}\n{sql}");
    }
}

//! Behind a real PgBouncer: refused where it shares backends between sessions, fine where it does not.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Child, Command, Stdio};

use limbeck_testdb::{TestDb, TestServer};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use super::crowd::{Crowd, GATE, Gate, journal, value};
use crate::start_support::{Project, eventually, run};

struct Bouncer {
    process: Child,
    _folder: tempfile::TempDir,
    port: u16,
}

impl Bouncer {
    /// In front of a server, with these settings; any password will do.
    fn start(server: &TestServer, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        // Root it does not like to be, and only the server's user may reach the server's socket.
        let owner = server.socket_dir().metadata().unwrap().uid();
        let user = if rustix::process::geteuid().is_root() {
            format!("user = {}", name(owner))
        } else {
            String::new()
        };
        let ini = format!(
            "[databases]\n* = host={} port=5432 user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\n{user}\n{settings}\n",
            server.socket_dir().display(),
        );
        let file = folder.path().join("ini");
        std::fs::write(&file, ini).unwrap();
        let program = std::env::var("LIMBECK_TEST_PGBOUNCER").unwrap_or_else(|_| "pgbouncer".to_owned());
        let process = Command::new(program).arg("-q").arg(&file).stderr(Stdio::null()).spawn().expect(
            "PgBouncer: `cargo xtask test` installs it, and LIMBECK_TEST_PGBOUNCER names the program",
        );
        let bouncer = Self { process, _folder: folder, port };
        eventually("pgbouncer answers", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        bouncer
    }

    fn url(&self, db: &TestDb) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", self.port, db.name())
    }

    /// Makes the pool open this many backends, and leaves them idle.
    async fn warm(&self, db: &TestDb, backends: usize) {
        let mut held = Vec::new();
        for _ in 0..backends {
            let mut connection = pooled(&self.url(db)).await;
            sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
            held.push(connection);
        }
        for mut connection in held {
            sqlx::raw_sql("COMMIT").execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// PgBouncer takes no setting at the start of a session that it does not know.
async fn pooled(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    PgConnection::connect_with(&options.extra_float_digits(None)).await.unwrap()
}

/// A setting, asked for without a prepared statement.
async fn shown(connection: &mut PgConnection, setting: &str) -> String {
    let show = sqlx::raw_sql(AssertSqlSafe(format!("SHOW {setting}")));
    let row = connection.fetch_one(show).await.unwrap();
    row.get(0)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn name(uid: u32) -> String {
    let output = Command::new("id").args(["-nu", &uid.to_string()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What limbeck could have left: its tables, and a lock.
async fn traces(db: &TestDb) -> String {
    let sql = "SELECT concat_ws(', ', to_regclass('alembic_version'), to_regnamespace('limbeck'), to_regclass('a'), \
               (SELECT string_agg(locktype, ' ') FROM pg_locks WHERE locktype = 'advisory' \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))";
    value(&mut db.connect().await, sql).await
}

async fn is_refused(settings: &str, warm: usize) {
    let server = TestServer::shared().await;
    let db = server.create_db().await;
    let bouncer = Bouncer::start(server, settings);
    let url = bouncer.url(&db);
    bouncer.warm(&db, warm).await;
    let project = Project::of_two();
    for (args, code) in
        [(&["upgrade", "head"][..], 1), (&["stamp", "head"], 1), (&["start", "--", "true"], 2)]
    {
        run(project.on(&url, args))
            .assert_code(code)
            .assert_says("limbeck::run::pooler")
            .assert_says("pool_mode = session")
            .assert_says("LIMBECK_URL")
            .assert_says("5432");
    }
    assert_eq!(traces(&db).await, "", "{settings}");
    // A reset destroys nothing, and the doctor names the pooler; neither leaves a setting in its backends.
    run(project.on(&url, &["reset", "--yes"])).assert_code(1).assert_says("limbeck::run::pooler");
    let doctor = run(project.on(&url, &["doctor"])).assert_code(2).stdout;
    assert!(doctor.lines().any(|line| line.starts_with("pooler") && line.contains(" error ")), "{doctor}");
    for setting in ["statement_timeout", "lock_timeout"] {
        for _ in 0..warm.max(1) {
            assert_eq!(shown(&mut pooled(&url).await, setting).await, "0", "{settings}");
        }
    }
    // The way out that it names: migrate directly, let the service go through the pooler.
    let mut start = project.on(&url, &["start", "--", "sh", "-c", "echo \"to $DATABASE_URL\""]);
    start.env("LIMBECK_URL", db.url());
    assert!(run(start).assert_code(0).stdout.contains(&format!("to {url}")));
    // With nothing to do nothing is locked, and a replica starts through the pooler too.
    run(project.on(&url, &["start", "--", "true"])).assert_code(0).assert_says("nothing pending");
    run(project.on(&url, &["downgrade", "base"])).assert_code(1).assert_says("limbeck::run::pooler");
    assert_eq!(journal(&mut db.connect().await).await, "1 done, 2 done");
}

#[tokio::test]
async fn transaction_pooling_is_refused() {
    is_refused("pool_mode = transaction", 1).await;
}

#[tokio::test]
async fn transaction_pooling_with_a_single_backend_is_refused() {
    is_refused("pool_mode = transaction\ndefault_pool_size = 1", 1).await;
}

#[tokio::test]
async fn transaction_pooling_that_lends_backends_in_turn_is_refused() {
    for backends in 1..=6 {
        is_refused("pool_mode = transaction\nserver_round_robin = 1", backends).await;
    }
}

#[tokio::test]
async fn statement_pooling_is_refused() {
    // It has no transactions, so it cannot be warmed by them.
    is_refused("pool_mode = statement", 0).await;
}

/// Sessions of the service come and go in the same pool meanwhile.
#[tokio::test]
async fn transaction_pooling_under_traffic_is_refused() {
    let server = TestServer::shared().await;
    let db = server.create_db().await;
    let bouncer = Bouncer::start(server, "pool_mode = transaction\ndefault_pool_size = 5");
    let url = bouncer.url(&db);
    let traffic = (0..4).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let mut connection = pooled(&url).await;
            loop {
                sqlx::raw_sql("BEGIN; SELECT pg_sleep(0.003); COMMIT")
                    .execute(&mut connection)
                    .await
                    .unwrap();
            }
        })
    });
    let traffic: Vec<_> = traffic.collect();
    let project = Project::of_two();
    for _ in 0..10 {
        let command = project.on(&url, &["upgrade", "head"]);
        let ended = tokio::task::spawn_blocking(|| run(command)).await.unwrap();
        ended.assert_code(1).assert_says("limbeck::run::pooler");
    }
    assert_eq!(traces(&db).await, "");
    traffic.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn session_pooling_works() {
    let server = TestServer::shared().await;
    let db = server.create_db().await;
    let bouncer = Bouncer::start(server, "pool_mode = session");
    let project = Project::of_two().revision("3", "2", GATE, "").revision(
        "4",
        "3",
        "CREATE INDEX CONCURRENTLY a_id ON a (id);",
        "DROP INDEX a_id;",
    );
    let gate = Gate::closed(db.connect().await).await;
    let mut crowd = Crowd::start(2, || project.on(&bouncer.url(&db), &["start", "--", "true"]));
    crowd.wait_for(1, "waiting for the migration of `limbeck 3`");
    gate.open().await;
    crowd.all_end_well(std::time::Instant::now());
    assert_eq!(crowd.count("Running upgrade"), 4);
    assert_eq!(journal(&mut db.connect().await).await, "1 done, 2 done, 3 done, 4 done");
    run(project.on(&bouncer.url(&db), &["downgrade", "base"])).assert_code(0);
}

/// The second session has to wait for the first one's end: no reason to refuse.
#[tokio::test]
async fn session_pooling_with_a_single_backend_works() {
    let server = TestServer::shared().await;
    let db = server.create_db().await;
    let bouncer = Bouncer::start(server, "pool_mode = session\ndefault_pool_size = 1");
    let project = Project::of_two();
    run(project.on(&bouncer.url(&db), &["upgrade", "head"])).assert_code(0);
    assert_eq!(journal(&mut db.connect().await).await, "1 done, 2 done");
}

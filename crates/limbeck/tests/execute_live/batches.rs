//! Batches beside other sessions: their bounds, their ceilings, their scripts.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use limbeck::core::Code;
use limbeck::{Busy, Cancel, Control, Error, Event, Job, Migrator, Report};
use limbeck_testdb::{TestDb, TestServer};
use sqlx::Connection as _;

use crate::support::{PATIENCE, Rev, exec, journal, migrator, query, rows, shown, value};

/// Runs to head; every event goes to `hear`.
async fn upgrade(
    migrator: &Migrator,
    url: &str,
    cancel: &Cancel,
    hear: &mut (dyn FnMut(&Event<'_>) + Send),
) -> Result<Report, Error> {
    let mut emit = |event: Event<'_>| hear(&event);
    let mut control = Control { cancel: cancel.clone(), emit: &mut emit };
    migrator.run(&url, Job::Upgrade("head"), &mut control).await
}

/// Marks the rows of `one`, and what this directive says besides.
fn marking(directive: &str, condition: &str) -> Migrator {
    let up = format!(
        "-- limbeck:batch {directive}\nUPDATE one SET done = true WHERE id IN (SELECT id FROM one {condition} LIMIT :'batch');"
    );
    migrator(&[Rev::new("a1", &[], &up, "")])
}

async fn one(url: &str, rows: u32) {
    let sql = format!(
        "CREATE TABLE one (id int PRIMARY KEY, done bool NOT NULL DEFAULT false); \
         INSERT INTO one SELECT generate_series(1, {rows})"
    );
    assert_eq!(value(url, &sql).await, "");
    value(url, "ANALYZE one").await;
}

/// Twice the table's rows and a hundred batches, where nothing else is said.
#[tokio::test]
async fn a_statement_that_leaves_nothing_out_is_stopped() {
    let db = TestDb::new().await;
    one(db.url(), 1000).await;
    let mut last = 0;
    let mut hear = |event: &Event<'_>| {
        if let Event::Batch { rows, .. } = event {
            last = *rows;
        }
    };
    let error = upgrade(&marking("size=10", ""), db.url(), &Cancel::default(), &mut hear).await.unwrap_err();
    assert_eq!(error.code(), Code::BatchWithoutEnd, "{}", shown(&error));
    // One page more or less, as far as the estimate goes.
    assert!((2500..=4000).contains(&last), "{last}");
    assert_eq!(value(db.url(), "SELECT batch_rows::text FROM limbeck.journal").await, last.to_string());
}

/// Other sessions add rows, but fewer than are worked on.
#[tokio::test]
async fn rows_that_come_in_meanwhile_are_worked_on_too() {
    let db = TestDb::new().await;
    one(db.url(), 100).await;
    let mut expected = None;
    let mut total = 0;
    let writer = async {
        for id in 101..=150 {
            value(db.url(), &format!("INSERT INTO one VALUES ({id})")).await;
        }
    };
    let mut hear = |event: &Event<'_>| {
        if let Event::Batch { rows, expected: estimate, earlier, .. } = event {
            (total, expected) = (*rows, *estimate);
            assert_eq!(*earlier, 0);
        }
    };
    let (migrator, cancel) = (marking("size=5 pause=5ms", "WHERE NOT done"), Cancel::default());
    let (outcome, ()) = tokio::join!(upgrade(&migrator, db.url(), &cancel, &mut hear), writer);
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(expected, Some(100), "what the planner knows of");
    assert!((100..=150).contains(&total), "{total}");
    let left = value(db.url(), "SELECT count(*)::text FROM one WHERE NOT done").await;
    assert_eq!((100 + 50 - total).to_string(), left, "those that came after the end");
}

/// A server of its own: others' sessions count.
#[tokio::test]
async fn a_busy_server_gets_no_batch() {
    let server = TestServer::start(None).await;
    let db = server.create_db().await;
    one(db.url(), 10).await;
    let (mut first, mut second) = (sleeper(&db).await, sleeper(&db).await);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut hear = |event: &Event<'_>| {
        if let Event::HoldingOn { busy, .. } = event {
            let _ = tell.send(*busy);
        }
    };
    let mut connection = db.connect().await;
    let end = async {
        let heard = told.recv().await;
        let done = query(&mut connection, "SELECT count(*)::text FROM one WHERE done").await;
        exec(
            &mut connection,
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'",
        )
        .await;
        (heard, done)
    };
    let (migrator, cancel) = (marking("size=5 max_active=1 max_lag=1s", "WHERE NOT done"), Cancel::default());
    let both = async { tokio::join!(upgrade(&migrator, db.url(), &cancel, &mut hear), end) };
    let (_, _, (outcome, (heard, done))) = tokio::join!(first.sleep(), second.sleep(), both);
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(heard, Some(Busy::Active { sessions: 2, allowed: 1 }));
    assert_eq!(done, "0\n", "no batch ran before");
    assert_eq!(value(db.url(), "SELECT count(*)::text FROM one WHERE done").await, "10");
}

/// A session that is busy for as long as nobody cancels it.
struct Sleeper(sqlx::postgres::PgConnection);

async fn sleeper(db: &TestDb) -> Sleeper {
    Sleeper(db.connect().await)
}

impl Sleeper {
    async fn sleep(&mut self) {
        let said = query(&mut self.0, "SELECT pg_sleep(600)").await;
        assert!(said.contains("canceling"), "{said}");
    }
}

/// A replica that replays nothing holds the batches up; one that has caught up lets them go on.
#[tokio::test]
async fn a_replica_that_is_behind() {
    let server = TestServer::start_with(None, &["wal_level=replica", "max_wal_senders=4"]).await;
    let db = server.create_db().await;
    one(db.url(), 100_000).await;
    let replica = Replica::of(&server).await;
    exec(&mut replica.connect().await, "SELECT pg_wal_replay_pause()").await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut hear = |event: &Event<'_>| {
        let _ = match event {
            Event::HoldingOn { busy: Busy::Lag { lag, allowed }, .. } => tell.send(Some((*lag, *allowed))),
            Event::Batch { .. } => tell.send(None),
            _ => Ok(()),
        };
    };
    let cancel = Cancel::default();
    let end = async {
        let heard = loop {
            if let Some(heard) = told.recv().await.expect("the batches ended before the replica was behind") {
                break heard;
            }
        };
        exec(&mut replica.connect().await, "SELECT pg_wal_replay_resume()").await;
        while told.recv().await.expect("the batches go on").is_some() {}
        cancel.request();
        heard
    };
    let migrator = marking("size=1 pause=1ms max_lag=100ms", "WHERE NOT done");
    let both = async { tokio::join!(upgrade(&migrator, db.url(), &cancel, &mut hear), end) };
    let both = tokio::time::timeout(PATIENCE, both).await;
    let (outcome, (lag, allowed)) = both.expect("the batches hang");
    assert_eq!(outcome.unwrap_err().code(), Code::Cancelled);
    assert!(allowed == Duration::from_millis(100) && lag > allowed, "{lag:?}");
}

/// A streaming standby, of the test's own.
struct Replica {
    folder: tempfile::TempDir,
    process: std::process::Child,
}

impl Replica {
    async fn of(server: &TestServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = std::fs::metadata(server.socket_dir()).unwrap();
        std::os::unix::fs::chown(folder.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        let command = |program: &str| {
            let mut command = std::process::Command::new(server.bin_dir().join(program));
            command
                .uid(owner.uid())
                .gid(owner.gid())
                .current_dir("/")
                .arg("-D")
                .arg(folder.path().join("data"));
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let copied = command("pg_basebackup")
            .args(["-R", "-X", "stream", "-c", "fast", "-d", &server.url("postgres")])
            .status()
            .unwrap();
        assert!(copied.success());
        let process = command("postgres")
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "port=5432", "-c", "wal_receiver_status_interval=1s"])
            .spawn()
            .unwrap();
        let replica = Self { folder, process };
        let streams = "SELECT count(*)::text FROM pg_stat_replication WHERE state = 'streaming'";
        let begin = Instant::now();
        while value(&server.url("postgres"), streams).await != "1" {
            assert!(begin.elapsed() < PATIENCE, "the replica does not stream");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        replica
    }

    async fn connect(&self) -> sqlx::postgres::PgConnection {
        let options = sqlx::postgres::PgConnectOptions::new()
            .socket(self.folder.path())
            .username("postgres")
            .database("postgres");
        sqlx::postgres::PgConnection::connect_with(&options).await.unwrap()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A ceiling that cannot be seen cannot be kept.
#[tokio::test]
async fn a_role_that_may_not_see_the_ceilings() {
    let server = TestServer::start(None).await;
    let db = server.create_db().await;
    one(db.url(), 10).await;
    let mut connection = db.connect().await;
    exec(
        &mut connection,
        "CREATE ROLE plain; ALTER TABLE one OWNER TO plain; GRANT ALL ON SCHEMA public TO plain",
    )
    .await;
    exec(&mut connection, &format!("GRANT CREATE ON DATABASE {} TO plain", db.name())).await;
    let mut options = limbeck::Options::default();
    options.state.role = Some("plain".to_owned());
    let migrator = marking("size=5 max_active=100", "WHERE NOT done").with_options(options);
    let cancel = Cancel::default();
    let error = upgrade(&migrator, db.url(), &cancel, &mut |_| {}).await.unwrap_err();
    assert_eq!(error.code(), Code::Permission);
    assert!(shown(&error).contains("GRANT pg_read_all_stats"), "{}", shown(&error));
    exec(&mut connection, "GRANT pg_read_all_stats TO plain").await;
    let outcome = upgrade(&migrator, db.url(), &cancel, &mut |_| {}).await;
    outcome.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(journal(db.url()).await, "a1 upgrade done 1/1 rows={a1}");
    assert_eq!(rows(db.url()).await, "a1");
}

/// The script has the same bounds; the journal looks the same afterwards.
#[tokio::test]
async fn a_script_keeps_the_ceilings() {
    let db = TestDb::new().await;
    one(db.url(), 30).await;
    let script = |migrator: &Migrator| migrator.to_sql(Job::Upgrade("head")).unwrap();
    let bad = script(&marking("size=10 max_rows=40", ""));
    assert!(psql(&db, &bad).await.contains("has touched 50 rows, and no more than 40"));
    assert_eq!(journal(db.url()).await, "a1 upgrade running 0/1");
    let good = script(&marking("size=10 max_rows=40 max_lag=1s max_active=1000", "WHERE NOT done"));
    value(db.url(), "UPDATE one SET done = false").await;
    psql(&db, &good).await;
    assert_eq!(journal(db.url()).await, "a1 upgrade done 1/1 rows={a1}");
    assert_eq!(
        value(db.url(), "SELECT coalesce(batch_rows::text, 'none') FROM limbeck.journal").await,
        "none"
    );
    assert_eq!(value(db.url(), "SELECT count(*)::text FROM one WHERE done").await, "30");
}

/// What psql says to a script.
async fn psql(db: &TestDb, script: &str) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, script.as_bytes()).unwrap();
    let program = TestServer::shared().await.bin_dir().join("psql");
    let mut command = std::process::Command::new(program);
    let output = command.args(["-Xq", "-d", db.url(), "-f"]).arg(file.path()).output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

//! Throw-away servers: they start, serve, stop, and leave nothing behind, however their owner ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "local_support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use limbeck::local::{ErrorKind, Programs, Server, ServerOptions, Shutdown};
use sqlx::{Connection, PgConnection};
use support::{Helper, is_alive, say, stay, wait_until};

async fn temporary() -> Server {
    let programs = Programs::find(None).unwrap();
    Server::temporary(&programs, ServerOptions::default()).await.unwrap()
}

async fn number(url: &str, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn it_serves_many_connections_and_is_gone_afterwards() {
    let server = temporary().await;
    let url = server.url("postgres");
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(PgConnection::connect(&url).await.unwrap());
    }
    assert_eq!(
        number(&url, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").await,
        21
    );
    let (pid, folder) = (server.pid().unwrap(), server.folder().to_owned());
    server.close().await.unwrap();
    assert!(!is_alive(pid));
    assert!(!folder.exists());
}

#[tokio::test]
async fn dropping_it_ends_it() {
    let server = temporary().await;
    let (pid, folder) = (server.pid().unwrap(), server.folder().to_owned());
    drop(server);
    wait_until("the server is gone", || !is_alive(pid) && !folder.exists());
}

#[tokio::test]
async fn it_takes_no_tcp_and_keeps_others_out_of_its_socket() {
    use std::os::unix::fs::PermissionsExt;
    let server = temporary().await;
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let addresses: String =
        sqlx::query_scalar("SHOW listen_addresses").fetch_one(&mut connection).await.unwrap();
    assert_eq!(addresses, "");
    let mode = fs::metadata(server.socket_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

#[tokio::test]
async fn data_outlive_a_stop_and_a_crash() {
    let server = temporary().await;
    let url = server.url("postgres");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 42::bigint AS n; CHECKPOINT")
        .execute(&mut connection)
        .await
        .unwrap();
    let server = server.stop(Shutdown::Fast).await.unwrap().start().await.unwrap();
    assert_eq!(number(&url, "SELECT n FROM kept").await, 42);
    let server = server.stop(Shutdown::Immediate).await.unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
    let server = server.start().await.unwrap();
    assert_eq!(number(&url, "SELECT n FROM kept").await, 42);
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_postgresql_refuses_is_said() {
    let programs = Programs::find(None).unwrap();
    let options = ServerOptions { settings: vec!["no_such_setting=1".to_owned()] };
    let err = Server::temporary(&programs, options).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Start);
    assert!(err.to_string().contains("no_such_setting"), "{err}");
}

#[tokio::test]
async fn leftovers_are_swept_and_what_lives_is_left_alone() {
    let living = temporary().await;
    let base = living.folder().parent().unwrap().to_owned();
    let (dead, other) = (base.join("limbeck-t-deadbeef"), base.join("limbeck-other"));
    for folder in [&dead, &other] {
        fs::create_dir_all(folder.join("data")).unwrap();
        fs::write(folder.join("server.lock"), "").unwrap();
    }
    let next = temporary().await;
    assert!(!dead.exists());
    assert!(other.exists());
    assert_eq!(number(&living.url("postgres"), "SELECT 1::bigint").await, 1);
    fs::remove_dir_all(&other).unwrap();
    next.close().await.unwrap();
}

#[test]
fn killing_the_owner_ends_the_server_and_removes_its_folder() {
    let mut owner = Helper::start("helper_temporary", &[]);
    let pid: u32 = owner.line().parse().unwrap();
    let folder = PathBuf::from(owner.line());
    assert!(is_alive(pid) && folder.exists());
    owner.kill();
    wait_until("the server is gone", || !is_alive(pid) && !folder.exists());
}

#[test]
fn it_is_out_of_reach_of_the_terminal_and_of_signals_to_the_watchdog() {
    let mut owner = Helper::start("helper_temporary", &[]);
    let pid: u32 = owner.line().parse().unwrap();
    let watchdog = support::ps("ppid", pid);
    assert_ne!(support::ps("pgid", pid), support::ps("pgid", owner.pid()));
    assert_ne!(support::ps("pgid", watchdog), support::ps("pgid", owner.pid()));
    for signal in ["INT", "TERM", "HUP"] {
        support::signal(watchdog, signal);
    }
    assert!(is_alive(watchdog) && is_alive(pid));
    owner.kill();
    wait_until("the server is gone", || !is_alive(pid) && !is_alive(watchdog));
}

#[test]
fn it_never_runs_as_root() {
    let mut owner = Helper::start("helper_temporary", &[]);
    let pid: u32 = owner.line().parse().unwrap();
    assert_ne!(support::ps("uid", pid), 0);
    owner.kill();
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn helper_temporary() {
    let server = temporary().await;
    say(server.pid().unwrap());
    say(server.folder().display());
    stay();
}

//! The project's local database on installed programs: kept, shared by processes, and safe from their deaths.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "local_support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use limbeck::local::{Concurrency, ErrorKind, Kind, LocalDatabase, LocalOptions, Ownership, Preference};
use sqlx::{Connection, PgConnection};
use support::{Helper, is_alive, say, stay, wait_until};

/// A project's folder that the server's user can reach.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn open(project: &Path) -> LocalDatabase {
    let options = LocalOptions { preference: Preference::Programs, ..LocalOptions::new(project) };
    LocalDatabase::open(options).await.unwrap()
}

async fn run(db: &LocalDatabase, sql: &'static str) {
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn number(db: &LocalDatabase, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

/// The process id that the data folder names.
fn server_pid(db: &LocalDatabase) -> u32 {
    let text = fs::read_to_string(db.location().join("data/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn has_stopped(db_folder: &Path) -> bool {
    !db_folder.join("data/postmaster.pid").exists()
}

#[tokio::test]
async fn it_is_made_kept_and_described() {
    let project = project();
    let db = open(project.path()).await;
    run(&db, "CREATE TABLE kept AS SELECT 42::bigint AS n").await;
    assert_eq!(
        (db.ownership(), db.concurrency(), db.database()),
        (Ownership::Owner, Concurrency::Many, "limbeck")
    );
    assert!(matches!(db.kind(), Kind::Programs(_)));
    assert!(db.describe().starts_with("local database: PostgreSQL "), "{}", db.describe());
    assert_eq!(fs::read_to_string(project.path().join(".limbeck/.gitignore")).unwrap(), "*\n");
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    let fsync: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut connection).await.unwrap();
    assert_eq!(fsync, "on");
    let folder = db.location().to_owned();
    db.close().await.unwrap();
    assert!(has_stopped(&folder));

    let db = open(project.path()).await;
    assert_eq!(number(&db, "SELECT n FROM kept").await, 42);
    db.close().await.unwrap();
}

#[tokio::test]
async fn the_server_ends_with_its_last_user() {
    let project = project();
    let first = open(project.path()).await;
    let second = open(project.path()).await;
    assert_eq!((first.ownership(), second.ownership()), (Ownership::Owner, Ownership::Guest));
    first.close().await.unwrap();
    run(&second, "CREATE TABLE by_guest AS SELECT 1::bigint AS n").await;
    let third = open(project.path()).await;
    assert_eq!(third.ownership(), Ownership::Guest);
    second.close().await.unwrap();
    assert_eq!(number(&third, "SELECT n FROM by_guest").await, 1);
    let folder = third.location().to_owned();
    third.close().await.unwrap();
    assert!(has_stopped(&folder));
}

#[tokio::test]
async fn dropping_it_is_enough() {
    let project = project();
    let db = open(project.path()).await;
    let folder = db.location().to_owned();
    drop(db);
    let again = open(project.path()).await;
    assert_eq!(again.ownership(), Ownership::Owner);
    drop(again);
    wait_until("the server has stopped", || has_stopped(&folder));
}

#[test]
fn eight_processes_at_once_share_one_server() {
    let project = project();
    let env = [("LIMBECK_TEST_PROJECT", project.path().to_str().unwrap())];
    let helpers: Vec<_> = (0..8).map(|_| Helper::start("helper_use_briefly", &env)).collect();
    helpers.into_iter().for_each(Helper::join);
    // Those who were about to join when the last one closed may have kept it from waiting.
    wait_until("the server has stopped", || has_stopped(&project.path().join(".limbeck/postgres")));
    Helper::start("helper_use_briefly", &env).join();
}

#[tokio::test]
async fn it_opens_again_after_its_owner_was_killed() {
    let project = project();
    let env = [("LIMBECK_TEST_PROJECT", project.path().to_str().unwrap())];
    let mut owner = Helper::start("helper_own", &env);
    let pid: u32 = owner.line().parse().unwrap();
    owner.kill();
    // At once, while the server still stops.
    let db = open(project.path()).await;
    assert_eq!(db.ownership(), Ownership::Owner);
    assert!(!is_alive(pid));
    assert_eq!(number(&db, "SELECT n FROM owned").await, 7);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_guest_keeps_the_server_when_its_owner_is_killed() {
    let project = project();
    let env = [("LIMBECK_TEST_PROJECT", project.path().to_str().unwrap())];
    let mut owner = Helper::start("helper_own", &env);
    let pid: u32 = owner.line().parse().unwrap();
    let guest = open(project.path()).await;
    assert_eq!(guest.ownership(), Ownership::Guest);
    owner.kill();
    assert_eq!(number(&guest, "SELECT n FROM owned").await, 7);
    guest.close().await.unwrap();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_pid_file_from_a_crash_does_not_hinder() {
    let project = project();
    let db = open(project.path()).await;
    let (folder, pid) = (db.location().to_owned(), server_pid(&db));
    let pid_file = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    db.close().await.unwrap();
    // As after a power failure: the file is there, and its process id now belongs to somebody else.
    let stale = pid_file.replacen(&pid.to_string(), &std::process::id().to_string(), 1);
    fs::write(folder.join("data/postmaster.pid"), stale).unwrap();
    fs::write(folder.join("run/state.json"), "{}").unwrap();
    let db = open(project.path()).await;
    assert_eq!(number(&db, "SELECT 1::bigint").await, 1);
    db.close().await.unwrap();
}

#[tokio::test]
async fn data_of_a_version_that_is_not_installed_are_left_alone() {
    let project = project();
    let db = open(project.path()).await;
    let version = db.location().join("data/PG_VERSION");
    db.close().await.unwrap();
    fs::write(&version, "9999\n").unwrap();
    let options = LocalOptions { preference: Preference::Programs, ..LocalOptions::new(project.path()) };
    let err = LocalDatabase::open(options).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::VersionMismatch);
    let said = format!("{err:#}");
    assert!(said.contains("9999") && said.contains(".limbeck/postgres"), "{said}");
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket() {
    let project = project();
    let deep = project.path().join("a".repeat(60)).join("b".repeat(60));
    fs::create_dir_all(&deep).unwrap();
    let db = open(&deep).await;
    assert!(db.socket_dir().starts_with("/tmp"));
    assert_eq!(number(&db, "SELECT 1::bigint").await, 1);
    let run = db.socket_dir().to_owned();
    db.close().await.unwrap();
    fs::remove_dir_all(run).unwrap();
}

#[tokio::test]
async fn root_moves_the_data_out_of_a_folder_that_the_server_cannot_enter() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let project = project();
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let db = open(project.path()).await;
    assert!(db.location().starts_with("/var/lib/limbeck"));
    assert!(db.elsewhere().is_some() && db.describe().contains("/var/lib/limbeck"), "{}", db.describe());
    assert_eq!(number(&db, "SELECT 1::bigint").await, 1);
    let folder = db.location().parent().unwrap().to_owned();
    db.close().await.unwrap();
    fs::remove_dir_all(folder).unwrap();
}

/// The other tests run as root where tests do; this one as `nobody`, in a copy that `nobody` can reach.
#[test]
fn an_ordinary_user_needs_nothing_special() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    const NOBODY: u32 = 65534;
    let project = project();
    std::os::unix::fs::chown(project.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let program = project.path().join("test-program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let env = [("LIMBECK_TEST_PROJECT", project.path().to_str().unwrap()), ("HOME", "/nonexistent")];
    let mut owner = Helper::start_as(NOBODY, &program, "helper_own", &env);
    let pid: u32 = owner.line().parse().unwrap();
    assert_eq!(support::ps("uid", pid), NOBODY);
    let guest = Helper::start_as(NOBODY, &program, "helper_use_briefly", &env);
    guest.join();
    owner.kill();
    wait_until("the server is gone", || !is_alive(pid));
}

fn helpers_project() -> PathBuf {
    PathBuf::from(std::env::var_os("LIMBECK_TEST_PROJECT").unwrap())
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn helper_own() {
    let db = open(&helpers_project()).await;
    run(&db, "CREATE TABLE owned AS SELECT 7::bigint AS n").await;
    say(server_pid(&db));
    stay();
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn helper_use_briefly() {
    let db = open(&helpers_project()).await;
    assert_eq!(number(&db, "SELECT 1::bigint").await, 1);
    db.close().await.unwrap();
}

//! Managed PostgreSQL, where nobody is a superuser: what the page tells an administrator to run, and what works then.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use crate::migrator::{ROLES, VERSIONS, migrator};
use crate::place::{A, B, Place};

/// The page; its statements are run as they are written there.
const PAGE: &str = include_str!("../../../../docs/ROW_LEVEL_SECURITY.md");

/// The statements of the page that begin with these words.
fn shown(beginning: &str) -> &'static str {
    let blocks = PAGE.split("```sql\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    blocks.into_iter().find(|block| block.starts_with(beginning)).unwrap()
}

#[tokio::test]
async fn a_login_of_the_service_s_own_knows_whether_it_is_ready() {
    let place = Place::new().await;
    place.at_head("app", "owner").await;
    place.administer("app", shown("CREATE ROLE adapter_service")).await;
    let mut connection = place.connect("app", "adapter_service").await;
    let status =
        migrator(VERSIONS, ROLES).status(&mut connection).await.unwrap_or_else(|error| panic!("{error:#}"));
    assert!(status.is_ready(), "{status:?}");
}

#[tokio::test]
async fn a_backup_has_everything_or_fails() {
    let place = Place::new().await;
    place.at_head("app", "owner").await;
    let folder = tempfile::tempdir().unwrap();
    let dump = async |name: &str, arguments: &[&str]| {
        let file = folder.path().join(name);
        let program = place.server.programs().program("pg_dump");
        let url = place.url("app", "owner");
        let output =
            Command::new(program).args(arguments).arg("-f").arg(&file).arg(url).output().await.unwrap();
        (output, std::fs::read_to_string(file).unwrap_or_default())
    };
    let (plain, _) = dump("plain.sql", &[]).await;
    assert!(
        said(&plain).contains("query would be affected by row-level security policy"),
        "{}",
        said(&plain)
    );
    let (empty, text) = dump("empty.sql", &["--enable-row-security"]).await;
    assert!(empty.status.success() && !text.contains(B), "which is why the page warns of it");

    place.administer("app", shown("GRANT USAGE ON SCHEMA limbeck TO adapter_admin")).await;
    let arguments: Vec<&str> = PAGE
        .lines()
        .find_map(|line| line.strip_prefix("$ pg_dump "))
        .unwrap()
        .split(' ')
        .filter(|argument| argument.starts_with("--"))
        .collect();
    let (whole, text) = dump("whole.sql", &arguments).await;
    assert!(whole.status.success(), "{}", said(&whole));

    // On the same server, whose roles are there.
    place.database("again", "postgres").await;
    restore(&place, &folder.path().join("whole.sql")).await;
    let rows = "SELECT md5(concat((SELECT string_agg(t::text, '' ORDER BY id) FROM tenants t),
                (SELECT string_agg(t::text, '' ORDER BY id) FROM action_logs t),
                (SELECT string_agg(t::text, '' ORDER BY id) FROM audit_logs t),
                (SELECT string_agg(t::text, '' ORDER BY id) FROM idempotency_keys t),
                (SELECT string_agg(t::text, '' ORDER BY id) FROM limbeck.journal t)))";
    assert_eq!(place.ask("again", rows).await, place.ask("app", rows).await);
    assert!(text.contains(A) && text.contains(B));
}

async fn restore(place: &Place, file: &Path) {
    let program = place.server.programs().program("psql");
    let url = place.url("again", "postgres");
    let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"];
    let output = Command::new(program).args(arguments).arg(file).arg(url).output().await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

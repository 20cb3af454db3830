//! Roles belong to the server, and several databases of it may be migrated at once; and tables are in use.

use std::time::Duration;

use limbeck::{Cancel, Control, Event, Job};
use sqlx::PgConnection;

use crate::migrator::{ROLES, VERSIONS, migrator};
use crate::place::{MAJORS, Place, run};

/// More than there are processors, so that they get in each other's way.
const DATABASES: [&str; 4] = ["one", "two", "three", "four"];
const ROUNDS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_one_server_migrate_at_once() {
    for (major, login) in MAJORS.map(|major| (major, "owner")).into_iter().chain([(15, "postgres")]) {
        let place = Place::of(major).await;
        for database in DATABASES {
            place.database(database, login).await;
            upgrade(&place.url(database, login), "004").await;
        }
        for round in 0..ROUNDS {
            let runs = DATABASES.map(|database| place.url(database, login));
            let runs = runs.map(|url| tokio::spawn(async move { upgrade(&url, "head").await }));
            for run in runs {
                run.await.unwrap_or_else(|error| panic!("{major}, {login}, round {round}: {error}"));
            }
            for database in DATABASES {
                downgrade(&place.url(database, login)).await;
            }
            // In turns nothing is there, and only the memberships are gone.
            let again = if round % 2 == 0 {
                "DROP ROLE adapter_app, adapter_admin"
            } else {
                "REVOKE adapter_app, adapter_admin FROM owner GRANTED BY owner"
            };
            place.administer("postgres", again).await;
        }
    }
}

/// The same, one step at a time: another database's migration is in the middle of it.
#[tokio::test]
async fn another_database_is_making_the_roles() {
    for major in MAJORS {
        for other in [
            "CREATE ROLE adapter_app NOLOGIN",
            "CREATE ROLE adapter_app NOLOGIN; GRANT adapter_app TO owner",
            "CREATE ROLE adapter_app NOLOGIN; CREATE ROLE adapter_admin NOLOGIN; GRANT adapter_app, adapter_admin TO owner",
        ] {
            let place = Place::of(major).await;
            place.database("one", "owner").await;
            place.database("two", "owner").await;
            upgrade(&place.url("one", "owner"), "004").await;
            let mut first = place.connect("two", "owner").await;
            run(&mut first, &format!("BEGIN; {other}")).await.unwrap();
            let second = tokio::spawn({
                let url = place.url("one", "owner");
                async move { upgrade(&url, "head").await }
            });
            waits(&place, "one", 1).await;
            run(&mut first, "COMMIT").await.unwrap();
            second.await.unwrap_or_else(|error| panic!("{major}, {other}: {error}"));
        }
    }
}

/// No lock is held while another one is waited for, so nobody who takes the tables in another order is in its way.
#[tokio::test]
async fn tables_in_use_are_no_deadlock() {
    let tables = ["action_logs", "audit_logs", "idempotency_keys", "tenants"];
    let place = Place::new().await;
    place.database("app", "owner").await;
    upgrade(&place.url("app", "owner"), "004").await;
    for held in tables {
        let mut request = place.connect("app", "postgres").await;
        run(
            &mut request,
            &format!("BEGIN; SET LOCAL lock_timeout = '300s'; LOCK TABLE {held} IN ROW EXCLUSIVE MODE"),
        )
        .await
        .unwrap();
        let migration = tokio::spawn({
            let url = place.url("app", "owner");
            async move { upgrade(&url, "head").await }
        });
        waits(&place, "app", 1).await;
        for other in tables.into_iter().filter(|&other| other != held) {
            run(&mut request, &format!("LOCK TABLE {other} IN ROW EXCLUSIVE MODE")).await.unwrap();
        }
        run(&mut request, "COMMIT").await.unwrap();
        migration.await.unwrap();
        downgrade(&place.url("app", "owner")).await;
    }
}

async fn upgrade(url: &str, target: &str) {
    job(url, Job::Upgrade(target)).await;
}

async fn downgrade(url: &str) {
    job(url, Job::Downgrade("004")).await;
}

async fn job(url: &str, job: Job<'_>) {
    let mut quiet = |_: Event<'_>| {};
    let mut control = Control { cancel: Cancel::default(), emit: &mut quiet };
    let outcome = migrator(VERSIONS, ROLES).run(&url, job, &mut control).await;
    outcome.unwrap_or_else(|error| panic!("{job:?}: {error:#}"));
}

/// Waits until so many sessions of a database wait for a lock.
async fn waits(place: &Place, database: &str, sessions: i64) {
    let mut connection: PgConnection = place.connect("postgres", "postgres").await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'";
    for _ in 0..30_000 {
        let waiting: i64 = sqlx::query_scalar(sql).bind(database).fetch_one(&mut connection).await.unwrap();
        if waiting >= sessions {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits in {database}");
}

//! The catalog reader and the DDL writer: what is loaded is read, written, loaded again and read again; both
//! readings, and `pg_dump` of both databases, are equal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "catalog_support/mod.rs"]
mod support;

use limbeck::catalog::Filter;
use support::{Loaded, cases, conformance_states};

/// Every case, and every state of the conformance schemas, on Debian's PostgreSQL 15.
#[tokio::test]
async fn round_trips_on_15() {
    let server = support::server_of(15).await;
    support::round_trips(&server, &cases(15)).await;
}

#[tokio::test]
async fn round_trips_on_16() {
    let server = support::server_of(16).await;
    support::round_trips(&server, &cases(16)).await;
}

#[tokio::test]
async fn round_trips_on_18() {
    let server = support::server_of(18).await;
    support::round_trips(&server, &cases(18)).await;
}

#[tokio::test]
#[ignore = "needs containers: cargo xtask servers"]
async fn round_trips_on_13_in_a_container() {
    let server = support::container_of(13).await;
    support::round_trips(&server, &cases(13)).await;
}

/// With contrib's extensions, which the other 17, the embedded one, lacks.
#[tokio::test]
#[ignore = "needs containers: cargo xtask servers"]
async fn round_trips_on_17_in_a_container() {
    let server = support::container_of(17).await;
    support::round_trips(&server, &cases(17)).await;
}

#[cfg(feature = "embedded")]
#[tokio::test]
async fn round_trips_on_the_embedded_17() {
    on_the_embedded_17(0).await;
}

#[cfg(feature = "embedded")]
#[tokio::test]
async fn round_trips_on_the_embedded_17_of_the_other_cases() {
    on_the_embedded_17(1).await;
}

/// Every second case, since each has a server of its own, which is slow and has one thread.
#[cfg(feature = "embedded")]
async fn on_the_embedded_17(first: usize) {
    // It has neither ICU nor contrib's extensions, which is why some cases name their servers.
    let cases = cases(17).into_iter().filter(|case| !case.sql.starts_with("-- only "));
    let half: Vec<_> = cases.skip(first).step_by(2).collect();
    support::round_trips(&support::Place::Embedded, &half).await;
}

/// `diff_pairs.rs` loads, reads, writes and loads again every one of the states; here `pg_dump` judges besides, which takes
/// minutes for all of them (`LIMBECK_TEST_ALL_STATES=1`): usually every eighth and the last ones.
#[tokio::test]
async fn conformance_states_on_15() {
    let server = support::server_of(15).await;
    let states = conformance_states();
    let step = if std::env::var_os("LIMBECK_TEST_ALL_STATES").is_some() { 1 } else { 8 };
    let chosen: Vec<_> = states.into_iter().rev().step_by(step).collect();
    support::round_trips(&server, &chosen).await;
}

/// However much there is to read.
#[tokio::test]
async fn the_number_of_messages_is_constant() {
    let server = support::logging_server(15).await;
    let mut counts = Vec::new();
    for tables in [10, 200] {
        let table = |number: usize| {
            format!(
                "CREATE TABLE t{number} (id integer PRIMARY KEY, name text DEFAULT 'x', up integer REFERENCES t{number});
                 CREATE INDEX ON t{number} (name); CREATE INDEX ON t{number} (lower(name)) WHERE id > {number};"
            )
        };
        let loaded = Loaded::new(&server, &(0..tables).map(table).collect::<String>()).await.unwrap();
        let before = server.messages();
        let read = loaded.read(&Filter::default(), &[]).await;
        counts.push(server.messages() - before);
        assert_eq!(read.schema.objects.len(), 1 + 5 * tables);
    }
    assert_eq!(counts, [2, 2]);
}

#[tokio::test]
async fn settings_change_nothing() {
    let server = support::server_of(15).await;
    for case in cases(15) {
        let loaded = Loaded::new(&server, &case.sql).await.unwrap();
        let usual = loaded.read(&Filter::default(), &[]).await;
        let odd = [
            "SET search_path = pg_temp, public, app",
            "SET quote_all_identifiers = on",
            "SET standard_conforming_strings = off",
            "SET DateStyle = 'German, DMY'",
            "SET IntervalStyle = 'iso_8601'",
            "SET TimeZone = 'Asia/Kolkata'",
            "SET extra_float_digits = -5",
            "SET bytea_output = 'escape'",
            "CREATE TEMPORARY TABLE pg_class (oid oid, relname name)",
        ];
        assert_eq!(loaded.read(&Filter::default(), &odd).await, usual, "{}", case.name);
    }
}

//! Every consecutive pair of the conformance schemas, there and back and there again, by the executor.
//!
//! The states are histories of real projects. They are loaded as PostgreSQL prints them, until the print is stable: an
//! expression such as `status IN ('a', 'b')` prints in another way once it has been loaded from its print.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "diff_support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use limbeck::Job;
use limbeck::core::ddl::dump;
use limbeck::core::ddl::section::{Mode, Style, section, statements};
use limbeck::core::diff::{Options, diff};
use limbeck::core::schema::Schema;
use support::{TestServer, Work, left, revision, server_of};

#[tokio::test]
async fn pairs_of_openassistant() {
    pairs("openassistant-be", 48, 15).await;
}

#[tokio::test]
async fn pairs_of_polar() {
    pairs("polar", 52, 15).await;
}

#[tokio::test]
#[ignore = "needs containers: cargo xtask servers"]
async fn pairs_of_polar_on_17_in_a_container() {
    pairs("polar", 52, 17).await;
}

async fn pairs(project: &str, count: usize, version: u32) {
    let server = server_of(version).await;
    let states = states(&server, project).await;
    assert_eq!(states.len(), count + 1, "states of {project}");
    let failed = walk(&server, &states, version).await;
    server.close().await;
    assert!(failed.is_empty(), "{} pairs:\n{}", failed.len(), failed.join("\n"));
}

/// A project's states in order, as they print in the end.
async fn states(server: &TestServer, project: &str) -> Vec<(String, Schema)> {
    let folder = std::env::var("LIMBECK_CONFORMANCE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance").to_owned());
    let folder = PathBuf::from(folder).join("schemas").join(project);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut work = Work::new(server).await;
    let mut states = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let mut sql = fs::read_to_string(&file).unwrap();
        let mut last = None;
        loop {
            work.load(&sql).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let schema = work.read().await;
            work = work.emptied(server).await;
            if last.as_ref() == Some(&schema) {
                break;
            }
            sql = script(&schema);
            last = Some(schema);
        }
        states.extend(last.map(|schema| (name, schema)));
    }
    states
}

fn script(schema: &Schema) -> String {
    dump(schema).into_iter().map(|statement| statement + ";\n").collect()
}

/// Leads a database through the states; what is wrong with each pair.
async fn walk(server: &TestServer, states: &[(String, Schema)], version: u32) -> Vec<String> {
    let mut failed = Vec::new();
    let mut work = Work::new(server).await;
    work.load(&script(&states[0].1)).await.unwrap();
    for pair in states.windows(2) {
        let [(from, before), (to, after)] = pair else { continue };
        if let Err(wrong) = there_and_back(&work, before, after, version).await {
            failed.push(format!("=== {from} to {to}: {wrong}"));
            work = work.emptied(server).await;
            work.load(&script(after)).await.unwrap();
        } else {
            work.load("DROP TABLE public.alembic_version; DROP SCHEMA limbeck CASCADE").await.unwrap();
        }
    }
    failed
}

async fn there_and_back(work: &Work, before: &Schema, after: &Schema, version: u32) -> Result<(), String> {
    let options = Options::new(version);
    let style = Style { version, mode: Mode::Online };
    let (there, back) = (diff(before, after, &options), diff(after, before, &options.reversed()));
    let (up, down) = (section(&statements(&there, &style)), section(&statements(&back, &style)));
    let revision = revision(&up, &down)?;
    for (job, text, goal) in [
        (Job::Upgrade("head"), &up, after),
        (Job::Downgrade("base"), &down, before),
        (Job::Upgrade("head"), &up, after),
    ] {
        work.migrate(&revision, job).await.map_err(|error| format!("{error}\n{text}"))?;
        let rest = diff(&work.read().await, goal, &options);
        if !rest.is_empty() {
            return Err(format!("{}\n{text}", left(&rest)));
        }
    }
    Ok(())
}

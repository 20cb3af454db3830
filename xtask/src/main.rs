//! `cargo xtask`: what needs more than one command. It has no dependencies, so that it builds in a second.

mod bench;
mod ci;
mod contained_servers;
mod containers;
mod packaged;
mod places;
mod postgres;
mod run;
mod servers;
mod start;
mod test;
mod venv;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <COMMAND>

  start [OPTIONS] [-- ADAPTER-OPTIONS]
            builds limbeck and the adapter, and runs `limbeck start -- adapter` in apps/adapter: on DATABASE_URL,
            or on a local database that needs no set-up. OPTIONS go to `limbeck start`.
  test [CARGO-TEST-OPTIONS]
            fetches what the tests need (PostgreSQL's server programs, PgBouncer, Redis, Chromium, Alembic, schemathesis),
            then runs every test.
  servers   runs the tests of schemas on PostgreSQL 13 and 17 with contrib, in containers that it makes (Docker,
            debootstrap, root). They are not part of `test`.
  bench [OPTIONS]
            builds limbeck as it is released and measures it against Alembic and psql. OPTIONS go to
            benches/compare.py; `bench autogenerate`, `bench batch`, `bench journal` and `bench service` measure
            `check` on 1,000 tables, batches, the journal and the adapter. Their page is benches/README.md.
  containers [--from-source] [passwords|starts|disturbed|guide]...
            builds the images from programs built here (or inside), starts them in all ways, restarts, deploys and disturbs
            them under load, and types the guide, docs/database-migrations.md, against the compose files; all of it, or
            the parts that are named. Needs Docker; makes stand-ins for base images that cannot be pulled.
  ci        formatting, clippy, `test`, `containers`, documentation and packages: what .ci/run runs.

Everything is built in $CARGO_TARGET_DIR, by default ~/.cache/limbeck/target.";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<_> = args.collect();
    let done = match command.to_str() {
        Some("start") => start::start(&rest),
        Some("test") => test::test(&rest),
        Some("servers") if rest.is_empty() => contained_servers::test(),
        Some("bench") => bench::bench(&rest),
        Some("containers") => containers::containers(&rest),
        Some("ci") if rest.is_empty() => ci::ci(),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(64);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(run::Failed { why, code }) => {
            eprintln!("xtask: {why}");
            ExitCode::from(code)
        }
    }
}

//! `cargo xtask`: what needs more than one command. It has no dependencies, so that it builds in a second.

mod alembic;
mod bench;
mod ci;
mod containers;
mod pgbouncer;
mod places;
mod postgres;
mod run;
mod servers;
mod start;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <COMMAND>

  start [OPTIONS] [-- ADAPTER-OPTIONS]
            builds limbeck and the adapter, and runs `limbeck start -- adapter` in apps/adapter: on DATABASE_URL,
            or on a local database that needs no set-up. OPTIONS go to `limbeck start`.
  test [CARGO-TEST-OPTIONS]
            fetches what the tests need (PostgreSQL's server programs, PgBouncer, Alembic), then runs every test.
  servers   runs the tests of schemas on PostgreSQL 13 and 17 with contrib, in containers that it makes (Docker,
            debootstrap, root). They are not part of `test`.
  bench [OPTIONS]
            builds limbeck as it is released and measures it against Alembic and psql. OPTIONS go to
            benches/compare.py; its page is benches/README.md.
  ci        formatting, clippy, `test`, documentation and packages: what .ci/run runs.

Everything is built in $CARGO_TARGET_DIR, by default ~/.cache/limbeck/target.";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<_> = args.collect();
    let done = match command.to_str() {
        Some("start") => start::start(&rest),
        Some("test") => test::test(&rest),
        Some("servers") if rest.is_empty() => containers::test(),
        Some("bench") => bench::bench(&rest),
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

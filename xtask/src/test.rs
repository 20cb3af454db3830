//! `cargo xtask test`: everything that the tests need, then the tests.

use std::ffi::OsString;

use crate::run::{Done, cargo, run};
use crate::{alembic, packaged, places, postgres, servers};

/// Runs all tests; `args` go to `cargo test`.
pub(crate) fn test(args: &[OsString]) -> Done {
    let one_package = args.iter().any(|arg| arg == "--package" || arg.to_string_lossy().starts_with("-p"));
    let conformance = places::conformance_dir()?;
    postgres::ensure()?;
    let pgbouncer = packaged::PGBOUNCER.ensure()?;
    let redis = packaged::REDIS.ensure()?;
    let alembic = alembic::ensure()?;
    let servers = servers::ensure(&alembic::python_of(&alembic))?;
    run(cargo()?
        .arg("test")
        .args(if one_package { None } else { Some("--workspace") })
        .args(args)
        .env("LIMBECK_CONFORMANCE_DIR", conformance)
        .env("LIMBECK_TEST_ALEMBIC", alembic)
        .env("LIMBECK_TEST_PGSERVER", servers)
        .env("LIMBECK_TEST_PGBOUNCER", pgbouncer)
        .env("LIMBECK_TEST_REDIS", redis))?;
    if args.is_empty() {
        run(cargo()?.args(["check", "--package", "limbeck-cli", "--no-default-features"]))?;
    }
    Ok(())
}

//! `cargo xtask test`: everything that the tests need, then the tests.

use std::ffi::OsString;

use crate::run::{Done, cargo, run};
use crate::venv::{self, ALEMBIC, SCHEMATHESIS};
use crate::{packaged, places, postgres, servers};

/// Runs all tests; `args` go to `cargo test`.
pub(crate) fn test(args: &[OsString]) -> Done {
    let one_package = args.iter().any(|arg| arg == "--package" || arg.to_string_lossy().starts_with("-p"));
    let mut tests = cargo()?;
    tests.arg("test").args(if one_package { None } else { Some("--workspace") }).args(args);
    tests.env("LIMBECK_CONFORMANCE_DIR", places::conformance_dir()?);
    postgres::ensure()?;
    for packaged in packaged::ALL {
        tests.env(packaged.variable, packaged.ensure()?);
    }
    let alembic = ALEMBIC.ensure()?;
    tests.env("LIMBECK_TEST_PGSERVER", servers::ensure(&venv::python_of(&alembic))?);
    tests.env(ALEMBIC.variable, alembic).env(SCHEMATHESIS.variable, SCHEMATHESIS.ensure()?);
    run(&mut tests)?;
    if args.is_empty() {
        run(cargo()?.args(["check", "--package", "limbeck-cli", "--no-default-features"]))?;
    }
    Ok(())
}

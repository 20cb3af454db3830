//! `cargo xtask bench`: limbeck against Alembic and psql.

use std::env;
use std::ffi::OsString;

use crate::run::{Done, cargo, program, run};
use crate::{alembic, places, postgres};

/// Builds limbeck as it is released and measures it; `args` go to `benches/compare.py`.
pub(crate) fn bench(args: &[OsString]) -> Done {
    let postgres = postgres::ensure()?;
    let alembic = alembic::ensure()?;
    let mut compare = program("python3");
    compare.arg("benches/compare.py").arg("--postgres").arg(postgres).arg("--alembic").arg(alembic);
    if !args.iter().any(|arg| arg.to_string_lossy().starts_with("--limbeck")) {
        run(cargo()?.args(["build", "--release", "--package", "limbeck-cli"]))?;
        let limbeck =
            places::target_dir()?.join("release/limbeck").with_extension(env::consts::EXE_EXTENSION);
        compare.arg("--limbeck").arg(limbeck);
    }
    run(compare.args(args))
}

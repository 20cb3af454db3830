//! `cargo xtask bench`: limbeck against Alembic and psql; its batches against one UPDATE.

use std::env;
use std::ffi::OsString;

use crate::run::{Done, cargo, program, run};
use crate::{alembic, places, postgres};

/// Builds limbeck as it is released and measures it; `args` go to `benches/compare.py`, or after `batch` to
/// `benches/batch.py`.
pub(crate) fn bench(args: &[OsString]) -> Done {
    let postgres = postgres::ensure()?;
    let mut compare = program("python3");
    let args = match args.split_first() {
        Some((first, rest)) if first == "batch" => {
            compare.arg("benches/batch.py");
            rest
        }
        _ => {
            compare.arg("benches/compare.py").arg("--alembic").arg(alembic::ensure()?);
            args
        }
    };
    compare.arg("--postgres").arg(postgres);
    if !args.iter().any(|arg| arg.to_string_lossy().starts_with("--limbeck")) {
        run(cargo()?.args(["build", "--release", "--package", "limbeck-cli"]))?;
        let limbeck =
            places::target_dir()?.join("release/limbeck").with_extension(env::consts::EXE_EXTENSION);
        compare.arg("--limbeck").arg(limbeck);
    }
    run(compare.args(args))
}

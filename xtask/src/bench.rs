//! `cargo xtask bench`: limbeck against Alembic and psql; `check` on many tables; its batches against one UPDATE; what its
//! journal costs.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::run::{Done, Failed, cargo, program, run};
use crate::{alembic, places, postgres};

/// Builds limbeck as it is released and measures it; `args` go to `benches/compare.py`, or after `autogenerate` to
/// `benches/autogenerate.py`, after `batch` to `benches/batch.py`, after `journal` to `benches/journal.py`.
pub(crate) fn bench(args: &[OsString]) -> Done {
    let postgres = postgres::ensure()?;
    let mut compare = program("python3");
    let args = match args.split_first() {
        Some((first, rest)) if first == "batch" || first == "journal" => {
            compare.arg(format!("benches/{}.py", first.display()));
            rest
        }
        Some((first, rest)) if first == "autogenerate" => {
            compare.arg("benches/autogenerate.py").arg("--alembic").arg(alembic::ensure()?);
            rest
        }
        _ => {
            compare.arg("benches/compare.py").arg("--alembic").arg(alembic::ensure()?);
            args
        }
    };
    compare.arg("--postgres").arg(postgres);
    if !args.iter().any(|arg| arg.to_string_lossy().starts_with("--limbeck")) {
        compare.arg("--limbeck").arg(released()?);
    }
    run(compare.args(args))
}

/// The program as it is released.
fn released() -> Result<PathBuf, Failed> {
    run(cargo()?.args(["build", "--release", "--package", "limbeck-cli"]))?;
    Ok(places::target_dir()?.join("release/limbeck").with_extension(env::consts::EXE_EXTENSION))
}

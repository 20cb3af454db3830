//! `cargo xtask bench`: limbeck against Alembic and psql; `check` on many tables; its batches against one UPDATE; what its
//! journal costs; the adapter against FastAPI.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::packaged::WRK;
use crate::run::{Done, Failed, cargo, program, run};
use crate::venv::{self, ALEMBIC, FASTAPI};
use crate::{places, postgres};

/// Builds what is measured as it is released, and measures it; `args` go to `benches/compare.py`, or after the name of
/// another script of `benches` to that one.
pub(crate) fn bench(args: &[OsString]) -> Done {
    let name = args.first().and_then(|first| first.to_str()).filter(|name| !name.starts_with('-'));
    let rest = &args[usize::from(name.is_some())..];
    let mut script = program("python3");
    script.arg(format!("benches/{}.py", name.unwrap_or("compare")));
    script.arg("--postgres").arg(postgres::ensure()?);
    match name {
        None | Some("autogenerate") => script.arg("--alembic").arg(ALEMBIC.ensure()?).args(limbeck(rest)?),
        Some("batch" | "journal") => script.args(limbeck(rest)?),
        Some("service") => script.args(service()?),
        Some(other) => {
            return Err(Failed::new(format!(
                "there is no benchmark {other}; there are autogenerate, batch, journal, service"
            )));
        }
    };
    run(script.args(rest))
}

/// `--limbeck` and the program as it is released, if `args` do not name one.
fn limbeck(args: &[OsString]) -> Result<Vec<OsString>, Failed> {
    if args.iter().any(|arg| arg.to_string_lossy().starts_with("--limbeck")) {
        return Ok(Vec::new());
    }
    Ok(vec!["--limbeck".into(), released("limbeck-cli", "limbeck")?.into()])
}

fn service() -> Result<Vec<OsString>, Failed> {
    let wrk = WRK.ensure()?;
    let python = venv::python_of(&FASTAPI.ensure()?);
    let adapter = released("adapter", "adapter")?;
    Ok(vec!["--adapter".into(), adapter.into(), "--python".into(), python.into(), "--wrk".into(), wrk.into()])
}

/// A program as it is released.
fn released(package: &str, name: &str) -> Result<PathBuf, Failed> {
    run(cargo()?.args(["build", "--release", "--package", package]))?;
    Ok(places::target_dir()?.join("release").join(name).with_extension(env::consts::EXE_EXTENSION))
}

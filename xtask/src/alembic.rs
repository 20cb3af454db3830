//! The real Alembic, for the test that hands one database back and forth between both tools.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::places;
use crate::postgres::{apt_install, can_apt};
use crate::run::{Done, Failed, program, run, succeeds};

/// Pinned: the version whose behaviour the conformance data records.
const PACKAGES: &[&str] = &["alembic==1.18.4", "sqlalchemy==2.0.44", "psycopg2-binary==2.9.11"];

/// The `alembic` program: `LIMBECK_TEST_ALEMBIC`, else one in a virtual environment that is made on first use.
pub(crate) fn ensure() -> Result<PathBuf, Failed> {
    if let Some(given) = env::var_os("LIMBECK_TEST_ALEMBIC").filter(|value| !value.is_empty()) {
        return Ok(given.into());
    }
    let venv = places::cache_dir()?.join("alembic-venv");
    let alembic = venv.join("bin/alembic");
    // Written last, so that an interrupted installation is not taken for a whole one.
    let marker = venv.join("limbeck-packages");
    let wanted = PACKAGES.join("\n");
    let there = fs::read_to_string(&marker).is_ok_and(|packages| packages == wanted);
    // A venv outlives the Python that it points to.
    if !there || !succeeds(program(&alembic).arg("--version")) {
        install(&venv)?;
        fs::write(&marker, wanted).map_err(|why| Failed::new(format!("{}: {why}", marker.display())))?;
    }
    Ok(alembic)
}

/// The Python beside it, which has pip.
pub(crate) fn python_of(alembic: &Path) -> PathBuf {
    alembic.with_file_name("python")
}

fn install(venv: &Path) -> Done {
    let python = python()?;
    run(program(python).args(["-m", "venv", "--clear"]).arg(venv))?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--only-binary=:all:",
    ];
    run(program(venv.join("bin/python")).args(pip).args(PACKAGES))
}

fn python() -> Result<&'static str, Failed> {
    let usable = || succeeds(program("python3").args(["-c", "import venv, ensurepip"]));
    if !usable() && can_apt() {
        apt_install(&["python3", "python3-venv"])?;
    }
    match usable() {
        true => Ok("python3"),
        false => Err(Failed::new(
            "The test against the real Alembic needs python3 with its venv module (Debian, Ubuntu: apt-get install \
             python3-venv). LIMBECK_TEST_ALEMBIC may name an alembic program that is there already, with psycopg2.",
        )),
    }
}

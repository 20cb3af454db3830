//! PgBouncer, for the test that connects through it.

use std::env;
use std::path::PathBuf;

use crate::postgres::{apt_install, can_apt};
use crate::run::Failed;

/// Where distributions put it besides the PATH.
const SBIN: &str = "/usr/sbin";

/// The program `pgbouncer`: the one on the PATH, else the distribution's package.
pub(crate) fn ensure() -> Result<PathBuf, Failed> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if can_apt() {
        apt_install(&["pgbouncer"])?;
    }
    find().ok_or_else(|| {
        Failed::new(
            "The test behind a pooler needs PgBouncer (Debian, Ubuntu: apt-get install pgbouncer; Fedora: dnf install \
             pgbouncer; macOS: brew install pgbouncer).",
        )
    })
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from(SBIN)]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

//! Chromium, for the test that looks at the page for operators.

use std::env;
use std::path::PathBuf;

use crate::postgres::{apt_install, can_apt};
use crate::run::Failed;

/// What distributions call it.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// The program: `LIMBECK_TEST_CHROMIUM`, else one on the PATH, else the distribution's package.
pub(crate) fn ensure() -> Result<PathBuf, Failed> {
    if let Some(given) = env::var_os("LIMBECK_TEST_CHROMIUM").filter(|value| !value.is_empty()) {
        return Ok(given.into());
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    if can_apt() {
        apt_install(&["chromium"])?;
    }
    find().ok_or_else(|| {
        Failed::new(
            "The test of the page for operators needs Chromium (Debian, Ubuntu: apt-get install chromium; Fedora: dnf \
             install chromium; macOS: brew install chromium). LIMBECK_TEST_CHROMIUM may name one that is there already.",
        )
    })
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let programs = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    programs.into_iter().find(|program| program.is_file())
}

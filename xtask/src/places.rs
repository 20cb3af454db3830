//! Where things are: decided here and nowhere else.

use std::env;
use std::path::{Path, PathBuf};

use crate::run::Failed;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    // Cargo says where xtask's sources are now; the path compiled in may be that of a clone that has moved.
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map(Path::to_owned).unwrap_or(manifest)
}

/// Limbeck's folder in the user's cache: outside the clone, so that clean clones share what was built.
pub(crate) fn cache_dir() -> Result<PathBuf, Failed> {
    let var = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = var("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache =
        cache.or_else(|| env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".cache")));
    let cache = cache.ok_or_else(|| Failed::new("no home directory: set HOME, or XDG_CACHE_HOME"))?;
    Ok(cache.join("limbeck"))
}

/// Where Cargo builds: `CARGO_TARGET_DIR`, else `target` in [`cache_dir`].
pub(crate) fn target_dir() -> Result<PathBuf, Failed> {
    match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
        // A relative one counts from where the user is, as it does for Cargo.
        Some(target) => {
            std::path::absolute(target).map_err(|why| Failed::new(format!("CARGO_TARGET_DIR: {why}")))
        }
        None => Ok(cache_dir()?.join("target")),
    }
}

/// The conformance data, which is kept beside the clone because of its size.
pub(crate) fn conformance_dir() -> Result<PathBuf, Failed> {
    let given = env::var_os("LIMBECK_CONFORMANCE_DIR").filter(|value| !value.is_empty());
    let dir = given.map_or_else(|| root().join("../shared/conformance"), PathBuf::from);
    let dir = std::path::absolute(&dir).unwrap_or(dir);
    match dir.join("graph.jsonl").is_file() {
        true => Ok(dir),
        false => Err(Failed::new(format!(
            "the conformance data is missing: {} is not there.\n\
             It is kept beside this repository, in shared/conformance; LIMBECK_CONFORMANCE_DIR may name another \
             folder with graph.jsonl in it.",
            dir.join("graph.jsonl").display()
        ))),
    }
}

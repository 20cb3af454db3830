//! The programs of the major versions that tests run on.

use std::env;
use std::path::PathBuf;

use limbeck::local::Programs;

/// Debian's of 15; of 16 and 18 those that `cargo xtask test` fetches.
pub(crate) fn programs_of(major: u32) -> Programs {
    let folder = match major {
        16 => fetched().join("pginstall/bin"),
        18 => fetched().join("pginstall18/bin"),
        _ => return Programs::of_major(major).unwrap(),
    };
    let missing = || panic!("no PostgreSQL {major} in {}: run `cargo xtask test`", folder.display());
    Programs::in_folder(&folder).unwrap_or_else(missing)
}

fn fetched() -> PathBuf {
    let folder = env::var_os("LIMBECK_TEST_PGSERVER").map(PathBuf::from);
    folder.unwrap_or_else(|| {
        panic!("LIMBECK_TEST_PGSERVER must name the servers that `cargo xtask test` fetches")
    })
}

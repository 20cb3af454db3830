//! Makes sure that Cargo watches the folder: a macro cannot ask for it, a build script can.

use std::path::{Component, Path, PathBuf};

use crate::embed::Package;

/// Fails unless the package has a build script that runs again when something in `folder` changes.
pub(crate) fn check(folder: &str, package: &Package) -> Result<(), String> {
    let Some(out_dir) = &package.out_dir else {
        return Err(advice(folder, "without a build script, Cargo would not notice a new revision file"));
    };
    // Cargo keeps what the script printed beside its OUT_DIR. Should it stop to do so, we trust the script.
    let printed = out_dir.parent().and_then(|dir| std::fs::read_to_string(dir.join("output")).ok());
    match printed {
        Some(printed) if !watches(&printed, &package.root, folder) => Err(advice(
            folder,
            "the build script does not watch the folder: a new revision would not be noticed",
        )),
        _ => Ok(()),
    }
}

fn advice(folder: &str, what: &str) -> String {
    format!(
        "{what}\n  help: put this into the package's build.rs:\n\n    fn main() {{\n        \
         println!(\"cargo::rerun-if-changed={folder}\");\n    }}\n"
    )
}

/// Whether a build script that printed this runs again when `folder` changes. One that never says
/// `rerun-if-...` runs again whenever any file of the package changes.
fn watches(printed: &str, root: &Path, folder: &str) -> bool {
    let lines =
        || printed.lines().filter_map(|line| line.strip_prefix("cargo:")).map(|l| l.trim_start_matches(':'));
    if !lines().any(|line| line.starts_with("rerun-if-")) {
        return !folder.starts_with("..");
    }
    let folder = plain(&root.join(folder));
    lines()
        .filter_map(|line| line.strip_prefix("rerun-if-changed="))
        .any(|path| folder.starts_with(plain(&root.join(path.trim()))))
}

/// The path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::watches;

    #[test]
    fn knows_when_cargo_would_look_again() {
        let cases = [
            ("", "m/versions", true),
            ("cargo::rustc-cfg=x\n", "m/versions", true),
            ("", "../m/versions", false),
            ("cargo::rerun-if-changed=m/versions\n", "m/versions", true),
            ("cargo:rerun-if-changed=./m\n", "m/versions/", true),
            ("cargo::rerun-if-changed=/pkg/m/versions\n", "m/versions", true),
            ("cargo::rerun-if-changed=../m/versions\n", "../m/versions", true),
            ("cargo::rerun-if-changed=build.rs\n", "m/versions", false),
            ("cargo::rerun-if-changed=m/versions/001.sql\n", "m/versions", false),
            ("cargo::rerun-if-env-changed=X\n", "m/versions", false),
        ];
        for (printed, folder, expected) in cases {
            assert_eq!(watches(printed, Path::new("/pkg"), folder), expected, "{printed:?} {folder}");
        }
    }
}

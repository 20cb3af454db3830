//! Finding and reading `limbeck.toml`: the only part that touches files.

use std::io;
use std::path::{Path, PathBuf};

use limbeck_core::problem::{Code, Problem};

use super::file::{ConfigFile, Given};
use super::values::Config;

/// The name that is looked for.
pub const FILE_NAME: &str = "limbeck.toml";

/// The file that `-c` names, or the nearest one in `cwd` or above it.
///
/// # Errors
/// [`Code::ConfigMissing`]: no such file, or none found; the second says where was looked.
pub fn find(given: Option<&Path>, cwd: &Path) -> Result<PathBuf, Problem> {
    if let Some(path) = given {
        return named(path, cwd);
    }
    let found = cwd.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let message = format!("there is no {FILE_NAME} in {} or a folder above it", cwd.display());
        Problem::new(Code::ConfigMissing, message)
            .help("run `limbeck init` to begin a project, or name the file with -c")
    })
}

fn named(given: &Path, cwd: &Path) -> Result<PathBuf, Problem> {
    let path = cwd.join(given);
    if path.extension().is_some_and(|extension| extension == "ini") {
        return beside_alembic(given, &path);
    }
    let missing = |what: String, help: &str| Err(Problem::new(Code::ConfigMissing, what).help(help));
    if path.is_dir() {
        let inside = path.join(FILE_NAME);
        if inside.is_file() {
            return Ok(inside);
        }
        return missing(
            format!("the folder {} has no {FILE_NAME}", given.display()),
            "run `limbeck init` there, or name a file with -c",
        );
    }
    if path.exists() {
        return Ok(path);
    }
    missing(format!("no such file: {}", given.display()), "correct the path after -c (or --config)")
}

/// Finds, reads and checks the configuration, and picks the section.
///
/// # Errors
/// As [`find`], [`ConfigFile::parse`] and [`ConfigFile::select`]; a file that cannot be read.
pub fn load(given: Given<'_>, cwd: &Path) -> Result<Config, Problem> {
    let path = find(given.file, cwd)?;
    let shown = path.strip_prefix(cwd).unwrap_or(&path).display().to_string();
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&shown, &error))?;
    ConfigFile::parse(&path, &shown, &text)?.select(given.name)
}

fn unreadable(shown: &str, error: &io::Error) -> Problem {
    let help = match error.kind() {
        io::ErrorKind::InvalidData => "TOML is UTF-8 text; save the file as such",
        _ => "check the file's permissions",
    };
    Problem::new(Code::ConfigMissing, format!("{shown} cannot be read: {error}")).help(help)
}

/// Old scripts say `-c alembic.ini`: they mean the project of that folder.
fn beside_alembic(given: &Path, path: &Path) -> Result<PathBuf, Problem> {
    let beside = path.with_file_name(FILE_NAME);
    if beside.is_file() {
        return Ok(beside);
    }
    let message =
        format!("{} is Alembic's configuration, and there is no {FILE_NAME} beside it", given.display());
    Err(Problem::new(Code::ConfigMissing, message)
        .help(format!("limbeck reads {FILE_NAME}: run `limbeck init` there to begin one")))
}

//! Runs other programs, and says which one failed.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::places;

/// Why xtask stops, and the exit code that it stops with.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) why: String,
    pub(crate) code: u8,
}

impl Failed {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), code: 1 }
    }
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::new(why)
    }
}

pub(crate) type Done = Result<(), Failed>;

/// A program run from the repository's root, without the variables that Cargo gave to xtask alone.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(places::root());
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR" {
            command.env_remove(&variable);
        }
    }
    command
}

/// `cargo`, the one that runs xtask, building where [`places::target_dir`] says.
pub(crate) fn cargo() -> Result<Command, Failed> {
    let mut cargo = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.env("CARGO_TARGET_DIR", places::target_dir()?);
    Ok(cargo)
}

/// Runs a command to its end; its exit code becomes ours.
pub(crate) fn run(command: &mut Command) -> Done {
    let shown = show(command);
    eprintln!("xtask: {shown}");
    let status = command.status().map_err(|why| Failed::new(format!("{shown}: {why}")))?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Failed { why: format!("{shown}: {status}"), code })
}

/// Whether the command can be started and succeeds; it prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// What the command prints, if it succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn show(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(name).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

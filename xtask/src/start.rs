//! `cargo xtask start`: the local service, from sources to a listening port.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::places;
use crate::run::{Done, Failed, cargo, program, run};

/// Builds both programs and becomes `limbeck start ARGS -- adapter ARGS`.
pub(crate) fn start(args: &[OsString]) -> Done {
    run(cargo()?.args(["build", "--package", "limbeck-cli", "--package", "adapter"]))?;
    let bin = places::target_dir()?.join("debug");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(bin.clone()).chain(env::split_paths(&path)))
        .map_err(|why| Failed::new(format!("{}: {why}", bin.display())))?;
    let split = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (to_limbeck, to_adapter) = args.split_at(split);
    become_it(
        program(bin.join("limbeck").with_extension(env::consts::EXE_EXTENSION))
            .current_dir(places::root().join("apps/adapter"))
            .env("PATH", path)
            .arg("start")
            .args(to_limbeck)
            .args([OsStr::new("--"), OsStr::new("adapter")])
            .args(to_adapter.iter().skip(1)),
    )
}

/// Replaces this process, so that Ctrl-C and the exit code need no passing on.
#[cfg(unix)]
fn become_it(command: &mut Command) -> Done {
    use std::os::unix::process::CommandExt as _;
    let why = command.exec();
    Err(Failed::new(format!("{}: {why}", command.get_program().display())))
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> Done {
    run(command)
}

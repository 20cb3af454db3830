//! `cargo xtask ci`: what must hold before a change lands, the quickest checks first.

use std::process::Command;

use crate::run::{Done, Failed, cargo, run};
use crate::{containers, test};

/// Runs every check; the first that fails ends it.
pub(crate) fn ci() -> Done {
    run(cargo()?.args(["fmt", "--all", "--check"]))?;
    run(ci_cargo()?.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    test::test(&[])?;
    containers::containers(&[])?;
    // The binary and the library are both called limbeck: their pages would overwrite each other.
    for targets in [&["--workspace", "--lib"][..], &["--package", "limbeck-cli", "--bins"]] {
        run(ci_cargo()?.args(["doc", "--no-deps"]).args(targets).env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    run(ci_cargo()?.args(PACKAGE))
}

/// What would be published, without building it a second time.
const PACKAGE: &[&str] = &[
    "package",
    "--workspace",
    "--exclude",
    "adapter",
    "--exclude",
    "web",
    "--exclude",
    "xtask",
    "--no-verify",
    "--allow-dirty",
];

fn ci_cargo() -> Result<Command, Failed> {
    let mut cargo = cargo()?;
    cargo.arg("--locked");
    Ok(cargo)
}

//! `post_upgrade_hooks`: what a developer's machine does after the schema changed, such as `cargo sqlx prepare`.

use std::process::Stdio;

use limbeck::config::Environment;
use tokio::process::Command;

use crate::app::{App, cancelled};
use crate::exit::Failure;
use crate::new_file::hook_failed;
use crate::output;
use crate::reporter::Verbosity;

/// Runs the hooks one after another, with the database's URL as DATABASE_URL; the first that fails ends it. They are for
/// a developer's working copy: in CI and where the configuration says `environment = "production"` a line says that
/// they are left out.
///
/// # Errors
/// A hook fails, or a signal comes; the upgrade is done all the same.
pub(super) async fn run(app: &App) -> Result<(), Failure> {
    let config = app.config()?;
    if config.post_upgrade_hooks.is_empty() {
        return Ok(());
    }
    let elsewhere = match config.environment {
        Environment::Production => Some("environment is \"production\""),
        _ if is_ci() => Some("CI is set"),
        _ => None,
    };
    if let Some(why) = elsewhere {
        if app.verbosity() == Verbosity::Normal {
            output::progress(&format!("Leaving out post upgrade hooks, since {why}."));
        }
        return Ok(());
    }
    let url = app.database().await?.full_url();
    for hook in &config.post_upgrade_hooks {
        if app.verbosity() == Verbosity::Normal {
            output::progress(&format!("Running post upgrade hook \"{}\" ...", hook.name));
        }
        let Some((program, arguments)) = hook.command.split_first() else { continue };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&config.folder)
            .env("DATABASE_URL", &url)
            .env_remove("LIMBECK_URL");
        // What a hook prints is no result of limbeck's. The local database lives in this process, so it must not wait
        // idly for the hook.
        command.stdin(Stdio::null()).stdout(std::io::stderr()).kill_on_drop(true);
        let status = tokio::select! {
            status = command.status() => status,
            () = app.cancelled() => return Err(cancelled().into()),
        };
        let why = match status {
            Ok(status) if status.success() => continue,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        return Err(hook_failed("upgrade", hook, &hook.command, &why)
            .note("the upgrade itself is done")
            .help("run the command by hand, or correct `post_upgrade_hooks` in limbeck.toml")
            .into());
    }
    Ok(())
}

/// Whether this is a run of a CI service: all of them set CI.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

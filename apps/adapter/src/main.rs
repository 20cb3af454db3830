//! The adapter service of Transform Army AI.

#![expect(clippy::print_stderr, reason = "a program says on stderr why it cannot go on")]

mod actions;
mod api;
mod audit;
mod auth;
mod db;
mod edge;
mod health;
mod idempotency;
mod json;
mod logging;
mod metrics;
mod migrations;
mod models;
mod openapi;
mod options;
mod origin;
mod page;
mod probe;
mod problem;
mod query;
mod rate_limit;
mod roles;
mod router;
mod server;
mod state;
mod tenant;

use std::process::ExitCode;

use options::{Options, Task};

/// Why the adapter stops. Texts are for operators, and hold no password.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(early) => return early,
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("adapter: {why:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: Options) -> Result<(), Failure> {
    logging::set_up(options.log_format)?;
    match options.task()? {
        Task::Migrate { url } => migrations::upgrade(url, &options.roles).await,
        Task::Serve { url } => {
            let connect = server::connect_options(url)?;
            server::serve(options, connect).await
        }
        Task::Probe => probe::ask(&options.host, options.port),
    }
}

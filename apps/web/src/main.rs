//! A page for operators: what is migrated, what is pending, what runs. It asks the adapter, and changes nothing.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should panic"))]
#![expect(clippy::print_stderr, reason = "a program says on stderr why it cannot go on")]

mod adapter;
mod answer;
mod graph;
mod logging;
mod options;
mod page;
mod parts;
mod probe;
mod server;
mod text;
mod trouble;
mod verdict;

use std::process::ExitCode;

use options::{Options, Task};

/// Why the program stops. Texts are for operators, and hold no key.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(early) => return early,
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("web: {why}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: &Options) -> Result<(), Failure> {
    match options.task() {
        Task::Probe => probe::probe(options).await,
        Task::Serve => {
            logging::set_up()?;
            server::serve(options).await
        }
    }
}

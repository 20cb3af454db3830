//! A question on the terminal, before something that cannot be taken back.

use std::io::{BufRead, IsTerminal, Write};

use limbeck::Error;
use tokio::sync::oneshot;

use crate::app::{App, cancelled};
use crate::output;

/// Whether somebody is there who can be asked.
pub(crate) fn can_be_asked() -> bool {
    std::io::stdin().is_terminal() && output::is_watched()
}

/// Asks, and waits for the answer; nothing but `y` or `yes` is a yes.
///
/// # Errors
/// A signal came instead of an answer.
pub(crate) async fn confirmed(app: &App, question: &str) -> Result<bool, Error> {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let (sender, answer) = oneshot::channel();
    // A thread of its own: one of the runtime's would be waited for, though nobody answers any more.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // Nobody listens where a signal came first.
        let _ = sender.send(read.map(|_| line).unwrap_or_default());
    });
    tokio::select! {
        answer = answer => {
            let answer = answer.unwrap_or_default().trim().to_ascii_lowercase();
            Ok(["y", "yes"].contains(&answer.as_str()))
        }
        () = app.cancelled() => {
            output::progress("");
            Err(cancelled())
        }
    }
}

//! The two streams: results on stdout, everything else on stderr. A reader that goes away (`| head`) is
//! no error.

use std::io::{ErrorKind, IsTerminal, Write};

use serde::Serialize;

/// Prints a line of a result.
pub(crate) fn line(text: &str) {
    written(writeln!(std::io::stdout().lock(), "{text}"));
}

/// Prints a result that has its own line ends.
pub(crate) fn text(text: &str) {
    let mut stdout = std::io::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// A result that is cut off must not look like one: a full disk ends the program.
fn written(outcome: std::io::Result<()>) {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            error_line(&format!("cannot write the result: {error}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Prints a result as JSON.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(error) => error_line(&format!("cannot print JSON: {error}")),
    }
}

/// Prints progress.
pub(crate) fn progress(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Asks something; the answer follows on the same line.
pub(crate) fn question(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}

/// Prints an error that has no place in any file.
pub(crate) fn error_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {text}");
}

/// Whether somebody watches stderr.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether to colour stderr: somebody watches, and `NO_COLOR` does not forbid it.
pub(crate) fn is_coloured() -> bool {
    is_watched() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

//! Before data is destroyed: say what, and ask where somebody can answer.

use std::io::{IsTerminal, stderr, stdin};

use limbeck::config::Environment;
use limbeck::{Amount, Loss, Losses, UntoldLoss};
use limbeck_core::problem::Place;
use limbeck_core::{Code, Problem};
use serde_json::{Value, json};

use crate::app::{App, cancelled};
use crate::exit::Failure;
use crate::output;

/// Whether somebody said beforehand that data may be destroyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Consent {
    /// Nobody said so.
    #[default]
    Unsaid,
    /// `--allow-data-loss`, `--yes`.
    Given,
}

impl Consent {
    /// What a flag says.
    pub(super) fn given_by(flag: bool) -> Self {
        if flag { Self::Given } else { Self::Unsaid }
    }
}

/// Lists what a run would destroy. Production wants consent beforehand; a terminal is asked; elsewhere it
/// goes on, as scripts expect.
pub(super) async fn obtain(app: &App, losses: &Losses, consent: Consent, what: &str) -> Result<(), Failure> {
    if losses.is_empty() {
        return Ok(());
    }
    let verb = verb(losses);
    output::progress(&format!("warning: this {what} {verb} data:"));
    losses.lines().for_each(|line| output::progress(&format!("  {line}")));
    require_in_production(app, losses, consent, what)?;
    if consent == Consent::Given || !somebody_answers() {
        return Ok(());
    }
    ask(app, "Go on?", what).await
}

/// Data in production goes only where somebody said so beforehand.
pub(super) fn require_in_production(
    app: &App,
    losses: &Losses,
    consent: Consent,
    what: &str,
) -> Result<(), Failure> {
    let is_careful = app.config()?.environment == Environment::Production;
    if losses.is_empty() || consent == Consent::Given || !is_careful {
        return Ok(());
    }
    Err(refused(what, verb(losses)).into())
}

/// How sure it is.
pub(super) fn verb(losses: &Losses) -> &'static str {
    if losses.losses.is_empty() { "may destroy" } else { "destroys" }
}

fn refused(what: &str, verb: &str) -> Problem {
    Problem::new(Code::DataLoss, format!("this {what} {verb} data, and this is production"))
        .note("nothing was changed")
        .help("make a backup, then allow it with --allow-data-loss")
}

/// Whether there is a person: a question to a script would wait for ever.
pub(super) fn somebody_answers() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Goes on only after `y` or `yes`.
pub(super) async fn ask(app: &App, question: &str, what: &str) -> Result<(), Failure> {
    if agreed(app, question).await? {
        return Ok(());
    }
    Err(Problem::new(Code::Cancelled, format!("the {what} was not begun"))
        .note("nothing was changed")
        .help("answer `y` to go on")
        .into())
}

/// Whether the answer is `y` or `yes`.
pub(super) async fn agreed(app: &App, question: &str) -> Result<bool, Failure> {
    output::question(&format!("{question} [y/N] "));
    let (send, answer) = tokio::sync::oneshot::channel();
    // A thread of its own: a signal must end the wait, and nothing waits for this thread then.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = stdin().read_line(&mut line);
        let _ = send.send(line);
    });
    let line = tokio::select! {
        line = answer => line.unwrap_or_default(),
        () = app.cancelled() => {
            output::progress("");
            return Err(cancelled().into());
        }
    };
    Ok(["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str()))
}

/// As JSON.
pub(super) fn view(losses: &Losses) -> Value {
    let at = |place: &Place| json!({ "file": place.source.name(), "line": place.source.line_column(place.span.start).0 });
    let loss = |loss: &Loss| {
        let (rows, exact) = match loss.amount {
            Amount::Exactly(rows) => (Some(rows), true),
            Amount::About(rows) => (Some(rows), false),
            Amount::Unknown => (None, false),
        };
        json!({
            "kind": loss.kind.as_str(),
            "name": loss.name,
            "rows": rows,
            "exact": exact,
            "revision": loss.revision.as_str(),
            "place": at(&loss.place),
        })
    };
    let untold = |untold: &UntoldLoss| {
        json!({
            "kind": "untold",
            "what": untold.what.to_string(),
            "revision": untold.revision.as_str(),
            "place": at(&untold.place),
        })
    };
    losses.losses.iter().map(loss).chain(losses.untold.iter().map(untold)).collect()
}

//! Log lines: of `start`, and what the server says meanwhile (`RAISE NOTICE`).

use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::output;

/// Where the driver reports what the server says.
const NOTICES: &str = "sqlx::postgres::notice";

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Time, level, sentence
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Shows the server's notices as psql does.
pub(crate) fn notices() {
    tracing_subscriber::registry().with(from_server()).init();
}

/// Whether `start` runs: then every line is a log line.
static ARE_LINES: AtomicBool = AtomicBool::new(false);

/// Tells something in passing, in the form of the moment.
pub(crate) fn progress(text: &str) {
    if ARE_LINES.load(Ordering::Relaxed) {
        tracing::info!("migration: {text}");
    } else {
        output::progress(text);
    }
}

/// As [`progress`], of what went wrong without being an error of the run.
pub(crate) fn warning(text: &str) {
    if ARE_LINES.load(Ordering::Relaxed) {
        tracing::warn!("migration: {text}");
    } else {
        output::progress(&format!("warning: {text}"));
    }
}

/// Writes log lines to stderr.
pub(crate) fn lines(format: LogFormat) {
    ARE_LINES.store(true, Ordering::Relaxed);
    let targets = Targets::new().with_target("limbeck", LevelFilter::INFO);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(output::is_coloured());
    let layer = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(false).boxed(),
    };
    // The notices' layer comes last: it hands them to the one before it.
    tracing_subscriber::registry().with(layer.with_filter(targets)).with(from_server()).init();
}

/// What the server says, as `start` or psql shows it.
fn from_server<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    Notices.with_filter(Targets::new().with_target(NOTICES, LevelFilter::INFO))
}

struct Notices;

impl<S: tracing::Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        progress(&format!("NOTICE:  {}", message.0));
    }
}

struct Message(String);

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

use std::time::Duration;

use clap::Args;
use limbeck::StateOptions;
use limbeck::log::{self, Log as Journal, LogEntry, LogFilter};
use serde_json::{Value, json};

use crate::app::{self, App};
use crate::database::Database;
use crate::exit::Failure;
use crate::output;
use crate::reporter::Verbosity;

/// Show what was done to the database: who, when, how long, with which file
///
/// Newest first. The journal is read, and no revision file: what another branch or release did is shown
/// too. Times are in UTC. A file's checksum does not count comments and white space.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Only these revisions: ids, or their beginnings
    #[arg(value_name = "REVISION")]
    revisions: Vec<String>,
    /// Only the newest N entries
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Show whole checksums, parents and version rows
    #[arg(short, long)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Log {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let options = StateOptions::of(app.config()?);
        let filter = LogFilter { revisions: &self.revisions, limit: self.limit };
        let work = async {
            let mut connection = app.database().await?.connect("limbeck").await?;
            let journal = log::read(&mut connection, &options, filter).await;
            Database::disconnect(connection).await;
            journal
        };
        let journal = tokio::select! {
            journal = work => journal?,
            () = app.cancelled() => return Err(app::cancelled().into()),
        };
        let (entries, nothing) = match &journal {
            Journal::NoJournal => (&[][..], "There is no journal: limbeck has changed nothing in this database."),
            Journal::Entries(entries) => (&entries[..], "The journal is empty."),
        };
        if self.json {
            output::json(&entries.iter().map(view).collect::<Vec<_>>());
        } else if !entries.is_empty() {
            let texts: Vec<String> = entries.iter().map(|entry| text(entry, self.verbose)).collect();
            output::text(&texts.join("\n"));
        }
        if entries.is_empty() && app.verbosity() == Verbosity::Normal {
            output::progress(nothing);
        }
        Ok(())
    }
}

/// One entry as lines: what and when, then the rest, indented.
fn text(entry: &LogEntry, verbose: bool) -> String {
    let LogEntry { revision, message, direction, .. } = entry;
    let message = message.lines().next().unwrap_or_default();
    let mut lines = vec![
        format!("{direction} {revision}, {message}"),
        format!("    {} UTC{}", seconds(&entry.started_at), outcome(entry)),
        format!("    by {}, {}", entry.database_user, entry.client),
    ];
    if let Some(checksum) = &entry.checksum {
        lines.push(format!("    file {}", if verbose { checksum } else { short(checksum) }));
    }
    if verbose {
        lines.extend(details(entry));
    }
    lines.extend(entry.intent.iter().map(|intent| format!("    outcome unknown: {intent}")));
    lines.extend(entry.note.iter().map(|note| format!("    note: {}", note.replace('\n', "\n          "))));
    lines.push(String::new());
    lines.join("\n")
}

fn details(entry: &LogEntry) -> impl Iterator<Item = String> {
    let list = |name: &str, ids: &[String]| (!ids.is_empty()).then(|| format!("    {name} {}", ids.join(", ")));
    let rows = entry.version_rows.as_ref().map(|rows| match rows.is_empty() {
        true => "    rows afterwards: none (base)".to_owned(),
        false => format!("    rows afterwards: {}", rows.join(", ")),
    });
    let downgrade = entry.downgrade_checksum.as_ref().map(|sum| format!("    its downgrade {sum}"));
    let lines = [downgrade, list("parents:", &entry.parents), list("depends on:", &entry.depends_on), rows];
    lines.into_iter().flatten()
}

/// How it ended, or that it did not.
fn outcome(entry: &LogEntry) -> String {
    let LogEntry { segment, segments, .. } = entry;
    match (entry.state.as_str(), entry.elapsed) {
        ("running", _) => format!(", UNFINISHED: {segment} of {segments} segments are committed"),
        ("void", _) => format!(", given up after {segment} of {segments} segments"),
        // Bookkeeping takes no time worth telling.
        (_, Some(elapsed)) if *segments > 0 => format!(", took {}", duration(elapsed)),
        _ => String::new(),
    }
}

/// A time without its fraction.
fn seconds(time: &str) -> &str {
    time.split_once('.').map_or(time, |(seconds, _)| seconds)
}

/// Enough of a checksum to tell two apart: the format's number and twelve digits.
pub(super) fn short(checksum: &str) -> &str {
    let end = checksum.find(':').map_or(0, |at| at + 1) + 12;
    checksum.get(..end).unwrap_or(checksum)
}

fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0 => format!("{} ms", elapsed.as_millis()),
        1..60 => format!("{:.1} s", elapsed.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn view(entry: &LogEntry) -> Value {
    let utc = |time: &String| format!("{}Z", time.replacen(' ', "T", 1));
    json!({
        "id": entry.id,
        "revision": entry.revision,
        "message": entry.message,
        "parents": entry.parents,
        "depends_on": entry.depends_on,
        "direction": entry.direction,
        "state": entry.state,
        "started_at": utc(&entry.started_at),
        "finished_at": entry.finished_at.as_ref().map(utc),
        "elapsed_seconds": entry.elapsed.map(|elapsed| elapsed.as_secs_f64()),
        "checksum": entry.checksum,
        "downgrade_checksum": entry.downgrade_checksum,
        "committed_segments": entry.segment,
        "segments": entry.segments,
        "intent": entry.intent,
        "version_rows": entry.version_rows,
        "database_user": entry.database_user,
        "client": entry.client,
        "note": entry.note,
        "format": entry.format,
    })
}

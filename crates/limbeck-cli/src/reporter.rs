//! A run's events as lines for people, on stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use limbeck::{Blocker, Event, Obstacle};
use limbeck_core::plan::Step;
use limbeck_core::revision::RevisionId;

use crate::output;

/// As many sessions a line names.
const NAMED: usize = 3;

/// Whether progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    Normal,
    /// `--quiet`: warnings only.
    Quiet,
}

/// Turns events into lines, and on a terminal into a spinner that says which statement runs.
pub(crate) struct Reporter {
    verbosity: Verbosity,
    spinner: Option<ProgressBar>,
}

impl Reporter {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self { verbosity, spinner: None }
    }

    /// Renders one event.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::StatementStarted { sql } => self.spin(&first_line(sql)),
            Event::Batch { rows } => self.spin(&format!("{rows} rows so far")),
            _ => {
                if let Some((weight, line)) = sentence(event) {
                    self.say(weight, &line);
                }
            }
        }
    }

    /// Removes the spinner.
    pub(crate) fn finish(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }

    fn say(&mut self, weight: Weight, line: &str) {
        self.finish();
        if weight == Weight::Warning || self.verbosity == Verbosity::Normal {
            output::progress(line);
        }
    }

    fn spin(&mut self, message: &str) {
        if self.verbosity == Verbosity::Quiet || !output::is_watched() {
            return;
        }
        let spinner = self.spinner.get_or_insert_with(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed:>4} {wide_msg}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        spinner.set_message(message.to_owned());
    }
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Progress,
    Warning,
}

/// The line of an event. The run lines are Alembic's, so that scripts that grep for them keep working.
pub(crate) fn sentence(event: &Event<'_>) -> Option<(Weight, String)> {
    let progress = |line: String| Some((Weight::Progress, line));
    let warning = |line: String| Some((Weight::Warning, format!("warning: {line}")));
    match event {
        Event::StepStarted { step, message, .. } => progress(running_line(step, message)),
        Event::Stamped { change } => {
            progress(format!("Running stamp_revision {} -> {}", join(&change.from), join(&change.to)))
        }
        Event::Waiting { holder, waited } => {
            let who = holder.map_or_else(
                || "another session".to_owned(),
                |h| {
                    let address = if h.address.is_empty() { "local" } else { &h.address };
                    format!("`{}` (pid {}, user {}, {address})", h.application, h.pid, h.user)
                },
            );
            warning(format!("waiting for the migration of {who}, {} s so far", waited.as_secs()))
        }
        Event::Ahead { rows } => progress(format!(
            "The database is ahead of these revisions: {} comes from a newer release (or its file is gone). No migration is needed.",
            join(rows)
        )),
        Event::Warning { problem } => {
            let help = problem.help_text().map(|help| format!("; {help}")).unwrap_or_default();
            warning(format!("{}{help}", problem.message()))
        }
        Event::Edited { revision, file } => warning(format!(
            "{file} was edited after revision {revision} was applied: the database has what the file said then \
             (put it back, and make a new revision for the change; or accept the edit: limbeck repair {revision})"
        )),
        Event::Resuming { revision, committed, of } => progress(format!(
            "Going on with the interrupted revision {revision}: {committed} of {of} segments are committed"
        )),
        Event::Blocked { relation, blockers, waited } => warning(blocked(*relation, blockers, *waited)),
        Event::Retrying { obstacle, attempt, of, pause } => warning(format!(
            "{}; rolled back, attempt {attempt} of {of} follows in {:.1} s",
            match obstacle {
                Obstacle::Lock => "a lock was not to be had in time",
                Obstacle::Deadlock => "it was in a deadlock with another session",
                Obstacle::Serialization => "other sessions changed the same rows",
            },
            pause.as_secs_f64()
        )),
        Event::Cancelling => warning("cancelling the running statement ...".to_owned()),
        _ => None,
    }
}

fn blocked(relation: Option<&str>, blockers: &[Blocker], waited: Duration) -> String {
    let what = relation.map_or_else(
        || "waiting for the transaction of ".to_owned(),
        |relation| format!("waiting for a lock on {relation}, held by "),
    );
    let (shown, more) = blockers.split_at(blockers.len().min(NAMED));
    let mut names: Vec<String> = shown.iter().map(ToString::to_string).collect();
    names.extend((!more.is_empty()).then(|| format!("and {} more", more.len())));
    format!("{what}{}, {} s so far", names.join(", "), waited.as_secs())
}

pub(crate) fn running_line(step: &Step, message: &str) -> String {
    let word = step.direction.as_str();
    format!("Running {word} {} -> {}, {message}", join(&step.from), join(&step.to))
}

fn join(ids: &[RevisionId]) -> String {
    let ids: Vec<&str> = ids.iter().map(RevisionId::as_str).collect();
    ids.join(", ")
}

fn first_line(sql: &str) -> String {
    sql.lines().next().unwrap_or_default().trim().to_owned()
}

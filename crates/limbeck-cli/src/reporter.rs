//! A run's events as lines for people, on stderr.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use limbeck::{Blocker, Busy, Event, Obstacle, Then};
use limbeck_core::plan::Step;
use limbeck_core::revision::RevisionId;

use crate::output;

/// How often batches are worth a line.
const LINE_EVERY: Duration = Duration::from_secs(10);

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
    /// The spinner is a bar.
    is_bar: bool,
    batches: BatchLines,
}

impl Reporter {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self { verbosity, spinner: None, is_bar: false, batches: BatchLines::default() }
    }

    /// Renders one event.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::StatementStarted { sql } => self.spin(&first_line(sql)),
            Event::Batch { rows, expected, .. } => match self.watched() {
                true => self.bar(*rows, *expected, &batch_words(event)),
                false => {
                    if let Some(line) = self.batches.line(event) {
                        self.say(Weight::Progress, &line);
                    }
                }
            },
            _ => {
                let Some((weight, line)) = sentence(event) else { return };
                match (&self.spinner, event) {
                    // The statement that the spinner stands for still runs.
                    (Some(spinner), Event::Blocked { .. } | Event::HoldingOn { .. }) => {
                        spinner.suspend(|| self.print(weight, &line));
                    }
                    _ => self.say(weight, &line),
                }
            }
        }
    }

    /// Removes the spinner.
    pub(crate) fn finish(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        self.is_bar = false;
    }

    fn say(&mut self, weight: Weight, line: &str) {
        self.finish();
        self.print(weight, line);
    }

    fn print(&self, weight: Weight, line: &str) {
        if weight == Weight::Warning || self.verbosity == Verbosity::Normal {
            output::progress(line);
        }
    }

    fn spin(&mut self, message: &str) {
        if !self.watched() {
            return;
        }
        if self.is_bar {
            self.finish();
        }
        let spinner = self.spinner.get_or_insert_with(|| styled(ProgressBar::new_spinner(), SPINNER));
        spinner.set_message(message.to_owned());
    }

    /// A bar, if anybody knows how long it is.
    fn bar(&mut self, rows: u64, expected: Option<u64>, message: &str) {
        let Some(expected) = expected.filter(|expected| rows <= *expected) else { return self.spin(message) };
        if !self.is_bar {
            self.finish();
        }
        let bar = self.spinner.get_or_insert_with(|| styled(ProgressBar::new(expected), BAR));
        self.is_bar = true;
        bar.set_position(rows);
        bar.set_message(message.to_owned());
    }

    fn watched(&self) -> bool {
        self.verbosity == Verbosity::Normal && output::is_watched()
    }
}

const SPINNER: &str = "  {spinner} {elapsed:>4} {wide_msg}";
const BAR: &str = "  {spinner} {elapsed:>4} {bar:20} {wide_msg}";

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Batches as lines every few seconds, where nobody watches.
#[derive(Debug, Default)]
pub(crate) struct BatchLines {
    said: Option<Instant>,
}

impl BatchLines {
    /// The line, if it is time for one.
    pub(crate) fn line(&mut self, event: &Event<'_>) -> Option<String> {
        let Event::Batch { revision, elapsed, .. } = event else { return None };
        let begun = Instant::now().checked_sub(*elapsed);
        let last = self.said.max(begun)?;
        if last.elapsed() < LINE_EVERY {
            return None;
        }
        self.said = Some(Instant::now());
        Some(format!("Batches of {revision}: {}", batch_words(event)))
    }
}

/// How far batches came, how fast, and how long it will take.
fn batch_words(event: &Event<'_>) -> String {
    let Event::Batch { rows, earlier, expected, elapsed, .. } = event else { return String::new() };
    let rate = rows.saturating_sub(*earlier) as f64 / elapsed.as_secs_f64().max(0.001);
    let expected = expected.filter(|expected| rows <= expected);
    let mut words = match expected {
        Some(expected) => format!("{} of about {} rows", grouped(*rows), grouped(expected)),
        None => format!("{} rows", grouped(*rows)),
    };
    let _ = write!(words, ", {} rows/s", grouped(rate as u64));
    if let Some(expected) = expected.filter(|_| rate > 0.0) {
        let left = Duration::try_from_secs_f64((expected - rows) as f64 / rate).unwrap_or(Duration::MAX);
        let _ = write!(words, ", about {} left", HumanDuration(left));
    }
    words
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    HumanCount(number).to_string()
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
        Event::Emptied { objects: 1 } => progress("Dropped 1 object".to_owned()),
        Event::Emptied { objects } => progress(format!("Dropped {objects} objects")),
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
        Event::Resuming { revision, committed, of, rows } => {
            let batches = match rows {
                0 => String::new(),
                rows => format!(", and the batches so far have touched {} rows", grouped(*rows)),
            };
            progress(format!(
                "Going on with the interrupted revision {revision}: {committed} of {of} segments are committed{batches}"
            ))
        }
        Event::Settled { statement, found, then, .. } => progress(format!(
            "The interrupted statement ({}): {found}, so {}",
            shortened(statement),
            match then {
                Then::GoesOn => "it is not run again".to_owned(),
                Then::Mends(statements) => format!("first: {}", statements.join("; ")),
                _ => "it runs again".to_owned(),
            }
        )),
        Event::HoldingOn { busy, waited } => {
            let why = match busy {
                Busy::Lag { lag, allowed } => format!(
                    "a replica is {:.1} s behind (max_lag is {} s)",
                    lag.as_secs_f64(),
                    allowed.as_secs_f64()
                ),
                Busy::Active { sessions, allowed } => {
                    format!("{sessions} other sessions are active (max_active is {allowed})")
                }
            };
            warning(format!("the next batch waits: {why}, {} s so far", waited.as_secs()))
        }
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

/// A statement in the middle of a sentence.
pub(crate) fn shortened(statement: &str) -> String {
    const WIDTH: usize = 80;
    if statement.chars().count() <= WIDTH {
        return statement.to_owned();
    }
    statement.chars().take(WIDTH - 3).collect::<String>() + "..."
}

fn first_line(sql: &str) -> String {
    sql.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use limbeck::{Blocker, Event};
    use limbeck_core::revision::RevisionId;

    use super::{Weight, batch_words, sentence};

    fn blocker(pid: i32, state: &str, since: u64, transaction: u64) -> Blocker {
        Blocker {
            pid,
            application: "psql".to_owned(),
            user: "bob".to_owned(),
            address: String::new(),
            state: state.to_owned(),
            since: Some(Duration::from_secs(since)),
            transaction: Some(Duration::from_secs(transaction)),
            query: "LOCK TABLE busy".to_owned(),
        }
    }

    #[test]
    fn who_is_in_the_way() {
        let blockers = [
            blocker(123, "idle in transaction", 12, 12),
            blocker(7, "active", 3, 4000),
            blocker(0, "", 0, 0),
        ];
        let say = |relation, blockers: &[Blocker]| {
            sentence(&Event::Blocked { relation, blockers, waited: Duration::from_millis(1500) })
        };
        let line = "warning: waiting for a lock on busy, held by session 123 (psql, user bob, idle in transaction for 12 s), \
                    session 7 (psql, user bob, active for 3 s, in a transaction for 66 min), a prepared transaction (see \
                    pg_prepared_xacts), 1 s so far";
        assert_eq!(say(Some("busy"), &blockers), Some((Weight::Warning, line.to_owned())));
        let line = "warning: waiting for the transaction of session 7 (psql, user bob, active for 3 s, in a transaction for \
                    66 min), session 7 (psql, user bob, active for 3 s, in a transaction for 66 min), session 7 (psql, user \
                    bob, active for 3 s, in a transaction for 66 min), and 2 more, 1 s so far";
        let five = vec![blockers[1].clone(); 5];
        assert_eq!(say(None, &five), Some((Weight::Warning, line.to_owned())));
    }

    #[test]
    fn how_far_batches_are() {
        let revision = RevisionId::new("a1").expect("an id");
        let say = |rows, earlier, expected, seconds| {
            let elapsed = Duration::from_secs(seconds);
            batch_words(&Event::Batch { revision: &revision, rows, earlier, expected, elapsed })
        };
        assert_eq!(
            say(1_000_000, 400_000, Some(10_000_000), 60),
            "1,000,000 of about 10,000,000 rows, 10,000 rows/s, about 15 minutes left"
        );
        // An estimate that has proved wrong is no longer one.
        assert_eq!(say(1_000_001, 0, Some(1_000_000), 100), "1,000,001 rows, 10,000 rows/s");
        assert_eq!(say(10, 10, None, 0), "10 rows, 0 rows/s");
    }
}

//! The state in one sentence, and what to do about it.

use crate::answer::{Database, Migrations, Running, Session};
use crate::text::{clip, count, list, revisions};

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing is to be done.
    Fine,
    /// It is at work, and that is all.
    Working,
    /// Somebody must do something, some time.
    Waiting,
    /// Somebody must do something now.
    Bad,
}

impl Tone {
    /// Its CSS class.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::Bad => "bad",
        }
    }

    /// The tab's mark: a shape of its own for each, as on the page.
    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::Fine => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='8' fill='%231a7f37'/%3E%3Cpath d='M4 8.5l3 3 5-6' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
            }
            Self::Working => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M8 0l8 8-8 8-8-8z' fill='%230a58b8'/%3E%3C/svg%3E"
            }
            Self::Waiting => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%23b36200' stroke-width='4'/%3E%3C/svg%3E"
            }
            Self::Bad => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M8 1l8 14H0z' fill='%23c4161c'/%3E%3C/svg%3E"
            }
        }
    }
}

/// What an operator reads first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) tone: Tone,
    pub(crate) sentence: String,
    /// What follows from it; empty where nothing does.
    pub(crate) more: String,
}

impl Verdict {
    fn new(tone: Tone, sentence: impl Into<String>, more: impl Into<String>) -> Self {
        Self { tone, sentence: sentence.into(), more: more.into() }
    }
}

/// Weighs the state of the database; `failing` are the parts of the adapter that do not work.
pub(crate) fn verdict(state: &Migrations, failing: &[&str]) -> Verdict {
    let Database { running, migrating, pending, .. } = &state.database;
    match (running, migrating) {
        (Some(running), Some(_)) => at_work_on(running),
        (Some(running), None) => interrupted(running),
        (None, Some(session)) => migrating_now(session, pending),
        (None, None) if !pending.is_empty() => waiting(state),
        (None, None) => at_rest(state, failing),
    }
}

fn at_work_on(running: &Running) -> Verdict {
    let sentence = format!("The {} of {} is running.", clip(&running.direction), clip(&running.revision));
    Verdict::new(Tone::Working, sentence, format!("{}.", committed(running)))
}

fn interrupted(running: &Running) -> Verdict {
    let revision = clip(&running.revision);
    let sentence = format!(
        "The {} of {revision} did not finish, and nobody is at work on it.",
        clip(&running.direction)
    );
    let more = if running.needs_verdict {
        format!(
            "{}. Find out whether its statement took effect, say so with `limbeck resolve {revision} --done` or \
             `--not-done`, and run limbeck again.",
            committed(running)
        )
    } else {
        format!(
            "{}. The journal keeps what is done: correct what stopped it, and the next `limbeck {}` goes on from there.",
            committed(running),
            if running.direction == "downgrade" { "downgrade" } else { "upgrade head" }
        )
    };
    Verdict::new(Tone::Bad, sentence, more)
}

fn committed(running: &Running) -> String {
    let rows = usize::try_from(running.batch_rows).unwrap_or(usize::MAX);
    let rows = if rows > 0 { format!(", and {} rows of the next", count(rows)) } else { String::new() };
    format!("{} of {} segments are committed{rows}", running.committed, running.segments)
}

fn migrating_now(session: &Session, pending: &[String]) -> Verdict {
    let what = match session.application.strip_prefix("limbeck ") {
        Some(revision) => format!("A migration is running: {}.", clip(revision)),
        None => "A migration is running.".to_owned(),
    };
    let left = match pending.len() {
        0 => "Nothing else is pending".to_owned(),
        pending => format!("{} not committed yet", revisions(pending)),
    };
    let user = if session.user.is_empty() { String::new() } else { format!(" of {}", clip(&session.user)) };
    Verdict::new(Tone::Working, what, format!("{left}. It is session {}{user}.", session.pid))
}

fn waiting(state: &Migrations) -> Verdict {
    let pending = &state.database.pending;
    let all = state.revisions.len();
    let verb = if pending.len() == 1 { "is" } else { "are" };
    let sentence = match all == pending.len() {
        true => format!("Not ready: the database is empty, {} {verb} pending.", revisions(all)),
        false => format!("Not ready: {} of {} {verb} pending.", count(pending.len()), revisions(all)),
    };
    let more = format!("Next: {}. `limbeck upgrade head` applies what is pending.", list(pending));
    Verdict::new(Tone::Waiting, sentence, more)
}

fn at_rest(state: &Migrations, failing: &[&str]) -> Verdict {
    let Database { rows, ahead, ready, .. } = &state.database;
    let all = match state.revisions.len() {
        0 => "this release has no revisions".to_owned(),
        1 => "the one revision is applied".to_owned(),
        number => format!("all {} are applied", revisions(number)),
    };
    if !failing.is_empty() {
        let sentence = format!("The database is up to date, but the adapter has trouble: {}.", list(failing));
        return Verdict::new(
            Tone::Bad,
            sentence,
            format!("As to migrations, {all}. The parts below say more."),
        );
    }
    if !ready {
        return Verdict::new(
            Tone::Bad,
            "The adapter says that the database is not ready.",
            "Its log says why.",
        );
    }
    if !ahead.is_empty() {
        let sentence =
            format!("Ready: {all}, and the database is ahead, at {} of a newer release.", list(ahead));
        return Verdict::new(Tone::Fine, sentence, "This release runs on a newer one’s database, as it may.");
    }
    let at = if rows.is_empty() { String::new() } else { format!("; the database is at {}", list(rows)) };
    Verdict::new(Tone::Fine, format!("Ready: {all}{at}."), "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Tone, verdict};
    use crate::answer::Migrations;

    /// Two revisions, of which `applied` are applied, and what else the database says.
    fn state(applied: usize, more: serde_json::Value) -> Migrations {
        let revision = |at: usize| {
            json!({ "id": format!("r{at}"), "message": "m", "parents": [], "depends_on": [], "labels": [],
                    "applied": at < applied, "head": at == 1 })
        };
        let pending: Vec<String> = (applied..2).map(|at| format!("r{at}")).collect();
        let mut database = json!({ "rows": ["r1"], "ready": pending.is_empty(), "pending": pending, "ahead": [], "running": null });
        database.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(
            json!({ "database": database, "revisions": [revision(1), revision(0)], "journal": [] }),
        )
        .unwrap()
    }

    #[test]
    fn one_sentence_for_every_state() {
        let running = json!({ "revision": "r1", "direction": "upgrade", "committed": 1, "segments": 3, "batch_rows": 1200 });
        let session = json!({ "pid": 7, "application": "limbeck r1", "user": "owner" });
        let mut asked = running.clone();
        asked["needs_verdict"] = json!(true);
        let cases = [
            (2, json!({}), Tone::Fine, "Ready: all 2 revisions are applied; the database is at r1.", ""),
            (
                2,
                json!({ "ahead": ["r9"] }),
                Tone::Fine,
                "Ready: all 2 revisions are applied, and the database is ahead, at r9 of a newer release.",
                "newer",
            ),
            (
                1,
                json!({}),
                Tone::Waiting,
                "Not ready: 1 of 2 revisions is pending.",
                "Next: r1. `limbeck upgrade head`",
            ),
            (
                0,
                json!({ "rows": [] }),
                Tone::Waiting,
                "Not ready: the database is empty, 2 revisions are pending.",
                "Next: r0 and r1.",
            ),
            (
                1,
                json!({ "migrating": session }),
                Tone::Working,
                "A migration is running: r1.",
                "session 7 of owner",
            ),
            (
                1,
                json!({ "running": running, "migrating": session }),
                Tone::Working,
                "The upgrade of r1 is running.",
                "1 of 3 segments are committed, and 1,200 rows",
            ),
            (
                1,
                json!({ "running": running }),
                Tone::Bad,
                "The upgrade of r1 did not finish, and nobody is at work on it.",
                "`limbeck upgrade head` goes on",
            ),
            (
                1,
                json!({ "running": asked }),
                Tone::Bad,
                "The upgrade of r1 did not finish, and nobody is at work on it.",
                "limbeck resolve r1 --done",
            ),
            (
                2,
                json!({ "ready": false }),
                Tone::Bad,
                "The adapter says that the database is not ready.",
                "log",
            ),
        ];
        for (applied, more, tone, sentence, words) in cases {
            let got = verdict(&state(applied, more), &[]);
            assert_eq!((got.tone, got.sentence.as_str()), (tone, sentence));
            assert!(got.more.contains(words), "{}", got.more);
        }
        let got = verdict(&state(2, json!({})), &["redis"]);
        assert_eq!(got.sentence, "The database is up to date, but the adapter has trouble: redis.");
    }
}

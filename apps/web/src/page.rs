//! What stands on the page.

use askama::Template;
use jiff::Timestamp;

use crate::answer::{Database, Entry, Migrations};
use crate::graph::{Drawing, draw};
use crate::parts::Parts;
use crate::text::{Piece, between, clip, count, list, pieces, second};
use crate::trouble::Trouble;
use crate::verdict::{Tone, Verdict, verdict};

/// How many pending revisions are listed.
const LISTED: usize = 20;

/// Whether the page loads itself again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    On,
    Off,
}

impl Refresh {
    /// Seconds between two looks.
    pub(crate) const EVERY: u32 = 15;

    /// `?refresh=off` stops it.
    pub(crate) fn of(query: Option<&str>) -> Self {
        let is_off = query.is_some_and(|query| query.split('&').any(|part| part == "refresh=off"));
        if is_off { Self::Off } else { Self::On }
    }
}

/// What both pages have.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    tone: Tone,
    sentence: String,
    more: Vec<Piece>,
    address: &'a str,
    /// When the adapter was asked, in UTC.
    looked_at: String,
    refresh: Refresh,
}

impl<'a> Frame<'a> {
    fn new(verdict: Verdict, address: &'a str, refresh: Refresh) -> Self {
        Self {
            tone: verdict.tone,
            sentence: verdict.sentence,
            more: pieces(&verdict.more),
            address,
            looked_at: second(&Timestamp::now().to_string()),
            refresh,
        }
    }

    fn is_refreshed(&self) -> bool {
        self.refresh == Refresh::On
    }
}

/// The state of the migrations.
#[derive(Debug, Template)]
#[template(path = "state.html", whitespace = "minimize")]
pub(crate) struct StatePage<'a> {
    frame: Frame<'a>,
    facts: Vec<Fact>,
    pending: Vec<Pending>,
    /// How many pending ones are not listed, in digits; empty where all are.
    unlisted: String,
    drawing: Drawing,
    journal: Vec<Done>,
    parts: Parts,
}

/// A figure with its name.
#[derive(Debug)]
struct Fact {
    name: &'static str,
    value: String,
    more: String,
}

/// What will be applied.
#[derive(Debug)]
struct Pending {
    id: String,
    message: String,
}

/// An entry of the journal, in words.
#[derive(Debug)]
struct Done {
    began: String,
    began_at: String,
    revision: String,
    message: String,
    direction: String,
    outcome: &'static str,
    took: String,
    user: String,
    client: String,
    note: String,
}

impl<'a> StatePage<'a> {
    pub(crate) fn new(state: &Migrations, parts: Parts, address: &'a str, refresh: Refresh) -> Self {
        let ids = &state.database.pending;
        Self {
            frame: Frame::new(verdict(state, &parts.failing()), address, refresh),
            facts: facts(state),
            pending: ids.iter().take(LISTED).map(|id| pending(state, id)).collect(),
            unlisted: if ids.len() > LISTED { count(ids.len() - LISTED) } else { String::new() },
            drawing: draw(state),
            journal: state.journal.iter().map(|entry| done(entry, &state.database)).collect(),
            parts,
        }
    }
}

fn facts(state: &Migrations) -> Vec<Fact> {
    let Database { rows, pending, ahead, .. } = &state.database;
    let all = state.revisions.len();
    let applied = state.revisions.iter().filter(|revision| revision.applied).count();
    let fact = |name, value: String, more: String| Fact { name, value, more };
    let mut facts = vec![
        fact("Applied", count(applied), format!("of {}", count(all))),
        fact("Pending", count(pending.len()), list(pending)),
        running(state),
        match rows.is_empty() {
            true => fact("Database at", "base".to_owned(), "nothing is applied".to_owned()),
            false => fact("Database at", list(rows), String::new()),
        },
    ];
    if !ahead.is_empty() {
        facts.push(fact("Ahead", list(ahead), "of a newer release".to_owned()));
    }
    facts
}

/// What runs, or did not end.
fn running(state: &Migrations) -> Fact {
    let database = &state.database;
    let name =
        if database.migrating.is_some() || database.running.is_none() { "Running" } else { "Unfinished" };
    let (value, mut more) = match (&database.running, &database.migrating) {
        (Some(running), _) => (
            clip(&running.revision),
            format!("{}, {} of {} segments", clip(&running.direction), running.committed, running.segments),
        ),
        (None, Some(session)) => ("yes".to_owned(), format!("session {}", session.pid)),
        (None, None) => ("none".to_owned(), String::new()),
    };
    let now = Timestamp::now().to_string();
    let began = state.journal.iter().find(|entry| entry.state == "running").map(|entry| &entry.started_at);
    if let Some(began) = began.filter(|_| database.running.is_some()) {
        let ago = between(began, &now).map(|ago| format!(" ({ago} ago)")).unwrap_or_default();
        more += &format!("; began {} UTC{ago}", second(began));
    }
    if let Some(intent) = database.running.as_ref().and_then(|running| running.intent.as_ref()) {
        more += &format!("; its statement: {}", clip(intent));
    }
    Fact { name, value, more }
}

fn pending(state: &Migrations, id: &str) -> Pending {
    let revision = state.revisions.iter().find(|revision| revision.id == id);
    Pending { id: clip(id), message: revision.map(|revision| clip(&revision.message)).unwrap_or_default() }
}

fn done(entry: &Entry, database: &Database) -> Done {
    let outcome = match (entry.state.as_str(), &database.migrating) {
        ("done", _) => "done",
        ("running", Some(_)) => "running",
        ("running", None) => "unfinished",
        ("void", _) => "given up",
        _ => "unknown",
    };
    let changes_schema = matches!(entry.direction.as_str(), "upgrade" | "downgrade");
    let finished = entry.finished_at.as_ref().filter(|_| changes_schema);
    Done {
        began: second(&entry.started_at),
        began_at: clip(&entry.started_at),
        revision: clip(&entry.revision),
        message: clip(&entry.message),
        direction: clip(&entry.direction),
        outcome,
        // Bookkeeping takes no time worth telling.
        took: finished
            .and_then(|finished| between(&entry.started_at, finished))
            .unwrap_or_else(|| "–".to_owned()),
        user: clip(&entry.database_user),
        client: clip(&entry.client),
        note: entry.note.as_deref().map(clip).unwrap_or_default(),
    }
}

/// Why there is no state to show.
#[derive(Debug, Template)]
#[template(path = "trouble.html", whitespace = "minimize")]
pub(crate) struct TroublePage<'a> {
    frame: Frame<'a>,
    way_out: &'static str,
    parts: Parts,
}

impl<'a> TroublePage<'a> {
    pub(crate) fn new(trouble: &Trouble, mut parts: Parts, address: &'a str, refresh: Refresh) -> Self {
        let (sentence, more) = (trouble.sentence().to_owned(), trouble.seen());
        // Said once is enough.
        parts.unknown =
            parts.unknown.map(|why| why.replace(&format!("{sentence} {more}"), "The reason is the same."));
        let mut frame =
            Frame::new(Verdict { tone: Tone::Bad, sentence, more: String::new() }, address, refresh);
        // What others say holds no code of ours.
        frame.more = vec![Piece { text: more, is_code: false }];
        Self { frame, way_out: trouble.way_out(), parts }
    }
}

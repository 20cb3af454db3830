//! A step as the parts in which it is committed. Pure: the executor sends them, `--sql` prints them, so
//! the two cannot differ.

use std::time::Duration;

use limbeck_core::plan::{Direction, Step};
use limbeck_core::revision::{Revision, RevisionId};
use limbeck_core::sql::{BatchOptions, Retry, Script, Statement, UnitKind, Values};
use limbeck_core::{Code, Problem};

use super::watch::waits_for_sessions;
use crate::state::journal::{Deed, Entry, Journal, Started};
use crate::verify::{self, Verifier};

/// How much of a statement the journal quotes that cannot be verified: its variables are names there, never values.
const INTENT_WIDTH: usize = 200;

/// PostgreSQL's NAMEDATALEN, less the NUL: in bytes.
const LONGEST_NAME: usize = 63;

/// A step with everything that was checked before the database is touched.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) step: &'a Step,
    pub(crate) revision: &'a Revision,
    pub(crate) script: Script,
    pub(crate) depends_on: Vec<RevisionId>,
    /// The version rows before the step.
    pub(crate) before: Vec<RevisionId>,
    /// The version rows after the step.
    pub(crate) rows: Vec<RevisionId>,
}

/// Something that is sent, and commits or not, as a whole.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// One transaction.
    Transaction(Transaction<'a>),
    /// A statement outside a transaction, which changes nothing of limbeck's own.
    Alone(Alone<'a>),
    /// A statement that runs again and again, each time in a transaction, until it touches no row.
    Batches { settings: Vec<String>, statement: &'a Statement, options: &'a BatchOptions },
    /// A function of the application's.
    Rust(RustPart),
}

/// Limbeck's own statements around a step in Rust. They are in its transaction where it has one, or before and
/// after its batches.
#[derive(Debug)]
pub(crate) struct RustPart {
    /// What each transaction begins with.
    pub(crate) settings: Vec<String>,
    /// The journal's entry, where this is the first segment.
    pub(crate) begin: Vec<String>,
    /// What follows.
    pub(crate) end: Vec<String>,
}

/// A statement outside a transaction, with what its outcome needs.
#[derive(Debug)]
pub(crate) struct Alone<'a> {
    pub(crate) settings: Vec<String>,
    pub(crate) statement: &'a Statement,
    /// How its outcome is told, if that is known.
    pub(crate) verifier: Option<Box<dyn Verifier>>,
    /// What takes its intent back in the journal.
    pub(crate) undone: String,
}

/// The statements of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Transaction<'a> {
    /// Limbeck's own, before.
    pub(crate) head: Vec<String>,
    /// The revision's.
    pub(crate) body: Vec<&'a Statement>,
    /// Limbeck's own, after.
    pub(crate) tail: Vec<String>,
}

/// How transactions and revisions relate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TransactionMode {
    /// One transaction per revision.
    #[default]
    PerRevision,
    /// One for the whole run (`--single-transaction`): all or nothing.
    Single,
}

/// What is committed up to here is counted in the journal: an interrupted run goes on after it.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    /// How many segments are committed once this one is.
    pub(crate) number: usize,
    /// What is sent, one after another.
    pub(crate) parts: Vec<Part<'a>>,
}

/// What parts are made with: the same for all steps of a run.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) journal: &'a Journal,
    pub(crate) values: &'a Values,
    pub(crate) mode: TransactionMode,
    /// The statements that put every setting back to limbeck's own.
    pub(crate) restore: Vec<String>,
    pub(crate) entries: Entries,
    pub(crate) effort: Effort,
}

/// How much of a revision is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Effort {
    /// All of it.
    #[default]
    Everything,
    /// All but batches and steps in Rust, which change rows and no structure: what a scratch database needs.
    Structure,
}

/// How the journal's entries of revisions of one segment are written; what they say is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entries {
    /// Each as a statement that stands for itself.
    Spelled,
    /// By a statement that the session has prepared.
    Prepared,
}

impl Maker<'_> {
    /// The segments of a step, without those that an earlier run has committed. A step that one
    /// transaction can hold is one segment.
    pub(crate) fn segments<'p>(
        &self,
        step: &'p Prepared<'_>,
        committed: usize,
    ) -> Result<Vec<Segment<'p>>, Problem> {
        check_mode(step, self.mode)?;
        if is_segmented(step) {
            return (committed..step.script.units.len()).map(|index| self.segment(step, index)).collect();
        }
        let body = self.wanted(step.script.statements())?;
        Ok(vec![Segment { number: 1, parts: vec![Part::Transaction(self.whole(step, body))] }])
    }

    /// The segments after an interruption. A statement whose outcome was open and that turned out to be done is
    /// not sent again; what follows it in its segment is.
    pub(crate) fn resumed<'p>(
        &self,
        step: &'p Prepared<'_>,
        committed: usize,
        settled: Settled,
    ) -> Result<Vec<Segment<'p>>, Problem> {
        let mut segments = self.segments(step, committed)?;
        if let (Settled::Done, Some(first)) = (settled, segments.first_mut()) {
            first.parts.drain(..first.parts.len() - 1);
        }
        Ok(segments)
    }

    /// Everything in one transaction: statements, rows and journal entry commit together.
    fn whole<'p>(&self, step: &'p Prepared<'_>, body: Vec<&'p Statement>) -> Transaction<'p> {
        let mut tail = self.restore.clone();
        tail.extend(self.journal.versions.change(&step.step.rows));
        let entry = self.entry(step, 1);
        match self.entries {
            Entries::Spelled => tail.push(self.journal.insert_done(&entry, &step.rows)),
            Entries::Prepared => {
                tail.extend(self.prepared_again(step));
                tail.push(self.journal.execute_done(&entry, &step.rows));
            }
        }
        Transaction { head: opening(step), body, tail }
    }

    fn segment<'p>(&self, step: &'p Prepared<'_>, index: usize) -> Result<Segment<'p>, Problem> {
        let unit = &step.script.units[index];
        let mut begin = Vec::new();
        if index == 0 {
            let entry = self.entry(step, step.script.units.len());
            begin.push(self.journal.insert_running(&entry, &step.before));
        }
        let end = self.end_of_segment(step, index + 1);
        let body = self.wanted(&unit.statements)?;
        let parts = match (&unit.kind, body.first()) {
            (UnitKind::Transaction, _) => {
                let head = opening(step).into_iter().chain(begin).collect();
                vec![Part::Transaction(Transaction { head, body, tail: end })]
            }
            (UnitKind::Rust | UnitKind::Batches(_), _) if self.effort == Effort::Structure => {
                vec![own(begin.into_iter().chain(end).collect())]
            }
            (UnitKind::Rust, _) => vec![Part::Rust(RustPart { settings: opening(step), begin, end })],
            (_, None) => vec![own(begin.into_iter().chain(end).collect())],
            (UnitKind::Autocommit { retry }, Some(statement)) => {
                let alone = self.alone(step, statement, index)?;
                if alone.verifier.is_some() || *retry != Retry::Idempotent {
                    let catalog = alone.verifier.as_ref().map(|verifier| verifier.before());
                    begin.push(self.journal.note_intent(&intent(statement), catalog.as_deref()));
                }
                let begin = (!begin.is_empty()).then(|| own(begin));
                begin.into_iter().chain([Part::Alone(alone), own(end)]).collect()
            }
            (UnitKind::Batches(options), Some(statement)) => {
                let batches = Part::Batches { settings: opening(step), statement, options };
                let begin = (!begin.is_empty()).then(|| own(begin));
                begin.into_iter().chain([batches, own(end)]).collect()
            }
        };
        Ok(Segment { number: index + 1, parts })
    }

    fn alone<'p>(
        &self,
        step: &Prepared<'_>,
        statement: &'p Statement,
        committed: usize,
    ) -> Result<Alone<'p>, Problem> {
        let mut settings = opening(step);
        // A lock timeout inside a CONCURRENTLY statement would leave an invalid index.
        if waits_for_sessions(&statement.kind) {
            settings.push("SET lock_timeout = 0".to_owned());
        }
        let undone = match committed {
            0 => self.journal.void_running(),
            _ => self.journal.forget_intent(),
        };
        let verifier = verify::verifier(&statement.render(self.values)?.kind);
        Ok(Alone { settings, statement, verifier, undone })
    }

    /// What follows a segment in the same transaction: its note in the journal, or after the last one
    /// the version rows.
    fn end_of_segment(&self, step: &Prepared<'_>, committed: usize) -> Vec<String> {
        let mut tail = self.restore.clone();
        let units = step.script.units.len();
        if committed == units {
            tail.extend(self.journal.versions.change(&step.step.rows));
            tail.push(self.journal.finish_running(&self.entry(step, units), &step.rows));
            tail.extend(self.prepared_again(step));
        } else {
            let checksum = step.script.checksum_of_first(committed);
            tail.push(self.journal.note_progress(committed, checksum.as_ref()));
        }
        tail
    }

    /// What prepares the entries' statement anew after a revision that may have thrown it away.
    fn prepared_again(&self, step: &Prepared<'_>) -> Vec<String> {
        match self.entries {
            Entries::Prepared if may_deallocate(step.revision) => self.journal.prepare_done().to_vec(),
            _ => Vec::new(),
        }
    }

    /// The statements whose `when` holds.
    fn wanted<'p>(
        &self,
        statements: impl IntoIterator<Item = &'p Statement>,
    ) -> Result<Vec<&'p Statement>, Problem> {
        let mut wanted = Vec::new();
        for statement in statements {
            if statement.unmet(self.values)?.is_none() {
                wanted.push(statement);
            }
        }
        Ok(wanted)
    }

    fn entry<'p>(&self, step: &'p Prepared<'_>, segments: usize) -> Entry<'p> {
        Entry {
            revision: step.revision,
            depends_on: step.depends_on.clone(),
            deed: Deed::from(step.step.direction),
            segments,
            started: match self.mode {
                TransactionMode::PerRevision => Started::Transaction,
                TransactionMode::Single => Started::Message,
            },
        }
    }
}

/// What became of the statement that an interrupted run was at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It took effect.
    Done,
    /// It is to run (again).
    NotDone,
}

/// How the journal names a statement. One whose outcome can be verified is quoted whole, so that it can be read
/// from there when its file has been edited.
pub(crate) fn intent(statement: &Statement) -> String {
    match verify::verifier(&statement.kind) {
        Some(_) => statement.headline(usize::MAX),
        None => statement.headline(INTENT_WIDTH),
    }
}

/// Whether a revision says DEALLOCATE anywhere, in a function's body too. (DISCARD ALL may be in none.)
fn may_deallocate(revision: &Revision) -> bool {
    const WORD: &[u8] = b"deallocate";
    revision.source().text().as_bytes().windows(WORD.len()).any(|part| part.eq_ignore_ascii_case(WORD))
}

/// A transaction with statements of limbeck's own only.
fn own<'p>(statements: Vec<String>) -> Part<'p> {
    Part::Transaction(Transaction { head: statements, ..Transaction::default() })
}

/// The `application_name` while a revision is worked on.
pub(super) fn application(step: &Prepared<'_>) -> String {
    let mut name = format!("limbeck {}", step.step.revision);
    // PostgreSQL cuts longer names, and says so each time.
    name.truncate(name.floor_char_boundary(LONGEST_NAME));
    name
}

/// What every part of a revision begins with.
fn opening(step: &Prepared<'_>) -> Vec<String> {
    let mut statements =
        vec![format!("SET application_name = {}", crate::quote::literal(&application(step)))];
    let timeouts = step.revision.timeouts();
    let set = |name: &str, time: Duration| format!("SET {name} = {}", time.as_millis());
    statements.extend(timeouts.statement.map(|time| set("statement_timeout", time)));
    statements.extend(timeouts.lock.map(|time| set("lock_timeout", time)));
    statements
}

/// Whether it is committed in several parts, or not in a transaction of limbeck's at all.
pub(crate) fn is_segmented(step: &Prepared<'_>) -> bool {
    let units = &step.script.units;
    units.len() > 1 || units.iter().any(|unit| !matches!(unit.kind, UnitKind::Transaction))
}

/// # Errors
/// A single transaction is asked for, and this step needs several.
pub(crate) fn check_mode(step: &Prepared<'_>, mode: TransactionMode) -> Result<(), Problem> {
    match mode {
        TransactionMode::Single if is_segmented(step) => Err(several_segments(step)),
        _ => Ok(()),
    }
}

fn several_segments(step: &Prepared<'_>) -> Problem {
    let id = &step.step.revision;
    Problem::new(
        Code::NotPossible,
        format!(
            "revision {id} cannot run in a single transaction: it has statements that must be committed apart"
        ),
    )
    .note(format!("file: {}", step.revision.source().name()))
    .help(match step.step.direction {
        Direction::Upgrade => {
            "upgrade to the revision before it with --single-transaction, and to this one without"
        }
        Direction::Downgrade => "downgrade this revision without --single-transaction",
    })
}

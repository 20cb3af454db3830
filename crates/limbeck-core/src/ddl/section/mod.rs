//! Changes as a section of a revision: statements that do not hurt a database in use, cut into segments.
//!
//! What the online forms are and why: PostgreSQL manual, "Building Indexes Concurrently", `ALTER TABLE` (notes), and
//! "Explicit Locking". A statement under a strong lock is short, and what takes long runs under a weak one, in a
//! segment of its own: in one transaction the lock of the first statement would be held through the second.

mod drop;
mod piece;
mod schedule;

use crate::diff::Changes;

/// How changes are rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The major version of the server that the revision is for.
    pub version: u32,
    /// Whether anybody works in the database meanwhile.
    pub mode: Mode,
}

/// Whether anybody works in the database meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Somebody may: nothing that takes long holds a strong lock, where PostgreSQL has a way around it.
    Online,
    /// Nobody does: the plain forms, in as few segments as can be.
    Plain,
}

/// One statement of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The statement, without a semicolon.
    pub sql: String,
    /// What its reader should see.
    pub marks: Vec<StepMark>,
    /// Whether a `limbeck:commit` follows. Statements that end a segment by their kind (CONCURRENTLY, ADD VALUE) have
    /// none.
    pub ends_segment: bool,
}

/// Something about a statement that the reader of a revision should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepMark {
    /// This is lost: `limbeck:destructive`.
    Destructive(String),
    /// It may fail, for this reason: `limbeck:depends-on-data`. A proof on empty tables does not show it.
    DependsOnData(String),
    /// Others wait, for this reason. It is an ordinary comment in the file.
    Blocking(String),
}

/// The statements of all changes, in an order in which they can run.
///
/// They are put into as few segments as the online forms allow. What is added comes first and what an older
/// application may still use goes last, so that a database is fit for use wherever a run stops.
pub fn statements(changes: &Changes, style: &Style) -> Vec<Step> {
    schedule::schedule(changes, style)
}

/// The text of a section: what follows `-- limbeck:upgrade`.
pub fn section(steps: &[Step]) -> String {
    let mut text = String::new();
    for (position, step) in steps.iter().enumerate() {
        let alone = |step: &Step| step.sql.contains('\n') || !step.marks.is_empty();
        let last = position.checked_sub(1).map(|before| &steps[before]);
        if last.is_some_and(|last| alone(step) || alone(last) || last.ends_segment) {
            text.push('\n');
        }
        for mark in &step.marks {
            let (word, reason) = match mark {
                StepMark::Destructive(what) => ("limbeck:destructive", what),
                StepMark::DependsOnData(why) => ("limbeck:depends-on-data", why),
                StepMark::Blocking(why) => ("blocking:", why),
            };
            let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
            text.push_str(&format!("-- {word} {reason}\n"));
        }
        text.push_str(&step.sql);
        text.push_str(";\n");
        if step.ends_segment {
            text.push_str("\n-- limbeck:commit\n");
        }
    }
    text
}

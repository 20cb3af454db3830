//! A revision file, written: always in the same layout, so that two people's files differ only in what
//! they say.

use std::fmt::Write;

use super::header::{Key, needs_escape};
use super::{BranchLabel, RevisionId};

/// What a new revision file says. Everything is given: ids, the time as text and the SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevision {
    /// The message, of one or more lines.
    pub message: String,
    /// Its id.
    pub id: RevisionId,
    /// Its parents.
    pub down_revision: Vec<RevisionId>,
    /// Its labels.
    pub branch_labels: Vec<BranchLabel>,
    /// Ids or labels that it depends on.
    pub depends_on: Vec<String>,
    /// When it was made, with the time zone.
    pub created: Option<String>,
    /// Remarks for readers, below the keys (on which server it was proved, say).
    pub remarks: Vec<String>,
    /// The upgrade's SQL and directives.
    pub upgrade: String,
    /// The way back.
    pub downgrade: NewDowngrade,
}

/// The way back of a new revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewDowngrade {
    /// SQL and directives.
    Section(String),
    /// None, for this reason, which may not be empty.
    Irreversible(String),
}

/// Writes a revision file. [`Revision::parse`](super::Revision::parse) reads the same header back, its
/// message without blanks at the ends of lines and without empty lines around it.
pub fn write(revision: &NewRevision) -> String {
    let mut file = String::new();
    let message = revision.message.replace("\r\n", "\n");
    let message = clean_lines(&message);
    comment(&mut file, &message);
    if !message.is_empty() {
        file.push_str("--\n");
    }
    for (key, value) in Key::ALL.into_iter().zip(values(revision)) {
        let line = format!("-- {:<14} {value}", format!("{}:", key.as_str()));
        file.push_str(line.trim_end());
        file.push('\n');
    }
    let remarks = revision.remarks.join("\n");
    let remarks = clean_lines(&remarks);
    if !remarks.is_empty() {
        file.push_str("--\n");
    }
    comment(&mut file, &remarks);
    section(&mut file, "upgrade", &revision.upgrade);
    match &revision.downgrade {
        NewDowngrade::Section(sql) => section(&mut file, "downgrade", sql),
        NewDowngrade::Irreversible(reason) => {
            section(&mut file, &format!("irreversible {}", one_line(reason)), "")
        }
    }
    file
}

/// The keys' values, in the order of [`Key::ALL`].
fn values(revision: &NewRevision) -> [String; Key::ALL.len()] {
    let parents: Vec<&str> = revision.down_revision.iter().map(RevisionId::as_str).collect();
    let labels: Vec<&str> = revision.branch_labels.iter().map(BranchLabel::as_str).collect();
    [
        revision.id.to_string(),
        parents.join(", "),
        labels.join(", "),
        revision.depends_on.join(", "),
        revision.created.as_deref().map(one_line).unwrap_or_default(),
    ]
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a text as a comment can hold them: none at the ends empty, no blanks at a line's end.
fn clean_lines(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim_end).collect();
    let Some(first) = lines.iter().position(|line| !line.is_empty()) else { return Vec::new() };
    let last = lines.iter().rposition(|line| !line.is_empty()).unwrap_or(first);
    lines[first..=last].to_vec()
}

fn comment(file: &mut String, lines: &[&str]) {
    for line in lines {
        let escape = if needs_escape(line) { "\\" } else { "" };
        let blank = if line.is_empty() { "" } else { " " };
        // Writing into a String does not fail.
        let _ = writeln!(file, "--{blank}{escape}{line}");
    }
}

fn section(file: &mut String, directive: &str, sql: &str) {
    let _ = writeln!(file, "\n-- limbeck:{directive}");
    let sql = sql.trim_matches('\n').trim_end();
    if !sql.is_empty() {
        let _ = writeln!(file, "{sql}");
    }
}

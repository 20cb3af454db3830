//! Applied revisions whose files are no longer what was applied. Edits of comments, white space and line ends
//! are none: the checksum does not see them.

use limbeck_core::graph::Applied;
use limbeck_core::revision::{Revision, RevisionId};
use limbeck_core::sql::Checksum;
use limbeck_core::{Code, Problem};

use crate::event::Event;
use crate::project::Project;
use crate::state::journal::Noted;

/// What a run does about an applied file that was edited in substance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenEdited {
    /// Says so and goes on.
    #[default]
    Warn,
    /// Upgrades nothing until the file is put back, or `repair` has accepted it. A downgrade only warns: it is
    /// one of the ways out.
    Refuse,
}

/// An applied revision whose file says something else than what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The revision.
    pub revision: RevisionId,
    /// Its file, as shown to users.
    pub file: String,
    /// The upgrade section, where it differs: the database has what it said then.
    pub upgrade: Option<Change>,
    /// The downgrade section, where it differs. This matters less: it has not run, and a downgrade will run the
    /// file as it is by then.
    pub downgrade: Option<Change>,
}

/// Two checksums that differ, as `1:<sha256>`; an irreversible revision's downgrade has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Of what was applied.
    pub applied: Option<String>,
    /// Of the file as it is.
    pub now: Option<String>,
}

/// Which sections are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sections {
    Upgrade,
    Both,
}

/// The edited ones among the applied revisions, in the journal's order. The version rows say what is applied,
/// the journal says with which file.
pub(crate) fn find(
    project: &Project,
    applied: &Applied<'_>,
    noted: &[Noted],
    sections: Sections,
) -> Vec<Edited> {
    let is_applied = |noted: &&Noted| applied.contains(&noted.revision);
    let compare =
        |noted: &Noted| project.revision(&noted.revision).and_then(|file| compare(file, noted, sections));
    noted.iter().filter(is_applied).filter_map(compare).collect()
}

fn compare(file: &Revision, noted: &Noted, sections: Sections) -> Option<Edited> {
    // An entry without a checksum says nothing of its file.
    let applied = noted.checksum.as_ref()?;
    let upgrade = change(Some(applied), Some(file.upgrade_checksum()));
    let downgrade = match sections {
        Sections::Upgrade => None,
        Sections::Both => change(noted.downgrade_checksum.as_ref(), file.downgrade_checksum()),
    };
    (upgrade.is_some() || downgrade.is_some()).then(|| Edited {
        revision: file.header().id.value.clone(),
        file: file.source().name().to_owned(),
        upgrade,
        downgrade,
    })
}

fn change(applied: Option<&String>, now: Option<Checksum>) -> Option<Change> {
    let now = now.map(|sum| sum.to_string());
    let differs = applied.is_none_or(|sum| is_comparable(sum)) && applied != now.as_ref();
    differs.then(|| Change { applied: applied.cloned(), now })
}

/// A checksum of another rule says nothing about a file of which this rule's is known.
pub(crate) fn is_comparable(sum: &str) -> bool {
    sum.split_once(':').is_some_and(|(format, _)| format == Checksum::FORMAT.to_string())
}

/// Tells of each edited file.
pub(crate) fn tell(edited: &[Edited], emit: &mut (dyn FnMut(Event<'_>) + Send)) {
    for Edited { revision, file, .. } in edited {
        emit(Event::Edited { revision, file });
    }
}

/// Why nothing is upgraded; nothing, where nothing was edited.
///
/// # Errors
/// A file was edited.
pub(crate) fn refuse(edited: &[Edited]) -> Result<(), Problem> {
    if edited.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = edited.iter().map(|edited| edited.revision.as_str()).collect();
    let ids = ids.join(" ");
    let problem = Problem::new(
        Code::Edited,
        format!("applied files were edited since, and `edited = \"refuse\"` is configured: {ids}"),
    );
    let note = |problem: Problem, edited: &Edited| {
        problem.note(format!("{} is not what was applied as {}", edited.file, edited.revision))
    };
    Err(edited.iter().fold(problem, note).help(format!(
        "put the file back, and make a new revision for the change; or, where the database is as the file \
         says now, accept the edit: `limbeck repair {ids}`"
    )))
}

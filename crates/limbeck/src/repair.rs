//! `repair`: the journal is told that an applied revision's file is right as it is now. Nothing of it runs, and the
//! version rows stay as they are.

use limbeck_core::graph::{Applied, Target};
use limbeck_core::revision::RevisionId;
use limbeck_core::{Code, Problem};

use crate::connect::Connector;
use crate::edited::{self, Edited, Sections};
use crate::error::Error;
use crate::execute::failure;
use crate::migrator::{Control, Migrator, State};
use crate::state::journal::{Deed, Entry, Started};
use crate::state::lock;
use crate::state::session::{Checksums, Session, settings, simple_query};

/// What is to be accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repair<'a> {
    /// The revisions, by id or its beginning; all that were edited where none is named.
    pub revisions: &'a [String],
    /// Why, for the journal.
    pub note: Option<&'a str>,
}

/// The edits that a repair would accept.
///
/// # Errors
/// A revision that is unknown, ambiguous, not applied, or not edited.
pub(crate) fn wanted(migrator: &Migrator, state: &State, repair: Repair<'_>) -> Result<Vec<Edited>, Problem> {
    let applied = Applied::new(migrator.graph(), &state.known)?;
    let all = edited::find(migrator.project(), &applied, &state.recorded.checksums, Sections::Both);
    if repair.revisions.is_empty() {
        return Ok(all);
    }
    let mut wanted: Vec<Edited> = Vec::new();
    for typed in repair.revisions {
        for node in migrator.graph().revisions(&Target::parse(typed)?, Some(&state.known))? {
            let id = node.id();
            let found = all.iter().find(|edited| edited.revision == *id);
            let edited = found.ok_or_else(|| not_edited(id, &applied, state))?;
            if !wanted.contains(edited) {
                wanted.push(edited.clone());
            }
        }
    }
    Ok(wanted)
}

/// Writes an entry for each, in one transaction, under the lock that the caller holds.
async fn write(
    migrator: &Migrator,
    session: &mut Session<'_>,
    state: &State,
    accepted: &[Edited],
    note: Option<&str>,
) -> Result<(), Error> {
    let rows: Vec<RevisionId> =
        state.recorded.rows.iter().map(|row| RevisionId::new(row)).collect::<Result<_, _>>()?;
    let mut statements = vec!["BEGIN".to_owned()];
    statements.extend(session.setup(0).await?);
    statements.extend(settings(&migrator.options().state, crate::APPLICATION));
    for edited in accepted {
        let id = edited.revision.as_str();
        let (Some(revision), Some(node)) = (migrator.project().revision(id), migrator.graph().get(id)) else {
            continue;
        };
        let depends_on = migrator.graph().dependencies(node).map(|node| node.id().clone()).collect();
        let entry =
            Entry { revision, depends_on, deed: Deed::Repair, segments: 0, started: Started::Transaction };
        statements.push(session.journal.insert_noted(&entry, &rows, note));
    }
    statements.push("COMMIT".to_owned());
    if let Err(error) = simple_query(session.connection, &statements.join(";\n")).await {
        let _ = simple_query(session.connection, "ROLLBACK").await;
        return Err(failure::own(&error).into());
    }
    Ok(())
}

/// Reads, and only if there is something to accept locks, reads again and writes.
pub(crate) async fn run(
    migrator: &Migrator,
    session: &mut Session<'_>,
    connector: Option<&dyn Connector>,
    before: State,
    repair: Repair<'_>,
    control: &mut Control<'_>,
) -> Result<Vec<Edited>, Error> {
    if wanted(migrator, &before, repair)?.is_empty() {
        return Ok(Vec::new());
    }
    let patience = migrator.options().lock_wait;
    lock::acquire(session, connector, patience, &control.cancel, control.emit).await?;
    let recorded = session.recorded(Checksums::Read).await?;
    let state = migrator.state(session, recorded).await?;
    let accepted = wanted(migrator, &state, repair)?;
    write(migrator, session, &state, &accepted, repair.note).await?;
    Ok(accepted)
}

fn not_edited(id: &RevisionId, applied: &Applied<'_>, state: &State) -> Problem {
    if !applied.contains(id.as_str()) {
        return Problem::new(
            Code::NotPossible,
            format!("revision {id} is not applied: there is nothing to accept"),
        )
        .help("its file may be edited freely until it is applied");
    }
    match state.recorded.checksums.iter().any(|noted| noted.revision == id.as_str()) {
        true => Problem::new(
            Code::NotPossible,
            format!("the file of revision {id} says what was applied: there is nothing to accept"),
        )
        .help("`limbeck current -v` lists what was edited"),
        false => Problem::new(
            Code::NotPossible,
            format!("the journal does not know with which file revision {id} was applied"),
        )
        .note("another tool applied it, and there is nothing to compare the file with")
        .help("nothing needs to be accepted: only what limbeck has applied is compared"),
    }
}

//! `stamp`: the version table is told what is applied; nothing of any revision runs.

use std::collections::BTreeSet;

use limbeck_core::graph::{Applied, Graph};
use limbeck_core::plan::{self, Purge, Stamp};
use limbeck_core::revision::RevisionId;
use limbeck_core::{Code, Problem};

use crate::connect::Connector;
use crate::error::Error;
use crate::event::Event;
use crate::execute::failure;
use crate::migrator::{Control, Migrator, Report};
use crate::project::Project;
use crate::state::journal::{Deed, Entry, Journal, Started};
use crate::state::lock;
use crate::state::session::{Checksums, Recorded, Session, settings, simple_query};
use crate::state::version_table;
use crate::{ahead, resume};

/// Stamps under the lock, in one transaction.
pub(crate) async fn run(
    migrator: &Migrator,
    session: &mut Session<'_>,
    connector: Option<&dyn Connector>,
    (targets, purge): (&[String], Purge),
    control: &mut Control<'_>,
) -> Result<Report, Error> {
    let (project, options) = (migrator.project(), migrator.options());
    lock::acquire(session, connector, options.lock_wait, &control.cancel, control.emit).await?;
    let Recorded { rows, running, .. } = session.recorded(Checksums::Skip).await?;
    let stamp = planned(project.graph(), session, &rows, targets, purge).await?;
    let mut statements = vec!["BEGIN".to_owned()];
    statements.extend(session.setup(version_table::longest(&stamp.after)).await?);
    statements.extend(settings(&options.state, crate::APPLICATION));
    statements.extend(changes(project, &session.journal, &rows, &stamp)?);
    if purge == Purge::Purge {
        statements.extend(forgotten(project.graph(), session, &rows, &stamp).await?);
    }
    statements.push("COMMIT".to_owned());
    if let Err(error) = simple_query(session.connection, &statements.join(";\n")).await {
        let _ = simple_query(session.connection, "ROLLBACK").await;
        return Err(failure::database(&error).into());
    }
    for change in &stamp.changes {
        (control.emit)(Event::Stamped { change });
    }
    if let Some(running) = &running {
        (control.emit)(Event::Warning { problem: &resume::given_up(running) });
    }
    let rows = stamp.after.iter().map(ToString::to_string).collect();
    Ok(Report { rows, ..Report::default() })
}

/// What the journal is told of the revisions without a file that go with their rows, where it knows them.
async fn forgotten(
    graph: &Graph,
    session: &mut Session<'_>,
    rows: &[String],
    stamp: &Stamp,
) -> Result<Option<String>, Error> {
    if rows.iter().all(|row| graph.get(row).is_some()) {
        return Ok(None);
    }
    let lineage = session.lineage().await?;
    let foreign = ahead::foreign_of(graph, rows.iter().filter(|row| lineage.contains_key(*row)), &lineage);
    let foreign: Vec<&str> = foreign.iter().map(String::as_str).collect();
    Ok((!foreign.is_empty()).then(|| session.journal.insert_forgotten(&foreign, &stamp.after)))
}

/// The plan. Where rows are in the way that no file knows but the journal does, it says so.
pub(crate) async fn planned(
    graph: &Graph,
    session: &mut Session<'_>,
    rows: &[String],
    targets: &[String],
    purge: Purge,
) -> Result<Stamp, Error> {
    let problem = match plan::stamp(graph, rows, targets, purge) {
        Err(problem) if problem.code() == Code::UnknownRow => problem,
        other => return Ok(other?),
    };
    let (_, ahead) = ahead::known_rows(graph, rows, &session.lineage().await?)?;
    Err(ahead::not_stamped(problem, &ahead).into())
}

/// The statements of a stamp: rows, then a journal entry for each revision that now counts otherwise.
/// Whatever was half done is void from now on.
pub(crate) fn changes(
    project: &Project,
    journal: &Journal,
    rows: &[String],
    stamp: &Stamp,
) -> Result<Vec<String>, Problem> {
    let mut statements = vec![journal.void_running()];
    match stamp.purge {
        Purge::Purge => {
            statements.push(format!("DELETE FROM {}", journal.versions.quoted()));
            let insert = plan::RowChange { insert: stamp.after.clone(), ..plan::RowChange::default() };
            statements.extend(journal.versions.change(&insert));
        }
        Purge::Keep => {
            statements.extend(stamp.changes.iter().flat_map(|change| journal.versions.change(&change.rows)));
        }
    }
    statements.extend(entries(project, journal, rows, stamp)?);
    Ok(statements)
}

fn entries(
    project: &Project,
    journal: &Journal,
    rows: &[String],
    stamp: &Stamp,
) -> Result<Vec<String>, Problem> {
    let graph = project.graph();
    // Rows that no file knows can be purged, but there is nothing to say of them in the journal.
    let known: Vec<String> = rows.iter().filter(|row| graph.get(row).is_some()).cloned().collect();
    let after: Vec<String> = stamp.after.iter().map(ToString::to_string).collect();
    let before = applied(graph, &known)?;
    let after = applied(graph, &after)?;
    let added = after.difference(&before).map(|id| (id, Deed::Stamp));
    let removed = before.difference(&after).map(|id| (id, Deed::Unstamp));
    let mut statements = Vec::new();
    for (id, deed) in added.chain(removed) {
        let (Some(revision), Some(node)) = (project.revision(id.as_str()), graph.get(id.as_str())) else {
            continue;
        };
        let depends_on = graph.dependencies(node).map(|node| node.id().clone()).collect();
        let entry = Entry { revision, depends_on, deed, segments: 0, started: Started::Transaction };
        statements.push(journal.insert_done(&entry, &stamp.after));
    }
    Ok(statements)
}

fn applied(graph: &Graph, rows: &[String]) -> Result<BTreeSet<RevisionId>, Problem> {
    Ok(Applied::new(graph, rows)?.iter().map(|node| node.id().clone()).collect())
}

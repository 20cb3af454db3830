//! `resolve`: an operator says what became of a statement whose outcome is open.

use limbeck_core::{Code, Problem};

use crate::error::Error;
use crate::execute::failure;
use crate::state::journal::{Running, Verdict};
use crate::state::session::{Session, simple_query};

/// Writes the verdict into the journal, where the next run finds it. The session holds the lock.
///
/// # Errors
/// Nothing is interrupted, or not this revision, or not in a statement whose outcome is open.
pub(crate) async fn run(
    session: &mut Session<'_>,
    running: Option<Running>,
    revision: &str,
    verdict: Verdict,
    note: Option<&str>,
) -> Result<Running, Error> {
    let running = running.ok_or_else(|| not_interrupted(revision))?;
    check(&running, revision)?;
    let mut statements = vec!["BEGIN".to_owned()];
    statements.extend(session.setup(0).await?);
    statements.push(session.journal.note_verdict(verdict, note));
    statements.push("COMMIT".to_owned());
    if let Err(error) = simple_query(session.connection, &statements.join(";\n")).await {
        // A lost connection cannot be rolled back, and need not be: the server does it.
        let _ = simple_query(session.connection, "ROLLBACK").await;
        return Err(failure::database(&error).into());
    }
    Ok(running)
}

fn check(running: &Running, revision: &str) -> Result<(), Problem> {
    let Running { revision: interrupted, direction, .. } = running;
    if revision.is_empty() || !interrupted.starts_with(revision) {
        return Err(Problem::new(
            Code::NotFound,
            format!("revision {revision} is not interrupted in this database; {interrupted} is"),
        )
        .help(format!("`limbeck current` shows where it stopped; `limbeck resolve {interrupted} ...`")));
    }
    if running.intent.is_none() {
        return Err(Problem::new(
            Code::NotPossible,
            format!(
                "the {direction} of revision {interrupted} was interrupted between two statements: there is no \
                 outcome to resolve"
            ),
        )
        .help(format!("the next `limbeck {direction}` goes on with it")));
    }
    Ok(())
}

fn not_interrupted(revision: &str) -> Problem {
    Problem::new(Code::NotFound, format!("no revision is interrupted in this database, so {revision} is not"))
        .help("`limbeck current` shows what is applied, and what was interrupted")
}

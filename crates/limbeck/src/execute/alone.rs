//! A statement outside a transaction: its intent is journalled before it, its outcome is checked after it.

use std::time::Duration;

use limbeck_core::Problem;
use limbeck_core::sql::Statement;

use super::chunk::Chunk;
use super::parts::{Alone, Prepared};
use super::{CANCEL_PATIENCE, Executor, PartFailure, first};
use crate::verify::{self, Finding, Leads, Verifier};

impl Executor<'_, '_> {
    /// A statement outside a transaction, and a look at what it did where the server's word is not enough.
    pub(super) async fn alone(&mut self, step: &Prepared<'_>, alone: &Alone<'_>) -> Result<(), Problem> {
        self.send_own(&alone.settings).await?;
        let mut chunk = Chunk::default();
        chunk.statement(alone.statement, self.options.values)?;
        self.say(step, alone.statement);
        let may_repeat = is_undone_by_failing(alone.statement);
        let outcome = self.send_alone(&chunk, alone.statement, may_repeat).await;
        match (outcome, &alone.verifier) {
            (Ok(_), Some(verifier)) if verifier.doubts_success() => {
                self.check_success(alone, verifier.as_ref()).await
            }
            (Ok(_), _) => Ok(()),
            // Without a word of the server the intent stays, and the next run asks the catalog.
            (Err(PartFailure { problem, state: None }), _) => Err(problem),
            (Err(failure), Some(verifier)) => {
                Err(self.after_failure(failure.problem, alone, verifier.as_ref()).await)
            }
            (Err(failure), None) => {
                if may_repeat {
                    self.take_back(alone).await;
                }
                Err(failure.problem)
            }
        }
    }

    /// IF NOT EXISTS skips over whatever has the name.
    async fn check_success(&mut self, alone: &Alone<'_>, verifier: &dyn Verifier) -> Result<(), Problem> {
        let Finding::Foreign(problem) = self.look(verifier).await? else { return Ok(()) };
        self.take_back(alone).await;
        Err(problem.at(alone.statement.place()))
    }

    /// The server refused the statement, perhaps in its middle: what it left goes, or is named.
    async fn after_failure(
        &mut self,
        problem: Problem,
        alone: &Alone<'_>,
        verifier: &dyn Verifier,
    ) -> Problem {
        match self.look(verifier).await {
            Ok(Finding::NotDone { .. }) => {
                self.take_back(alone).await;
                problem
            }
            Ok(Finding::Foreign(other)) => {
                self.take_back(alone).await;
                let problem = problem.note(other.message());
                other.help_text().map_or(problem.clone(), |help| problem.help(help))
            }
            Ok(Finding::Half { found, mend, leads }) => {
                // What failed because others were in the way is not made to wait for them once more.
                let waits = leads == Leads::On || self.cancel.is_requested() || self.connector.is_none();
                if waits || self.mend(&mend, leads, CANCEL_PATIENCE).await.is_err() {
                    return problem.note(format!("{found}; the next run mends that"));
                }
                self.take_back(alone).await;
                let problem = problem.note(format!("{found} by it, and was dropped"));
                match problem.help_text() {
                    Some(_) => problem,
                    None => problem.help("correct the cause, then run the command again"),
                }
            }
            Ok(Finding::Done { found }) => problem.note(format!("{found}; the next run goes on after it")),
            // The intent stays, and the next run asks again.
            Ok(Finding::Unknown) | Err(_) => problem,
        }
    }

    /// Asks the catalog about the statement whose intent is journalled, with limbeck's own settings.
    pub(super) async fn look(&mut self, verifier: &dyn Verifier) -> Result<Finding, Problem> {
        self.restore().await?;
        let noted = self.session.journal.noted_catalog();
        verify::look(self.session, verifier, &noted).await.map_err(first)
    }

    /// Leads out of the middle of a statement. What takes it back waits for other sessions within `bound` (zero
    /// for no bound), as the statement itself did; what completes it is tried again while they are in the way.
    pub(super) async fn mend(
        &mut self,
        statements: &[String],
        leads: Leads,
        bound: Duration,
    ) -> Result<(), Problem> {
        for statement in statements {
            let mut chunk = Chunk::default();
            chunk.own(statement);
            match leads {
                Leads::Back => self.mend_patiently(&chunk, bound).await?,
                Leads::On => self.mend_again_and_again(&chunk).await?,
            }
        }
        self.restore().await
    }

    async fn mend_patiently(&mut self, chunk: &Chunk, bound: Duration) -> Result<(), Problem> {
        self.send_own(&["SET lock_timeout = 0".to_owned()]).await?;
        self.watch.lock_timeout = Duration::ZERO;
        let bound = (!bound.is_zero()).then_some(bound);
        self.send_within(chunk, bound).await.map(drop).map_err(|failure| failure.problem)
    }

    async fn mend_again_and_again(&mut self, chunk: &Chunk) -> Result<(), Problem> {
        self.watch.lock_timeout = self.session.lock_timeout();
        let mut attempt = 1;
        loop {
            let Err(failure) = self.send(chunk).await else { return Ok(()) };
            self.try_again(failure, &mut attempt).await?;
        }
    }

    /// A run that was asked to stop still has to know where it stands: this is not cancelled.
    async fn restore(&mut self) -> Result<(), Problem> {
        let settings = self.session.settings(crate::APPLICATION).join(";\n");
        self.session.query(&settings).await.map(drop).map_err(first)
    }

    /// Notes that the statement did nothing. Without a connection the intent stays, and the next run asks.
    async fn take_back(&mut self, alone: &Alone<'_>) {
        let mut end = self.session.settings(crate::APPLICATION);
        end.push(alone.undone.clone());
        let _ = tokio::time::timeout(CANCEL_PATIENCE, self.session.query(&end.join(";\n"))).await;
    }
}

/// Whether a statement that the server has refused did nothing. CALL and DO may have committed something before.
fn is_undone_by_failing(statement: &Statement) -> bool {
    let line = statement.headline(FIRST_WORD);
    let first = line.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    !["call", "do"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Enough of a statement to read its first word.
const FIRST_WORD: usize = 10;

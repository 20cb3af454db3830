//! What became of a statement outside a transaction that an interrupted run was at.

use limbeck_core::Problem;
use limbeck_core::sql::{Retry, Statement, UnitKind, classify};

use super::Executor;
use super::parts::{Prepared, Settled, intent};
use crate::error::Error;
use crate::event::{Event, Then};
use crate::resume;
use crate::state::journal::{Running, Verdict};
use crate::verify::{self, Finding, Verifier};

/// How often a statement is mended before limbeck gives up: once would do, if nobody else were there.
const MENDINGS: u32 = 3;

/// The statement of the file that stands where the run was interrupted.
struct Now<'s> {
    statement: &'s Statement,
    retry: Retry,
}

impl Executor<'_, '_> {
    /// Finds out what became of the statement that `running` was at, and leads out of its middle.
    ///
    /// # Errors
    /// Its outcome is unknown, something foreign is in its way, or it was done as the file no longer says.
    pub(super) async fn settle(&mut self, step: &Prepared<'_>, running: &Running) -> Result<Settled, Error> {
        let Some(journalled) = &running.intent else { return Ok(Settled::NotDone) };
        let now = self.now(step, running.committed)?;
        let same = now.as_ref().filter(|now| intent(now.statement) == *journalled);
        if let Some(verdict) = running.verdict() {
            return self.resolved(step, running, verdict, same.is_some());
        }
        let kind = match same {
            Some(now) => now.statement.render(self.options.values)?.kind,
            None => classify(journalled),
        };
        let verifier = verify::verifier(&kind).filter(|_| running.catalog.is_some());
        match verifier {
            Some(verifier) => self.ask(step, running, verifier.as_ref(), same).await,
            None if same.is_some_and(|now| now.retry == Retry::Idempotent) => Ok(Settled::NotDone),
            None => Err(resume::unknown(running).into()),
        }
    }

    /// The one statement of the segment where the run was interrupted, if it has one that is to run outside a
    /// transaction.
    fn now<'s>(&self, step: &'s Prepared<'_>, committed: usize) -> Result<Option<Now<'s>>, Problem> {
        let Some(unit) = step.script.units.get(committed) else { return Ok(None) };
        let (UnitKind::Autocommit { retry }, Some(statement)) = (unit.kind, unit.statements.first()) else {
            return Ok(None);
        };
        let runs = statement.unmet(self.options.values)?.is_none();
        Ok(runs.then_some(Now { statement, retry }))
    }

    fn resolved(
        &mut self,
        step: &Prepared<'_>,
        running: &Running,
        verdict: Verdict,
        is_same: bool,
    ) -> Result<Settled, Error> {
        let (settled, then) = match verdict {
            Verdict::Done if !is_same => return Err(resume::edited_after(running, step).into()),
            Verdict::Done => (Settled::Done, Then::GoesOn),
            Verdict::NotDone => (Settled::NotDone, Then::RunsAgain),
        };
        self.tell(step, running, "an operator has resolved it", then);
        Ok(settled)
    }

    async fn ask(
        &mut self,
        step: &Prepared<'_>,
        running: &Running,
        verifier: &dyn Verifier,
        same: Option<&Now<'_>>,
    ) -> Result<Settled, Error> {
        let at = |problem: Problem| match same {
            Some(now) => problem.at(now.statement.place()),
            None => problem,
        };
        for _ in 0..MENDINGS {
            self.cancel.check()?;
            match self.look(verifier).await? {
                Finding::Done { .. } if same.is_none() => {
                    return Err(resume::edited_after(running, step).into());
                }
                Finding::Done { found } => {
                    self.tell(step, running, &found, Then::GoesOn);
                    return Ok(Settled::Done);
                }
                Finding::NotDone { found } => {
                    self.tell(step, running, &found, Then::RunsAgain);
                    return Ok(Settled::NotDone);
                }
                Finding::Half { found, mend, leads } => {
                    self.tell(step, running, &found, Then::Mends(&mend));
                    let mended = self.mend(&mend, leads, self.options.concurrently_wait).await;
                    mended.map_err(|problem| resume::not_mended(problem, &mend))?;
                }
                Finding::Foreign(problem) => return Err(at(problem).into()),
                Finding::Unknown => return Err(resume::unknown(running).into()),
            }
        }
        Err(at(resume::unknown(running)).into())
    }

    fn tell(&mut self, step: &Prepared<'_>, running: &Running, found: &str, then: Then<'_>) {
        let statement = running.intent.as_deref().unwrap_or_default();
        (self.emit)(Event::Settled { revision: &step.step.revision, statement, found, then });
    }
}

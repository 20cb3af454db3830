//! What is tried again: a transaction that was rolled back as a whole, because others were in the way.

use std::time::Duration;

use limbeck_core::Problem;
use limbeck_core::sql::Statement;

use super::chunk::Chunk;
use super::failure::sqlstate;
use super::parts::TransactionMode;
use super::watch::waits_for_sessions;
use super::{Executor, PartFailure, first};
use crate::event::{Event, Obstacle};

/// How often something is tried in which others are in the way.
const ATTEMPTS: u32 = 5;

impl Obstacle {
    fn of(state: &str) -> Option<Self> {
        Some(match state {
            sqlstate::LOCK_NOT_AVAILABLE => Self::Lock,
            sqlstate::DEADLOCK_DETECTED => Self::Deadlock,
            sqlstate::SERIALIZATION_FAILURE => Self::Serialization,
            _ => return None,
        })
    }
}

impl PartFailure {
    /// Whether trying again can help.
    pub(super) fn has_obstacle(&self) -> bool {
        self.state.as_deref().and_then(Obstacle::of).is_some()
    }
}

impl Executor<'_, '_> {
    /// Rolls back and waits, if trying again can help; otherwise the failure is final. `attempt` counts from 1.
    pub(super) async fn try_again(&mut self, failure: PartFailure, attempt: &mut u32) -> Result<(), Problem> {
        let obstacle = failure.state.as_deref().and_then(Obstacle::of);
        // In one transaction for the whole run everything would have to be done again.
        let Some(obstacle) = obstacle.filter(|_| self.options.mode == TransactionMode::PerRevision) else {
            return Err(failure.problem);
        };
        if *attempt >= ATTEMPTS {
            return Err(failure.problem.note(format!("it was tried {ATTEMPTS} times")));
        }
        self.roll_back().await;
        *attempt += 1;
        // Jitter keeps several waiters from coming back in step.
        let pause = Duration::from_millis(fastrand::u64(250..1000) * u64::from(*attempt));
        (self.emit)(Event::Retrying { obstacle, attempt: *attempt, of: ATTEMPTS, pause });
        self.cancel.sleep(pause).await.map_err(first)
    }

    /// Sends a statement that runs outside a transaction. What leaves something half done when a lock timeout
    /// stops it waits under `concurrently_wait`; anything else that `may_repeat` is tried again.
    pub(super) async fn send_alone(
        &mut self,
        chunk: &Chunk,
        statement: &Statement,
        may_repeat: bool,
    ) -> Result<(), PartFailure> {
        if waits_for_sessions(&statement.kind) {
            let bound = self.options.concurrently_wait;
            let bound = (!bound.is_zero()).then_some(bound);
            self.watch.lock_timeout = Duration::ZERO;
            return self.send_within(chunk, bound).await.map(drop);
        }
        let mut attempt = 1;
        loop {
            let Err(failure) = self.send(chunk).await else { return Ok(()) };
            if !may_repeat {
                return Err(failure);
            }
            let state = failure.state.clone();
            self.try_again(failure, &mut attempt).await.map_err(|problem| PartFailure { problem, state })?;
        }
    }
}

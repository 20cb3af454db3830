//! Ending a run from outside: a signal handler requests it, the executor notices.

use std::sync::Arc;
use std::time::Duration;

use limbeck_core::{Code, Problem};
use tokio::sync::watch;

use crate::error::Error;

/// A request to stop, shared between whoever asks (a signal handler, say) and the run.
#[derive(Debug, Clone)]
pub struct Cancel {
    sender: Arc<watch::Sender<bool>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { sender: Arc::new(watch::Sender::new(false)) }
    }
}

impl Cancel {
    /// Asks the run to stop: the statement that runs is cancelled, its transaction rolled back.
    pub fn request(&self) {
        self.sender.send_replace(true);
    }

    /// Whether it was asked for.
    pub fn is_requested(&self) -> bool {
        *self.sender.borrow()
    }

    /// Returns when it is asked for.
    pub async fn requested(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as `self`, so this ends only when the value is true.
        let _ = receiver.wait_for(|requested| *requested).await;
    }

    /// An error if it was asked for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_requested() { Err(cancelled().into()) } else { Ok(()) }
    }

    /// Sleeps, or fails as soon as it is asked for.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), Error> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.requested() => Err(cancelled().into()),
        }
    }
}

/// What a run ends with that was asked to stop.
pub(crate) fn cancelled() -> Problem {
    Problem::new(Code::Cancelled, "cancelled")
}

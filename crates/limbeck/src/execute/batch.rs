//! A statement that runs again and again, each time in a transaction of its own, until it touches no row.

use limbeck_core::Problem;
use limbeck_core::sql::{BATCH, BatchOptions, Statement};

use super::chunk::{BEGIN, COMMIT, Chunk};
use super::parts::Prepared;
use super::{Executor, first};
use crate::event::Event;

impl Executor<'_, '_> {
    /// A batch statement until it touches no row, each time in a transaction of its own.
    pub(super) async fn batches(
        &mut self,
        step: &Prepared<'_>,
        settings: &[String],
        statement: &Statement,
        options: &BatchOptions,
    ) -> Result<(), Problem> {
        let values = self.options.values.with(BATCH, options.size.to_string());
        let mut chunk = Chunk::default();
        chunk.own(BEGIN);
        chunk.own_all(settings);
        let index = settings.len() + 1;
        chunk.statement(step.revision, statement, &values)?;
        chunk.own(COMMIT);
        self.say(step, statement);
        let mut total = 0;
        let mut attempt = 1;
        loop {
            self.cancel.check().map_err(first)?;
            let counts = match self.send(&chunk).await {
                Ok(counts) => counts,
                Err(failure) => {
                    self.try_again(failure, &mut attempt).await?;
                    continue;
                }
            };
            attempt = 1;
            let rows = counts.get(index).copied().unwrap_or_default();
            if rows == 0 {
                return Ok(());
            }
            total += rows;
            (self.emit)(Event::Batch { rows: total });
            self.cancel.sleep(options.pause).await.map_err(first)?;
        }
    }
}

//! A statement that runs again and again, each time in a transaction of its own that also notes how far it
//! came, until it touches no row.

use std::time::Instant;

use limbeck_core::sql::{BATCH, BatchOptions, Statement};
use limbeck_core::{Code, Problem};

use super::chunk::{BEGIN, COMMIT, Chunk};
use super::parts::{self, Prepared};
use super::{Executor, PartFailure, first};
use crate::event::Event;

/// How far batches came.
#[derive(Debug)]
pub(super) struct Progress {
    /// Rows touched so far.
    rows: u64,
    /// Those of them that earlier runs touched.
    earlier: u64,
    begun: Instant,
    expected: Option<u64>,
}

impl Progress {
    /// Goes on after what earlier runs did.
    pub(super) fn after(earlier: u64) -> Self {
        Self { rows: earlier, earlier, begun: Instant::now(), expected: None }
    }

    /// With as many rows to come.
    pub(super) fn expecting(self, to_come: Option<u64>) -> Self {
        let expected = to_come.map(|to_come| self.earlier.saturating_add(to_come));
        Self { expected, ..self }
    }

    /// Rows touched so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

impl Executor<'_, '_> {
    /// A batch statement until it touches no row.
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
        chunk.statement(statement, &values)?;
        self.say(step, statement);
        let outlook = self.outlook(settings, &statement.render(&values)?.sql).await?;
        outlook.check(statement, options)?;
        let ceiling = outlook.ceiling(options);
        let mut progress = Progress::after(self.batch_rows).expecting(outlook.to_come);
        loop {
            if ceiling.is_some_and(|ceiling| progress.rows > ceiling) {
                return Err(without_end(statement, options, &progress, ceiling.unwrap_or_default()));
            }
            self.hold_on(options).await?;
            let rows = self.batch(step, &chunk, settings.len() + 1, progress.rows).await?;
            if rows == 0 {
                return Ok(());
            }
            self.touched(step, &mut progress, rows);
            self.cancel.sleep(options.pause).await.map_err(first)?;
        }
    }

    /// Counts and tells.
    pub(super) fn touched(&mut self, step: &Prepared<'_>, progress: &mut Progress, rows: u64) {
        progress.rows += rows;
        (self.emit)(Event::Batch {
            revision: &step.step.revision,
            rows: progress.rows,
            earlier: progress.earlier,
            expected: progress.expected,
            elapsed: progress.begun.elapsed(),
        });
    }

    /// One transaction, tried again while only other sessions are in the way; the result is the rows that
    /// the statement with this index touched.
    async fn batch(
        &mut self,
        step: &Prepared<'_>,
        chunk: &Chunk,
        index: usize,
        before: u64,
    ) -> Result<u64, Problem> {
        let mut attempt = 1;
        loop {
            self.cancel.check().map_err(first)?;
            match self.try_batch(step, chunk, index, before).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => self.try_again(failure, &mut attempt).await?,
            }
        }
    }

    async fn try_batch(
        &mut self,
        step: &Prepared<'_>,
        chunk: &Chunk,
        index: usize,
        before: u64,
    ) -> Result<u64, PartFailure> {
        let counts = self.send(chunk).await?;
        let rows = counts.get(index).copied().unwrap_or_default();
        self.send(&self.end_of_batch(step, (rows > 0).then_some(before + rows))).await?;
        Ok(rows)
    }

    /// What ends a batch: the note of how far it came, if it came further.
    fn end_of_batch(&self, step: &Prepared<'_>, rows: Option<u64>) -> Chunk {
        let mut end = Chunk::default();
        if let Some(rows) = rows {
            // What the statement did to role and settings must not matter to limbeck's own table. Between two
            // batches, others see which revision they wait for.
            end.own_all(&self.session.settings(&parts::application(step)));
            end.own(&self.session.journal.note_batch(rows));
        }
        end.own(COMMIT);
        end
    }
}

fn without_end(statement: &Statement, options: &BatchOptions, progress: &Progress, ceiling: u64) -> Problem {
    let message = format!(
        "the batch statement has touched {} rows, and no more than {ceiling} were to be expected",
        progress.rows
    );
    let problem = Problem::new(Code::BatchWithoutEnd, message).at(statement.place());
    let problem = match options.max_rows {
        Some(_) => problem.note("that is its `max_rows`"),
        None => problem
            .note("without `max_rows` that is twice as many as its tables have, and a hundred batches more"),
    };
    problem.help(format!(
        "make it leave out the rows that are done (`WHERE NOT done`, say); if other sessions add rows faster \
         than it works, make the batches larger or the pauses shorter. If it is right as it is, allow more in \
         its line: `-- limbeck:batch size={} max_rows={}`. Then run the command again: it goes on",
        options.size,
        ceiling.saturating_mul(10)
    ))
}

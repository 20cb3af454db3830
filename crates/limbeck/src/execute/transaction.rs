//! A segment in one transaction, tried again while nothing but other sessions is in the way.

use limbeck_core::Problem;

use super::chunk::{BEGIN, COMMIT, Chunk};
use super::parts::{Prepared, Transaction, TransactionMode};
use super::{Executor, Pace, PartFailure};

impl Executor<'_, '_> {
    /// One transaction, tried again while nothing but other sessions is in the way.
    pub(super) async fn transaction(
        &mut self,
        step: &Prepared<'_>,
        transaction: &Transaction<'_>,
        setup: Vec<String>,
    ) -> Result<(), Problem> {
        let chunks = self.chunks(transaction, &setup)?;
        let mut attempt = 1;
        loop {
            let Err(failure) = self.send_all(step, transaction, &chunks).await else { return Ok(()) };
            self.try_again(failure, &mut attempt).await?;
        }
    }

    /// The messages of a transaction: one, or where somebody watches one per statement.
    fn chunks(&self, transaction: &Transaction<'_>, setup: &[String]) -> Result<Vec<Chunk>, Problem> {
        let own_transaction = self.options.mode == TransactionMode::PerRevision;
        let mut chunks = vec![Chunk::default()];
        if own_transaction {
            chunks[0].own(BEGIN);
        }
        chunks[0].own_all(setup);
        chunks[0].own_all(&transaction.head);
        for statement in &transaction.body {
            if self.options.pace == Pace::Statement {
                chunks.push(Chunk::default());
            }
            let last = chunks.len() - 1;
            chunks[last].statement(statement, self.options.values)?;
        }
        if self.options.pace == Pace::Statement {
            chunks.push(Chunk::default());
        }
        let last = chunks.len() - 1;
        chunks[last].own_all(&transaction.tail);
        if own_transaction {
            chunks[last].own(COMMIT);
        }
        chunks.retain(|chunk| !chunk.is_empty());
        Ok(chunks)
    }

    async fn send_all(
        &mut self,
        step: &Prepared<'_>,
        transaction: &Transaction<'_>,
        chunks: &[Chunk],
    ) -> Result<(), PartFailure> {
        let mut statements = transaction.body.iter();
        for chunk in chunks {
            if self.options.pace == Pace::Statement
                && chunk.is_from_file(0)
                && let Some(statement) = statements.next()
            {
                self.say(step, statement);
            }
            self.send(chunk).await?;
        }
        Ok(())
    }
}

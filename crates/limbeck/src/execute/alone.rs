//! A statement outside a transaction: its intent is journalled before it, its outcome is checked after it.

use limbeck_core::Problem;
use limbeck_core::sql::{Statement, StatementKind};
use sqlx::Row as _;

use super::Executor;
use super::chunk::Chunk;
use super::parts::Prepared;

impl Executor<'_, '_> {
    /// A statement outside a transaction. If the server says that it failed, its outcome is known.
    pub(super) async fn alone(
        &mut self,
        step: &Prepared<'_>,
        statement: &Statement,
        undone: Option<&str>,
    ) -> Result<(), Problem> {
        let mut chunk = Chunk::default();
        chunk.statement(step.revision, statement, self.options.values)?;
        self.say(step, statement);
        let Err(failure) = self.send(&chunk).await else { return Ok(()) };
        if failure.state.is_none() {
            return Err(failure.problem);
        }
        if let Some(undone) = undone {
            let mut end = self.session.settings(crate::APPLICATION);
            end.push(undone.to_owned());
            // Without a connection the intent stays, and the next run asks the operator.
            let _ = self.send_own(&end).await;
        }
        Err(self.name_leftover(failure.problem, statement).await)
    }

    /// A failed CREATE INDEX CONCURRENTLY leaves an invalid index behind, which is in the way of the
    /// next try.
    async fn name_leftover(&mut self, problem: Problem, statement: &Statement) -> Problem {
        let StatementKind::CreateIndexConcurrently { index: Some(index), .. } = &statement.kind else {
            return problem;
        };
        let sql = format!(
            "SELECT indexrelid::regclass::text FROM pg_catalog.pg_index \
             WHERE indexrelid = to_regclass({}) AND NOT indisvalid",
            crate::quote::literal(&index.to_string())
        );
        let found = self.session.query(&sql).await.unwrap_or_default();
        let name = found.iter().flatten().next().and_then(|row| row.try_get::<String, _>(0).ok());
        match name {
            None => problem,
            Some(name) => problem.note(format!("it left the invalid index {name} behind")).help(format!(
                "`DROP INDEX CONCURRENTLY {name}`; then correct the cause and run the command again"
            )),
        }
    }
}

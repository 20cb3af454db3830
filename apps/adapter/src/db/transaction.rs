//! A transaction that ends whatever happens.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::Object;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use super::pool::Pooled;
use crate::problem::Problem;

/// How long a rollback may take before the connection is given up.
const ROLLBACK: Duration = Duration::from_secs(1);

/// An open transaction, as the role and for the tenant that it was begun with. Dropped without
/// [`Transaction::commit`], it is rolled back.
pub(crate) struct Transaction(Option<Pooled>);

/// What a committed transaction has found or done.
pub(crate) struct Committed<T>(pub(super) T);

impl Transaction {
    /// Begins it by sending `begin` as one message, and returns the rows that this yields.
    pub(super) async fn begin(
        connection: Pooled,
        begin: String,
    ) -> Result<(Self, Vec<PgRow>), (sqlx::Error, Self)> {
        // From here on it is rolled back, also when this future is dropped in the middle.
        let mut transaction = Self(Some(connection));
        // The caller vouches for the text: it holds names of roles, a uuid and a hash, each checked as such.
        match sqlx::raw_sql(AssertSqlSafe(begin)).fetch_all(&mut *transaction).await {
            Ok(rows) => Ok((transaction, rows)),
            Err(why) => Err((why, transaction)),
        }
    }

    /// Commits, and gives the connection back.
    pub(crate) async fn commit<T>(mut self, value: T) -> Result<Committed<T>, Problem> {
        self.execute("COMMIT").await?;
        self.0 = None;
        Ok(Committed(value))
    }

    /// Gives the connection up: it is closed, not given back.
    pub(super) fn discard(mut self) {
        drop(self.0.take().map(Object::take));
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return drop(Object::take(connection));
        };
        runtime.spawn(async move {
            let rolled_back = tokio::time::timeout(ROLLBACK, connection.execute("ROLLBACK")).await;
            if !matches!(rolled_back, Ok(Ok(_))) {
                // The server rolls back when the connection is gone.
                drop(Object::take(connection));
            }
        });
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("a transaction has its connection until it ends")
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("a transaction has its connection until it ends")
    }
}

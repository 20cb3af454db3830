//! The database, as a tenant, as the admin API, or to find out whose key it is. No other module opens
//! transactions.
//!
//! Row-level security lets a transaction see what its role and its settings allow (revision 005): a tenant's is
//! begun with `SET LOCAL ROLE` and `app.current_tenant_id` in the same message as `BEGIN`.

mod failure;
mod pool;
mod transaction;

use std::future::Future;
use std::sync::atomic::Ordering;

use quick_cache::sync::Cache;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use uuid::Uuid;

pub(crate) use pool::Pooled;
pub(crate) use transaction::{Committed, Transaction};

use crate::Failure;
use crate::auth::{KeyHash, TenantAuth};
use crate::options::Options;
use crate::problem::{Again, Kind, Problem};

/// So many keys are remembered, with whose they are.
const KNOWN_KEYS: usize = 10_000;

/// The database.
pub(crate) struct Db {
    pool: pool::Pool,
    /// What tenants' transactions begin with, up to the tenant.
    tenant: String,
    admin: String,
    lookup: String,
    known: Cache<KeyHash, Uuid>,
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A tenant that may use the service.
    Active(Uuid),
    /// One that was deactivated.
    Inactive,
    /// Nobody's.
    Nobody,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolStatus {
    /// The most there may be.
    pub(crate) max: usize,
    /// Open ones.
    pub(crate) size: usize,
    /// Open ones that nobody uses.
    pub(crate) idle: usize,
    /// Requests that wait for one.
    pub(crate) waiting: usize,
}

impl Db {
    /// Connects when it is first needed.
    pub(crate) fn new(options: &Options, connect: PgConnectOptions) -> Result<Self, Failure> {
        let [app, admin] = [&options.roles.app, &options.roles.admin].map(|name| quoted(name));
        Ok(Self {
            pool: pool::lazy(connect, options.pool_size)?,
            tenant: format!("BEGIN; SET LOCAL ROLE {app}; SET LOCAL app.current_tenant_id = "),
            admin: format!("BEGIN; SET LOCAL ROLE {admin}"),
            lookup: format!("SET LOCAL ROLE {app}; SET LOCAL app.api_key_hash = "),
            known: Cache::new(KNOWN_KEYS),
        })
    }

    /// A transaction that sees and changes what is `who`'s; `work` ends it with [`Transaction::commit`].
    ///
    /// `work` may run a second time, where the first was rolled back for a reason that is gone.
    ///
    /// # Errors
    ///
    /// What `work` returns; 401 or 403 where the key is no longer valid; 503 without a database.
    pub(crate) async fn tenant<T, F>(
        &self,
        who: &TenantAuth,
        work: impl Fn(Transaction) -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<Committed<T>, Problem>>,
    {
        self.twice(|| async { work(self.begin_tenant(who).await?).await }).await
    }

    /// A transaction that sees and changes everything: for the admin API and for batches.
    ///
    /// # Errors
    ///
    /// What `work` returns; 503 without a database.
    pub(crate) async fn admin<T, F>(&self, work: impl Fn(Transaction) -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<Committed<T>, Problem>>,
    {
        self.twice(|| async { work(self.begin(|| self.admin.clone()).await?.0).await }).await
    }

    /// Whose key it is. What was found once is remembered, and asked again whenever it is used
    /// ([`Db::tenant`]): a key that was replaced is of no use from then on, on any replica.
    ///
    /// # Errors
    ///
    /// 503 without a database.
    pub(crate) async fn lookup(&self, key: &KeyHash) -> Result<Owner, Problem> {
        match self.known.get(key) {
            Some(id) => Ok(Owner::Active(id)),
            None => self.ask(key).await,
        }
    }

    /// A connection that was alive a moment ago, without any role or setting: for limbeck.
    ///
    /// # Errors
    ///
    /// As sqlx has it.
    pub(crate) async fn connection(&self) -> Result<Pooled, sqlx::Error> {
        for _ in 0..self.pool.status().max_size {
            let mut connection = self.pool.get().await.map_err(pool::error)?;
            match connection.ping().await {
                Ok(()) => return Ok(connection),
                Err(_) => drop(Pooled::take(connection)),
            }
        }
        self.pool.get().await.map_err(pool::error)
    }

    /// How many connections there are.
    pub(crate) fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            max: status.max_size,
            size: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Closes idle connections, for as long as it is polled.
    pub(crate) fn reap(&self) -> impl Future<Output = ()> + Send + 'static {
        pool::reap(self.pool.clone())
    }

    /// Says goodbye to the server.
    pub(crate) async fn close(&self) {
        pool::shut(&self.pool).await;
    }

    /// Tries what was rolled back for a reason that is gone once more.
    async fn twice<T, F>(&self, work: impl Fn() -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<Committed<T>, Problem>>,
    {
        let first = work().await;
        let again = first.as_ref().err().map_or(Again::No, Problem::may_go_well);
        if again == Again::No {
            return first.map(|committed| committed.0);
        }
        if again == Again::WithNewPlans {
            // Every connection that has prepared the statement would say so; new ones have not.
            self.pool.manager().renew();
        }
        tracing::info!(?again, "a transaction is tried once more");
        work().await.map(|committed| committed.0)
    }

    /// The first transaction of a request also asks whether the key is still valid; what was let in once is
    /// carried to its end.
    async fn begin_tenant(&self, who: &TenantAuth) -> Result<Transaction, Problem> {
        let (begin, id, key) = (&self.tenant, who.id, &who.key);
        if who.let_in.load(Ordering::Relaxed) {
            return Ok(self.begin(|| format!("{begin}'{id}'")).await?.0);
        }
        let prepared = || format!("{begin}'{id}'; EXECUTE {}('{id}', '{key}')", pool::CHECK);
        let spelled_out = || {
            format!(
                "{begin}'{id}'; SELECT 1 FROM tenants WHERE id = '{id}' AND api_key_hash = '{key}' AND is_active"
            )
        };
        let (transaction, rows) = match self.begin(prepared).await {
            // The connection is older than the tables, or a pooler hands out others than those it was prepared on.
            Err(why) if failure::is_unprepared(&why) => self.begin(spelled_out).await?,
            other => other?,
        };
        if rows.is_empty() {
            self.known.remove(key);
            return Err(self.ask(key).await?.refusal());
        }
        who.let_in.store(true, Ordering::Relaxed);
        Ok(transaction)
    }

    /// Begins a transaction. A connection that turns out to be dead is replaced: nothing was done on it.
    async fn begin(&self, text: impl Fn() -> String) -> Result<(Transaction, Vec<PgRow>), sqlx::Error> {
        let mut dead = 0;
        loop {
            let connection = self.pool.get().await.map_err(pool::error)?;
            let (why, transaction) = match Transaction::begin(connection, text()).await {
                Ok(begun) => return Ok(begun),
                Err(failed) => failed,
            };
            let (lost, unprepared) = (failure::is_lost(&why), failure::is_unprepared(&why));
            if lost || unprepared {
                transaction.discard();
            }
            dead += 1;
            if !lost || dead > self.pool.status().max_size {
                return Err(why);
            }
        }
    }

    /// One message, which is a transaction of its own (PostgreSQL's manual, 54.2.2.1).
    async fn ask(&self, key: &KeyHash) -> Result<Owner, Problem> {
        let text =
            format!("{}'{key}'; SELECT id, is_active FROM tenants WHERE api_key_hash = '{key}'", self.lookup);
        let mut connection = self.connection().await?;
        let rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(&mut *connection).await?;
        let Some(row) = rows.first() else { return Ok(Owner::Nobody) };
        let (id, active): (Uuid, bool) = (row.try_get(0)?, row.try_get(1)?);
        if !active {
            return Ok(Owner::Inactive);
        }
        self.known.insert(*key, id);
        Ok(Owner::Active(id))
    }
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Owner {
    /// Why a request with this key is refused.
    pub(crate) fn refusal(self) -> Problem {
        match self {
            Self::Inactive => Problem::new(
                Kind::TenantInactive,
                "the tenant was deactivated; whoever runs the service can say why",
            ),
            Self::Active(_) | Self::Nobody => crate::auth::unknown_key(),
        }
    }
}

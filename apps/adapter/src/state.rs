//! What every request shares.

use sqlx::postgres::PgConnectOptions;

use crate::actions::provider::Client;
use crate::db::Db;
use crate::health::Probe;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::rate_limit::RateLimiter;
use crate::{Failure, migrations};

/// The running service.
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) db: Db,
    pub(crate) probe: Probe,
    pub(crate) metrics: Metrics,
    pub(crate) limiter: RateLimiter,
    pub(crate) providers: Client,
}

impl App {
    /// Puts it together; connects to nothing yet.
    pub(crate) fn new(options: Options, connect: PgConnectOptions) -> Result<Self, Failure> {
        // Providers and Redis are reached by libraries that leave this choice to the program. It can fail only where it
        // was made before.
        _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            db: Db::new(&options, connect)?,
            probe: Probe::new(migrations::migrator()?),
            metrics: Metrics::new()?,
            limiter: RateLimiter::new(options.actions.rate_limit, options.actions.redis_url())?,
            providers: Client::new(options.actions.reach()),
            options,
        })
    }
}

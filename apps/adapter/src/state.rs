//! What every request shares.

use sqlx::postgres::PgConnectOptions;

use crate::db::Db;
use crate::health::Probe;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::{Failure, migrations};

/// The running service.
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) db: Db,
    pub(crate) probe: Probe,
    pub(crate) metrics: Metrics,
}

impl App {
    /// Puts it together; connects to nothing yet.
    pub(crate) fn new(options: Options, connect: PgConnectOptions) -> Result<Self, Failure> {
        Ok(Self {
            db: Db::new(&options, connect)?,
            probe: Probe::new(migrations::migrator()?),
            metrics: Metrics::new()?,
            options,
        })
    }
}

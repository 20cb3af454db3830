//! Where connections come from: the only place, with `Migrator`'s signatures, that shows sqlx's types.

use std::future::Future;
use std::pin::Pin;

use limbeck_core::Problem;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{ConnectSpec, DatabaseUrl, Origin, connect, process_env};
use crate::error::Error;
use crate::execute::failure;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connection.
pub type Connection = PgConnection;

/// Says good-bye and closes. One that is lost already needs no good-bye.
pub async fn close(connection: Connection) {
    let _ = connection.close().await;
}

/// Opens connections to one database. A run needs one of its own, which holds the lock, and a second one
/// for a moment when it is cancelled.
pub trait Connector: Send + Sync {
    /// Opens a connection under this `application_name`.
    fn connect<'a>(&'a self, application_name: &'a str) -> BoxFuture<'a, Result<PgConnection, Error>>;
}

impl Connector for PgConnectOptions {
    fn connect<'a>(&'a self, application_name: &'a str) -> BoxFuture<'a, Result<PgConnection, Error>> {
        let options = self.clone().application_name(application_name).disable_statement_logging();
        Box::pin(async move {
            PgConnection::connect_with(&options).await.map_err(|error| failure::database(&error).into())
        })
    }
}

impl Connector for ConnectSpec {
    fn connect<'a>(&'a self, application_name: &'a str) -> BoxFuture<'a, Result<PgConnection, Error>> {
        Box::pin(
            async move { connect(self, application_name).await.map_err(|error| Problem::from(error).into()) },
        )
    }
}

/// A URL, completed from `PG*` variables and the password file as libpq does.
impl Connector for &str {
    fn connect<'a>(&'a self, application_name: &'a str) -> BoxFuture<'a, Result<PgConnection, Error>> {
        Box::pin(async move {
            let url = DatabaseUrl::parse(self).map_err(Problem::from)?;
            let spec = ConnectSpec::new(&url, &process_env).map_err(Problem::from)?;
            Connector::connect(&spec.origin(Origin::Program), application_name).await
        })
    }
}

impl Connector for String {
    fn connect<'a>(&'a self, application_name: &'a str) -> BoxFuture<'a, Result<PgConnection, Error>> {
        Box::pin(async move { Connector::connect(&self.as_str(), application_name).await })
    }
}

/// A pool gives its options, not a connection: the one that migrates belongs to no pool.
impl Connector for PgPool {
    fn connect<'a>(&'a self, application_name: &'a str) -> BoxFuture<'a, Result<PgConnection, Error>> {
        let options = PgConnectOptions::clone(&self.connect_options());
        Box::pin(async move { Connector::connect(&options, application_name).await })
    }
}

//! The database of an invocation: one that a URL names, or the project's local one.

use std::env::VarError;

use limbeck::Error;
use limbeck::config::{self, Config};
use limbeck::connect::{ConnectSpec, DatabaseUrl, Origin, connect, process_env};
use limbeck::connect::{Connection, close};
use limbeck::local::{self, LocalDatabase, LocalOptions, Preference};
use limbeck_core::{Code, Problem};

use crate::logging;
use crate::reporter::Verbosity;

/// A database that can be connected to.
pub(crate) struct Database {
    spec: ConnectSpec,
    url: DatabaseUrl,
    local: Option<LocalDatabase>,
}

impl Database {
    /// Finds out which one it is; starts the local server if it is that.
    pub(crate) async fn open(
        config: &Config,
        flag: Option<&str>,
        verbosity: Verbosity,
    ) -> Result<Self, Error> {
        let (url, origin, local) = match config.database(flag, &process_env)? {
            config::Database::Url(url, origin) => (url, origin, None),
            config::Database::Local => {
                let local = open_local(config).await?;
                if verbosity == Verbosity::Normal {
                    logging::progress(&local.describe());
                }
                let url = DatabaseUrl::parse(local.url()).map_err(Problem::from)?;
                (url, Origin::Local, Some(local))
            }
        };
        let spec = config.connect_spec(&url, origin, &process_env).map_err(Problem::from)?;
        Ok(Self { spec, url, local })
    }

    /// Whether it is a server that need not be started.
    pub(crate) fn is_elsewhere(config: &Config, flag: Option<&str>) -> bool {
        matches!(config.database(flag, &process_env), Ok(config::Database::Url(..)))
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self, application_name: &str) -> Result<Connection, Error> {
        connect(&self.spec, application_name).await.map_err(|error| Problem::from(error).into())
    }

    /// Closes a connection; one that is lost already needs no good-bye.
    pub(crate) async fn disconnect(connection: Connection) {
        close(connection).await;
    }

    pub(crate) fn spec(&self) -> &ConnectSpec {
        &self.spec
    }

    /// The URL as it may be shown.
    pub(crate) fn masked_url(&self) -> String {
        self.url.to_string()
    }

    /// The URL with all that it says, for the environment of a child.
    pub(crate) fn full_url(&self) -> String {
        self.local_url().map_or_else(|| self.url.reveal(), str::to_owned)
    }

    /// The URL of the local database, for the service that uses it.
    pub(crate) fn local_url(&self) -> Option<&str> {
        self.local.as_ref().map(LocalDatabase::url)
    }

    /// Lets go of a local server.
    pub(crate) async fn close(self) {
        if let Some(local) = self.local
            && let Err(error) = local.close().await
        {
            logging::warning(&error.to_string());
        }
    }
}

async fn open_local(config: &Config) -> Result<LocalDatabase, Problem> {
    let mut options = LocalOptions::new(&config.folder);
    options.preferred_major = config.postgres_version.map(u32::from);
    options.preference = preference().map_err(problem)?;
    LocalDatabase::open(options).await.map_err(problem)
}

/// `LIMBECK_LOCAL`: `programs` or `embedded`.
pub(crate) fn preference() -> Result<Preference, local::Error> {
    match std::env::var("LIMBECK_LOCAL") {
        Ok(text) => text.parse(),
        Err(VarError::NotPresent | VarError::NotUnicode(_)) => Ok(Preference::Automatic),
    }
}

/// The way out where the local database says none: a folder that cannot be written, say.
const NO_LOCAL: &str = "the local database needs a folder beside limbeck.toml that it can write; \
                        or name a database with --url or DATABASE_URL";

pub(crate) fn problem(error: local::Error) -> Problem {
    let problem = Problem::new(Code::LocalServer, error.to_string());
    problem.help(error.help_text().unwrap_or(NO_LOCAL))
}

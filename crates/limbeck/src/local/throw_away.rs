//! A server for work whose result is all that counts: from installed programs, else the embedded one.

use super::database::{Concurrency, Kind, Preference};
use super::{Programs, Result, Server, ServerOptions};

/// A server that is thrown away at its end, whichever kind this machine can run.
///
/// It ends with this value, or with this process; what a killed process left behind goes when the next such server
/// is made.
#[derive(Debug)]
pub struct ThrowAway {
    kind: Kind,
    server: Running,
}

#[derive(Debug)]
enum Running {
    Programs(Server),
    #[cfg(feature = "embedded")]
    Embedded(embedded::Embedded),
}

impl ThrowAway {
    /// Which kind [`ThrowAway::start`] would start. Starts nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NoPrograms`](super::ErrorKind::NoPrograms) where neither kind can be had.
    pub fn kind_for(preference: Preference, preferred_major: Option<u32>) -> Result<Kind> {
        match preference {
            Preference::Programs => Programs::find(preferred_major).map(Kind::Programs),
            Preference::Embedded => embedded_kind(),
            Preference::Automatic => match Programs::find(preferred_major) {
                Ok(programs) => Ok(Kind::Programs(programs)),
                Err(error) => embedded_kind().map_err(|_| error),
            },
        }
    }

    /// Starts a server of a kind that [`ThrowAway::kind_for`] named.
    ///
    /// # Errors
    /// As [`Server::temporary`].
    pub async fn start(kind: Kind) -> Result<Self> {
        let server = match &kind {
            Kind::Programs(programs) => {
                // Names of roles that are missing are read from messages.
                let options = ServerOptions { settings: vec!["lc_messages=C".to_owned()] };
                Running::Programs(Server::temporary(programs, options).await?)
            }
            Kind::Embedded(_) => start_embedded().await?,
        };
        Ok(Self { kind, server })
    }

    /// What runs it.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// How many connections it serves at a time.
    pub fn concurrency(&self) -> Concurrency {
        match self.server {
            Running::Programs(_) => Concurrency::Many,
            #[cfg(feature = "embedded")]
            Running::Embedded(_) => Concurrency::OneAfterAnother,
        }
    }

    /// The URL of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        match &self.server {
            Running::Programs(server) => server.url(database),
            #[cfg(feature = "embedded")]
            Running::Embedded(server) => server.url(database),
        }
    }

    /// Ends it, and waits for that. Dropping does the same without waiting.
    ///
    /// # Errors
    /// [`ErrorKind::Stop`](super::ErrorKind::Stop) when it does not end.
    pub async fn close(self) -> Result<()> {
        match self.server {
            Running::Programs(server) => server.close().await,
            #[cfg(feature = "embedded")]
            Running::Embedded(server) => server.close().await,
        }
    }
}

#[cfg(feature = "embedded")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it fails")]
fn embedded_kind() -> Result<Kind> {
    Ok(Kind::Embedded(super::embedded::version()))
}

#[cfg(not(feature = "embedded"))]
fn embedded_kind() -> Result<Kind> {
    Err(super::database::not_built_in())
}

#[cfg(feature = "embedded")]
async fn start_embedded() -> Result<Running> {
    super::server::blocking(embedded::Embedded::start).await.map(Running::Embedded)
}

#[cfg(not(feature = "embedded"))]
#[expect(clippy::unused_async, reason = "with the feature it waits")]
async fn start_embedded() -> Result<Running> {
    Err(super::database::not_built_in())
}

#[cfg(feature = "embedded")]
mod embedded {
    use std::fs::File;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::super::account::Account;
    use super::super::embedded::Embedded as Database;
    use super::super::server::{self, blocking};
    use super::super::{Result, folder};

    /// Nobody else knows the folder, so nobody is waited for.
    const NO_PATIENCE: Duration = Duration::ZERO;

    /// An embedded server in a folder that goes with it.
    #[derive(Debug)]
    pub(super) struct Embedded {
        database: Option<Database>,
        root: PathBuf,
        /// Tells sweepers that the folder is in use.
        _lock: File,
    }

    impl Embedded {
        pub(super) fn start() -> Result<Self> {
            let (root, lock) = folder::throw_away(Account::Own)?;
            let inside = root.join("embedded");
            folder::private_folder()
                .create(&inside)
                .map_err(|error| super::super::Error::folder("create", &inside, error))?;
            let database = Database::open(&inside, NO_PATIENCE)?;
            Ok(Self { database: Some(database), root, _lock: lock })
        }

        pub(super) fn url(&self, database: &str) -> String {
            let folder = self.database.as_ref().map_or(self.root.as_path(), Database::socket_dir);
            server::url(folder, database)
        }

        pub(super) async fn close(mut self) -> Result<()> {
            blocking(move || self.database.take().map_or(Ok(()), Database::close)).await
        }
    }

    impl Drop for Embedded {
        fn drop(&mut self) {
            drop(self.database.take());
            folder::remove(&self.root);
        }
    }
}

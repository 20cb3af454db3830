//! Servers besides PostgreSQL that some tests start: one program each, from the distribution's package.

use std::env;
use std::path::PathBuf;

use crate::postgres::{apt_install, can_apt};
use crate::run::Failed;

/// Where distributions put such programs besides the PATH.
const SBIN: &str = "/usr/sbin";

/// A program and where it comes from.
pub(crate) struct Packaged {
    program: &'static str,
    debian: &'static str,
    advice: &'static str,
}

/// For the tests behind a pooler.
pub(crate) const PGBOUNCER: Packaged = Packaged {
    program: "pgbouncer",
    debian: "pgbouncer",
    advice: "The test behind a pooler needs PgBouncer (Debian, Ubuntu: apt-get install pgbouncer; Fedora: dnf install \
             pgbouncer; macOS: brew install pgbouncer).",
};

/// For the tests of the shared rate limit.
pub(crate) const REDIS: Packaged = Packaged {
    program: "redis-server",
    debian: "redis-server",
    advice: "The tests of the shared rate limit need Redis (Debian, Ubuntu: apt-get install redis-server; Fedora: dnf \
             install redis; macOS: brew install redis).",
};

impl Packaged {
    /// The program: the one on the PATH, else the package's.
    pub(crate) fn ensure(&self) -> Result<PathBuf, Failed> {
        if let Some(found) = self.find() {
            return Ok(found);
        }
        if can_apt() {
            apt_install(&[self.debian])?;
        }
        self.find().ok_or_else(|| Failed::new(self.advice))
    }

    fn find(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain([PathBuf::from(SBIN)]);
        folders.map(|folder| folder.join(self.program)).find(|program| program.is_file())
    }
}

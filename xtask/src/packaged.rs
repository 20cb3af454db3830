//! Programs besides PostgreSQL that some tests start: one each, from the distribution's package.

use std::env;
use std::path::PathBuf;

use crate::postgres::{apt_install, can_apt};
use crate::run::Failed;

/// Where distributions put such programs besides the PATH.
const SBIN: &str = "/usr/sbin";

/// A program and where it comes from.
pub(crate) struct Packaged {
    /// How tests are told of it; set already, it names one that is there.
    pub(crate) variable: &'static str,
    /// What distributions call it.
    names: &'static [&'static str],
    debian: &'static str,
    advice: &'static str,
}

/// All of them.
pub(crate) const ALL: [Packaged; 3] = [
    Packaged {
        variable: "LIMBECK_TEST_PGBOUNCER",
        names: &["pgbouncer"],
        debian: "pgbouncer",
        advice: "The test behind a pooler needs PgBouncer (Debian, Ubuntu: apt-get install pgbouncer; Fedora: dnf install \
                 pgbouncer; macOS: brew install pgbouncer).",
    },
    Packaged {
        variable: "LIMBECK_TEST_REDIS",
        names: &["redis-server"],
        debian: "redis-server",
        advice: "The tests of the shared rate limit need Redis (Debian, Ubuntu: apt-get install redis-server; Fedora: dnf \
                 install redis; macOS: brew install redis).",
    },
    Packaged {
        variable: "LIMBECK_TEST_CHROMIUM",
        names: &["chromium", "chromium-browser", "google-chrome"],
        debian: "chromium",
        advice: "The test of the page for operators needs Chromium (Debian, Ubuntu: apt-get install chromium; Fedora: dnf \
                 install chromium; macOS: brew install chromium).",
    },
];

/// For the adapter's benchmark.
pub(crate) const WRK: Packaged = Packaged {
    variable: "LIMBECK_BENCH_WRK",
    names: &["wrk"],
    debian: "wrk",
    advice: "The adapter's benchmark needs wrk (Debian, Ubuntu: apt-get install wrk; macOS: brew install wrk).",
};

impl Packaged {
    /// The program: the one that is named, else the one on the PATH, else the package's.
    pub(crate) fn ensure(&self) -> Result<PathBuf, Failed> {
        if let Some(given) = env::var_os(self.variable).filter(|value| !value.is_empty()) {
            return Ok(given.into());
        }
        if let Some(found) = self.find() {
            return Ok(found);
        }
        if can_apt() {
            apt_install(&[self.debian])?;
        }
        let named = || format!("{} {} may name one that is there already.", self.advice, self.variable);
        self.find().ok_or_else(|| Failed::new(named()))
    }

    fn find(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<_> = env::split_paths(&path).chain([PathBuf::from(SBIN)]).collect();
        let mut programs =
            self.names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        programs.find(|program| program.is_file())
    }
}

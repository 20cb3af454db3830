//! Programs in Python: each with its packages in a virtual environment of its own, made on first use.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::places;
use crate::postgres::{apt_install, can_apt};
use crate::run::{Done, Failed, program, run, succeeds};

/// A program, and the packages that it comes from.
pub(crate) struct Venv {
    /// How tests are told of the program; set already, it names one that is there.
    pub(crate) variable: &'static str,
    program: &'static str,
    packages: &'static [&'static str],
}

/// The real Alembic, for the test that hands one database back and forth between both tools. Pinned: the version whose
/// behaviour the conformance data records.
pub(crate) const ALEMBIC: Venv = Venv {
    variable: "LIMBECK_TEST_ALEMBIC",
    program: "alembic",
    packages: &["alembic==1.18.4", "sqlalchemy==2.0.44", "psycopg2-binary==2.9.11"],
};

/// What makes requests of the adapter's API from its description.
pub(crate) const SCHEMATHESIS: Venv = Venv {
    variable: "LIMBECK_TEST_SCHEMATHESIS",
    program: "schemathesis",
    packages: &["schemathesis==4.32.5"],
};

/// What the adapter is measured against.
pub(crate) const FASTAPI: Venv = Venv {
    variable: "LIMBECK_BENCH_FASTAPI",
    program: "uvicorn",
    packages: &[
        "fastapi==0.165.0",
        "uvicorn==0.54.0",
        "uvloop==0.23.0",
        "httptools==0.9.0",
        "asyncpg==0.32.0",
        "orjson",
    ],
};

impl Venv {
    /// The program: the one that is named, else the one of the environment, which is made if need be.
    pub(crate) fn ensure(&self) -> Result<PathBuf, Failed> {
        if let Some(given) = env::var_os(self.variable).filter(|value| !value.is_empty()) {
            return Ok(given.into());
        }
        let venv = places::cache_dir()?.join(format!("{}-venv", self.program));
        let found = venv.join("bin").join(self.program);
        // Written last, so that an interrupted installation is not taken for a whole one.
        let marker = venv.join("limbeck-packages");
        let wanted = self.packages.join("\n");
        let there = fs::read_to_string(&marker).is_ok_and(|packages| packages == wanted);
        // A venv outlives the Python that it points to.
        if !there || !succeeds(program(&found).arg("--version")) {
            self.install(&venv)?;
            fs::write(&marker, wanted).map_err(|why| Failed::new(format!("{}: {why}", marker.display())))?;
        }
        Ok(found)
    }

    fn install(&self, venv: &Path) -> Done {
        run(program(self.python()?).args(["-m", "venv", "--clear"]).arg(venv))?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--only-binary=:all:",
        ];
        run(program(venv.join("bin/python")).args(pip).args(self.packages))
    }

    fn python(&self) -> Result<&'static str, Failed> {
        let usable = || succeeds(program("python3").args(["-c", "import venv, ensurepip"]));
        if !usable() && can_apt() {
            apt_install(&["python3", "python3-venv"])?;
        }
        match usable() {
            true => Ok("python3"),
            false => Err(Failed::new(format!(
                "{} needs python3 with its venv module (Debian, Ubuntu: apt-get install python3-venv). {} may name a \
                 program that is there already, with what {} holds.",
                self.program,
                self.variable,
                self.packages.join(", "),
            ))),
        }
    }
}

/// The Python beside a program of an environment, which has pip.
pub(crate) fn python_of(found: &Path) -> PathBuf {
    found.with_file_name("python")
}

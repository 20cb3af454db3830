//! PostgreSQL's server programs: finds them, or installs the distribution's package.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Done, Failed, output, program, run, succeeds};

/// Folders with one sub-folder per version, and how its name begins; the programs are in its `bin`.
const VERSIONED: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

const ADVICE: &str = "The tests need PostgreSQL's server programs (initdb, postgres), 13 or newer. Install them:\n  \
     Debian, Ubuntu   apt-get install postgresql\n  \
     Fedora, RHEL     dnf install postgresql-server\n  \
     Arch             pacman -S postgresql\n  \
     Alpine           apk add postgresql\n  \
     macOS            brew install postgresql@17\n\
     or put their folder on the PATH.";

/// What keeps Debian's packages from asking questions while they are installed.
pub(crate) const UNATTENDED: (&str, &str) = ("DEBIAN_FRONTEND", "noninteractive");

/// The folder of the server programs.
pub(crate) fn ensure() -> Result<PathBuf, Failed> {
    if let Some(bin) = find() {
        eprintln!("xtask: PostgreSQL's server programs are in {}", bin.display());
        return Ok(bin);
    }
    if !can_apt() {
        return Err(Failed::new(ADVICE));
    }
    install()?;
    find().ok_or_else(|| Failed::new(format!("the package `postgresql` brought no server.\n{ADVICE}")))
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let pg_config = output(program("pg_config").arg("--bindir")).map(PathBuf::from);
    let versioned = VERSIONED.iter().flat_map(|&(parent, prefix)| {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        entries
            .filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path().join("bin"))
    });
    let program = |bin: &Path, name: &str| bin.join(name).with_extension(env::consts::EXE_EXTENSION);
    let complete = |bin: &PathBuf| ["initdb", "postgres"].iter().all(|name| program(bin, name).is_file());
    let bin = env::split_paths(&path).chain(pg_config).chain(versioned).find(complete)?;
    // Links to some of the programs stand elsewhere than the programs, which are complete at home.
    let home = fs::canonicalize(program(&bin, "initdb")).ok()?;
    home.parent().map(Path::to_owned)
}

/// Whether packages can be installed without asking anybody: root on a system with apt.
pub(crate) fn can_apt() -> bool {
    succeeds(program("apt-get").arg("--version")) && is_root()
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    output(program("id").arg("-u")).as_deref() == Some("0")
}

/// Installs packages of the distribution.
pub(crate) fn apt_install(packages: &[&str]) -> Done {
    run(program("apt-get").args(["update", "-q"]))?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    // In this run level Debian's packages start no service.
    let quietly = [UNATTENDED, ("RUNLEVEL", "1")];
    run(program("apt-get").args(install).args(packages).envs(quietly))
}

/// Debian's package makes a cluster and starts it; only its programs are wanted here. A drop-in says so while
/// the package is installed.
fn install() -> Done {
    let dir = Path::new("/etc/postgresql-common/createcluster.d");
    let drop_in = dir.join("limbeck-xtask.conf");
    _ = fs::create_dir_all(dir).and_then(|()| fs::write(&drop_in, "create_main_cluster = false\n"));
    let installed = apt_install(&["postgresql"]);
    _ = fs::remove_file(&drop_in);
    installed
}

//! Finding PostgreSQL's server programs on this machine.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fmt, fs};

use super::{Error, ErrorKind, Result};

/// A PostgreSQL version as `postgres --version` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    major: u32,
    text: String,
}

impl Version {
    /// Reads what `postgres --version` prints, for example `postgres (PostgreSQL) 15.16 (Debian ...)`.
    pub fn parse(output: &str) -> Option<Self> {
        let text = output.split("(PostgreSQL)").nth(1)?.split_whitespace().next()?;
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self { major: digits.parse().ok()?, text: text.to_owned() })
    }

    #[cfg(feature = "embedded")]
    pub(super) fn of_major(major: u32) -> Self {
        Self { major, text: major.to_string() }
    }

    /// The major version, for example 15.
    pub fn major(&self) -> u32 {
        self.major
    }
}

/// Prints the whole version, for example `15.16`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A folder with one version's server programs: `initdb`, `postgres` and what comes with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    bin_dir: PathBuf,
    version: Version,
}

impl Programs {
    /// The programs to use: those of `preferred_major` where they are installed, else the newest.
    ///
    /// `LIMBECK_PG_BIN` names a folder to use instead of searching.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoPrograms`], whose help says what to install.
    pub fn find(preferred_major: Option<u32>) -> Result<Self> {
        let found = Self::all()?;
        let preferred = found.iter().find(|programs| Some(programs.version.major) == preferred_major);
        preferred.or(found.first()).cloned().ok_or_else(not_found)
    }

    /// The programs of exactly this major version.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoPrograms`]; the message names the versions that are there.
    pub fn of_major(major: u32) -> Result<Self> {
        let found = Self::all()?;
        if found.is_empty() {
            return Err(not_found());
        }
        found.iter().find(|programs| programs.version.major == major).cloned().ok_or_else(|| {
            let there: Vec<_> = found.iter().map(|programs| programs.version.to_string()).collect();
            let message = format!("PostgreSQL {major} is not installed here (there is {})", there.join(", "));
            Error::new(ErrorKind::NoPrograms, message).help(install_hint(major))
        })
    }

    /// All programs on this machine, the newest version first; an empty list is not an error here.
    ///
    /// # Errors
    ///
    /// When `LIMBECK_PG_BIN` names a folder without server programs.
    pub fn all() -> Result<Vec<Self>> {
        if let Some(folder) = env::var_os("LIMBECK_PG_BIN").filter(|value| !value.is_empty()) {
            return Self::in_folder(Path::new(&folder)).map(|programs| vec![programs]).ok_or_else(|| {
                let shown = folder.display();
                let message = format!("LIMBECK_PG_BIN names {shown}, where initdb and postgres are not");
                Error::new(ErrorKind::NoPrograms, message)
                    .help("name the folder that holds both, or unset it")
            });
        }
        let mut found: Vec<Self> = Vec::new();
        for folder in candidates() {
            let known = |folder: &Path| found.iter().any(|programs| programs.bin_dir == folder);
            if let Some(programs) =
                real_folder(&folder).filter(|real| !known(real)).and_then(|real| Self::in_folder(&real))
            {
                found.push(programs);
            }
        }
        found.sort_by_key(|programs| std::cmp::Reverse(programs.version.major));
        Ok(found)
    }

    /// The programs in one folder, if they are there and answer.
    pub fn in_folder(bin_dir: &Path) -> Option<Self> {
        if !["initdb", "postgres"].iter().all(|name| is_program(&bin_dir.join(name))) {
            return None;
        }
        let output =
            Command::new(bin_dir.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
        let version = Version::parse(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { bin_dir: bin_dir.to_owned(), version })
    }

    /// The folder; `psql`, `pg_dump` and `pgbench` are usually in it too.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// Their version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Where `folder`'s `postgres` really lives: distributions put links to it into folders of the PATH.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(folder.join("postgres")).ok()?;
    program.parent().map(Path::to_owned)
}

/// Every folder where server programs may be, the likeliest first.
fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    folders.extend(asked_of_pg_config());
    folders.extend(matching("/usr/lib/postgresql", "", "bin"));
    folders.extend(matching("/usr", "pgsql-", "bin"));
    for homebrew in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        folders.extend(matching(homebrew, "postgresql", "bin"));
    }
    folders.extend(matching("/Applications/Postgres.app/Contents/Versions", "", "bin"));
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders.push(PathBuf::from("/usr/libexec/postgresql"));
    folders
}

fn asked_of_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim_end()))
}

/// `parent/<prefix>*/<leaf>` for everything that is there.
fn matching(parent: &str, prefix: &str, leaf: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let begins = |name: &OsStr| name.as_encoded_bytes().starts_with(prefix.as_bytes());
    entries.filter(|entry| begins(&entry.file_name())).map(|entry| entry.path().join(leaf)).collect()
}

fn not_found() -> Error {
    let message = "no PostgreSQL server programs (initdb, postgres) were found on this machine";
    Error::new(ErrorKind::NoPrograms, message).help(
        "install them: `apt install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora), \
         `brew install postgresql@17` (Homebrew); or set LIMBECK_PG_BIN to the folder that holds them",
    )
}

fn install_hint(major: u32) -> String {
    format!(
        "install it: `apt install postgresql-{major}` (Debian, Ubuntu; older and newer versions are at \
         apt.postgresql.org), `brew install postgresql@{major}` (Homebrew); or set LIMBECK_PG_BIN to the \
         folder that holds it"
    )
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_read() {
        let cases = [
            ("postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)\n", Some((15, "15.16"))),
            ("postgres (PostgreSQL) 18beta1\n", Some((18, "18beta1"))),
            ("postgres (PostgreSQL) 17devel", Some((17, "17devel"))),
            ("postgres (EnterpriseDB) 15", None),
            ("", None),
        ];
        for (output, expected) in cases {
            let version = Version::parse(output);
            let version = version.as_ref().map(|version| (version.major(), version.to_string()));
            assert_eq!(version, expected.map(|(major, text)| (major, text.to_owned())), "{output}");
        }
    }
}

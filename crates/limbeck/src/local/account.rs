//! The user that a server runs as: PostgreSQL refuses to be root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Error, ErrorKind, Result};

/// Who a server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// The user that limbeck runs as.
    Own,
    /// Another user, because limbeck is root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Chooses: whoever we are, unless that is root; then `postgres`, else `nobody`.
    pub(super) fn choose() -> Result<Self> {
        if !is_root() {
            return Ok(Self::Own);
        }
        ["postgres", "nobody"].iter().find_map(|name| Self::of(name)).ok_or_else(|| {
            Error::new(ErrorKind::NoAccount, "PostgreSQL does not run as root, and there is no user for it")
                .help("create one (`useradd --system postgres`), or run limbeck as an ordinary user")
        })
    }

    /// The owner of an existing data folder, so that a server is always run by the same user.
    pub(super) fn owning(uid: u32, gid: u32) -> Self {
        if is_root() && uid != 0 { Self::Other { uid, gid } } else { Self::Own }
    }

    /// Its user id.
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Own => rustix::process::geteuid().as_raw(),
            Self::Other { uid, .. } => uid,
        }
    }

    fn of(name: &str) -> Option<Self> {
        let uid = id("-u", name)?;
        let gid = id("-g", name)?;
        (uid != 0).then_some(Self::Other { uid, gid })
    }

    /// A command that runs as this user, without our supplementary groups (std drops them with `uid`), in a
    /// process group of its own (Ctrl-C on a terminal goes to the whole foreground group), and without the
    /// variables that would lead PostgreSQL's programs elsewhere.
    pub(super) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").process_group(0).stdin(Stdio::null());
        command
    }

    /// Gives a path to this user.
    pub(super) fn give(self, path: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => {
                chown(path, Some(uid), Some(gid)).map_err(|err| Error::folder("give away", path, err))
            }
        }
    }

    /// Whether this user can enter a folder; asked of the system itself, so that access lists count too.
    pub(super) fn can_enter(self, folder: &Path) -> bool {
        let mut command = self.command("/bin/sh");
        command.args(["-c", "cd -- \"$1\"", "sh"]).arg(folder);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// Whether this process is root.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Asks `id`, which knows users from every source (files, LDAP, macOS's directory).
fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, name]).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

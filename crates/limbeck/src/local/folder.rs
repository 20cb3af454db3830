//! The folder of a server: what lies where, the locks in it, and throw-away folders.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::account::Account;
use super::{Error, ErrorKind, Result};

/// A Unix socket's path may have 103 bytes on macOS and 107 on Linux; its name here has 15 with the slash.
const LONGEST_SOCKET_FOLDER: usize = 103 - "/.s.PGSQL.5432".len();

/// How the names of throw-away folders begin.
const THROW_AWAY_PREFIX: &str = "limbeck-t-";

/// Held while a server of the folder is in use.
const SERVER_LOCK: &str = "server.lock";

/// What lies where in a server's folder.
///
/// Two locks (flock) say who is there. `server.lock` is held by the process that started the server, and its
/// open file is handed to the watchdog and to PostgreSQL itself: whoever gets it knows that no process of
/// this server is left, however they ended. `users.lock` is held shared by every process that uses it.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The folder itself.
    pub(super) root: PathBuf,
    /// The socket and the state file; belongs to the server's user, nobody else may enter.
    pub(super) run: PathBuf,
}

impl Layout {
    /// The layout of `root`; a socket folder whose path would be too long is put into `/tmp`.
    pub(super) fn of(root: &Path) -> Self {
        let inside = root.join("run");
        let run = if inside.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
            inside
        } else {
            PathBuf::from(format!("/tmp/limbeck-{:016x}", path_hash(root)))
        };
        Self { root: root.to_owned(), run }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    pub(super) fn server_lock(&self) -> PathBuf {
        self.root.join(SERVER_LOCK)
    }

    pub(super) fn users_lock(&self) -> PathBuf {
        self.root.join("users.lock")
    }

    /// The pipe through which the watchdog notices that nobody uses the server any more.
    pub(super) fn control(&self) -> PathBuf {
        self.root.join("control")
    }

    /// Exists while the server takes users; what it says is in [`super::server`].
    pub(super) fn state(&self) -> PathBuf {
        self.run.join("state.json")
    }

    /// Creates the socket folder, or checks that the one that is there is ours.
    pub(super) fn prepare_run(&self, account: Account) -> Result<()> {
        match private_folder().create(&self.run) {
            Ok(()) => return account.give(&self.run),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(Error::folder("create", &self.run, err)),
        }
        let meta = fs::symlink_metadata(&self.run).map_err(|err| Error::folder("look at", &self.run, err))?;
        if meta.is_dir() && meta.uid() == account.uid() && meta.mode() & 0o077 == 0 {
            return Ok(());
        }
        let message = format!("{} is there already and is not ours", self.run.display());
        Err(Error::new(ErrorKind::Folder, message).help("look at what it is, and remove it"))
    }
}

/// A number for a path, the same in every build of limbeck (FNV-1a); only used to keep names apart.
pub(super) fn path_hash(path: &Path) -> u64 {
    path.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A builder of folders that only their owner may enter.
pub(super) fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// Opens a lock file, creating it if need be.
pub(super) fn lock_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|err| Error::folder("open", path, err))
}

/// What came of trying to take a lock.
pub(super) enum Locked {
    Taken,
    Held,
}

/// Makes sense of a `try_lock`.
pub(super) fn outcome(result: std::result::Result<(), TryLockError>, path: &Path) -> Result<Locked> {
    match result {
        Ok(()) => Ok(Locked::Taken),
        Err(TryLockError::WouldBlock) => Ok(Locked::Held),
        Err(TryLockError::Error(err)) => Err(Error::folder("lock", path, err)),
    }
}

/// Creates a throw-away folder that `account` owns and can reach, and locks it.
pub(super) fn throw_away(account: Account) -> Result<(PathBuf, File)> {
    let base = throw_away_base(account);
    sweep(&base, account);
    for _ in 0..100 {
        let name: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
        let root = base.join(format!("{THROW_AWAY_PREFIX}{name}"));
        match private_folder().create(&root) {
            Ok(()) => {}
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(err) => return Err(Error::folder("create", &root, err)),
        }
        let path = root.join(SERVER_LOCK);
        let lock = lock_file(&path)?;
        // A sweeper may have been faster; then the folder is gone in a moment, or gone already, and the lock is that of
        // a file without a name.
        if matches!(outcome(lock.try_lock(), &path)?, Locked::Taken) && is_at(&lock, &path) {
            account.give(&root)?;
            return Ok((root, lock));
        }
    }
    Err(Error::new(ErrorKind::Folder, format!("cannot create a folder in {}", base.display())))
}

/// Removes a throw-away folder. Its lock goes last: what a process that is killed meanwhile leaves, the next sweep knows.
/// Whatever fails is left to that, too.
pub(super) fn remove(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        match entry.file_name() {
            name if name == SERVER_LOCK => {}
            _ if is_folder => drop(fs::remove_dir_all(entry.path())),
            _ => drop(fs::remove_file(entry.path())),
        }
    }
    drop(fs::remove_dir_all(root));
}

/// Whether a path still leads to an open file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// The system's folder for temporary files, where it is short and reachable enough; else `/tmp`.
fn throw_away_base(account: Account) -> PathBuf {
    let base = std::env::temp_dir();
    let room = LONGEST_SOCKET_FOLDER - THROW_AWAY_PREFIX.len() - "/12345678/run".len();
    let short = base.as_os_str().len() <= room;
    let reachable = matches!(account, Account::Own) || account.can_enter(&base);
    if short && reachable { base } else { PathBuf::from("/tmp") }
}

/// Removes what servers whose processes are all dead left behind. Only folders of limbeck's own making are
/// touched: by name and owner, and only when their lock can be had.
fn sweep(base: &Path, account: Account) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(THROW_AWAY_PREFIX.as_bytes()) {
            sweep_one(&entry.path(), account);
        }
    }
}

/// One folder; whatever fails is left for the next time.
fn sweep_one(root: &Path, account: Account) {
    let Ok(meta) = fs::symlink_metadata(root) else { return };
    let own = rustix::process::geteuid().as_raw();
    let ours = meta.uid() == own || meta.uid() == account.uid();
    if !meta.is_dir() || !ours {
        return;
    }
    // Neither a link nor a pipe that somebody put there is followed or waited for.
    let careful = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(careful).open(root.join(SERVER_LOCK)) {
        Ok(lock) if lock.try_lock().is_ok() => remove(root),
        Err(err) if err.kind() == io::ErrorKind::NotFound && is_older(&meta, Duration::from_secs(60)) => {
            drop(fs::remove_dir_all(root));
        }
        Ok(_) | Err(_) => {}
    }
}

fn is_older(meta: &fs::Metadata, age: Duration) -> bool {
    let modified = meta.modified().ok();
    modified.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|past| past > age)
}

/// Lets others pass through (not list) a folder: the server's user must reach what it owns inside.
pub(super) fn let_pass(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o711))
        .map_err(|err| Error::folder("set the permissions of", folder, err))
}

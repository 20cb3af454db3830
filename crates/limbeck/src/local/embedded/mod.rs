//! The embedded PostgreSQL (pglite-oxide) as a project's local database.
//!
//! It lives in its owner's process and is reached through a Unix socket, like a server from programs. It
//! serves one connection after another; [`front`] stands before it and keeps clients from harming it.

mod front;
mod wire;

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use self::front::Front;
use super::account::Account;
use super::database::Ownership;
use super::folder::{self, Layout, Locked};
use super::{Error, ErrorKind, Result, Version};

/// What pglite-oxide 0.5.1 brings.
const VERSION: &str = "postgres (PostgreSQL) 17.5";

/// How long the owner waits, when it closes, for guests to leave.
const GUESTS_PATIENCE: Duration = Duration::from_secs(30);

/// An open embedded database: served by this process, or by another one.
#[derive(Debug)]
pub(super) struct Embedded {
    layout: Layout,
    users: File,
    role: Role,
}

#[derive(Debug)]
enum Role {
    Owner(Front),
    Guest,
}

impl Embedded {
    /// Serves the database in `root`, or finds it served by another process.
    pub(super) fn open(root: &Path, patience: Duration) -> Result<Self> {
        let layout = Layout::of(root);
        let users = folder::lock_file(&layout.users_lock())?;
        let lock = folder::lock_file(&layout.server_lock())?;
        let deadline = Instant::now() + patience;
        loop {
            // Exclusive only while an owner closes; it lets nobody in any more.
            if let Locked::Taken = folder::outcome(users.try_lock_shared(), &layout.users_lock())? {
                if let Locked::Taken = folder::outcome(lock.try_lock(), &layout.server_lock())? {
                    layout.prepare_run(Account::Own)?;
                    let front = Front::start(&layout.data(), &layout.run, lock)?;
                    return Ok(Self { layout, users, role: Role::Owner(front) });
                }
                if marker(&layout).exists() && UnixStream::connect(front::socket(&layout.run)).is_ok() {
                    return Ok(Self { layout, users, role: Role::Guest });
                }
                users.unlock().map_err(|err| Error::folder("unlock", &layout.users_lock(), err))?;
            }
            if Instant::now() > deadline {
                let message = format!("the embedded PostgreSQL in {} takes no connections", root.display());
                return Err(Error::new(ErrorKind::Busy, message)
                    .help("end the other limbeck process that uses this project's local database"));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.layout.run
    }

    /// Whether the project's database still has to be made, which an owner does once.
    pub(super) fn lacks_database(&self) -> bool {
        !self.marker().exists()
    }

    /// Remembers that the database is there; from now on there may be guests.
    pub(super) fn has_database(&self) -> Result<()> {
        let marker = self.marker();
        fs::write(&marker, "").map_err(|err| Error::folder("write", &marker, err))
    }

    fn marker(&self) -> PathBuf {
        marker(&self.layout)
    }

    pub(super) fn ownership(&self) -> Ownership {
        match self.role {
            Role::Owner(_) => Ownership::Owner,
            Role::Guest => Ownership::Guest,
        }
    }

    /// Lets go. The owner waits for its guests, though not for ever, and ends the server.
    pub(super) fn close(self) -> Result<()> {
        let Role::Owner(front) = self.role else { return Ok(()) };
        let path = self.layout.users_lock();
        self.users.unlock().map_err(|err| Error::folder("unlock", &path, err))?;
        let deadline = Instant::now() + GUESTS_PATIENCE;
        while let Locked::Held = folder::outcome(self.users.try_lock(), &path)? {
            if Instant::now() > deadline {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        front.stop()
    }
}

/// Which PostgreSQL it is.
pub(super) fn version() -> Version {
    Version::parse(VERSION).unwrap_or_else(|| Version::of_major(17))
}

/// Exists once the project's database has been made.
fn marker(layout: &Layout) -> PathBuf {
    layout.root.join("complete")
}

/// Removes a socket that a killed owner left.
fn remove_stale(socket: &PathBuf) -> Result<()> {
    match fs::remove_file(socket) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(Error::folder("remove", socket, err)),
        _ => Ok(()),
    }
}

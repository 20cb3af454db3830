//! A private PostgreSQL server.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::account::Account;
use super::cluster::{self, Care};
use super::folder::{self, Layout};
use super::watchdog::{self, AtTheEnd, Hold};
use super::{Error, ErrorKind, Programs, Result};

/// How long a start may take, recovery after a crash included.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// How long a stop may take; the watchdog is rough after a minute, and needs a little for that.
const STOP_PATIENCE: Duration = Duration::from_secs(90);

/// The superuser of every server that limbeck makes.
pub(super) const SUPERUSER: &str = "postgres";

/// Settings that make a server quick and forgetful.
const THROW_AWAY_SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "jit=off",
];

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Sessions are ended, and everything is written (PostgreSQL's "fast").
    Fast,
    /// As in a crash: the next start recovers (PostgreSQL's "immediate").
    Immediate,
}

/// What a throw-away server may be told; [`Default`] is right mostly.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Further settings, each `name=value` as in `postgres -c`.
    pub settings: Vec<String>,
}

/// A PostgreSQL server of this process's own, on a Unix socket that only its user and root can reach.
///
/// It runs in a process group of its own (Ctrl-C does not reach it) and ends with this value, or with this
/// process, however that ends: a watchdog notices. A throw-away server's folder goes with it; one that a
/// crash of the machine left behind is removed when the next one is made.
#[derive(Debug)]
pub struct Server {
    programs: Programs,
    layout: Layout,
    account: Account,
    life: Life,
    settings: Vec<String>,
    lock: File,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    watchdog: Child,
    hold: Hold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Durable,
    ThrowAway,
}

impl Server {
    /// Starts a new server that is thrown away at the end: no flushing to disk, nothing is kept.
    ///
    /// # Errors
    ///
    /// When there is no unprivileged user to run it ([`ErrorKind::NoAccount`]), no usable folder, or
    /// PostgreSQL does not start; then the message ends with what its log says.
    pub async fn temporary(programs: &Programs, options: ServerOptions) -> Result<Self> {
        let programs = programs.clone();
        blocking(move || Self::temporary_blocking(programs, options)).await
    }

    fn temporary_blocking(programs: Programs, options: ServerOptions) -> Result<Self> {
        let account = Account::choose()?;
        let (root, lock) = folder::throw_away(account)?;
        let mut settings: Vec<String> =
            THROW_AWAY_SETTINGS.iter().map(|&setting| setting.to_owned()).collect();
        settings.extend(options.settings);
        let layout = Layout::of(&root);
        let life = Life::ThrowAway;
        let mut server = Self { programs, layout, account, life, settings, lock, running: None };
        cluster::create(&server.programs, &server.layout, account, Care::Quick)?;
        server.start_blocking()?;
        server.announce("{}")?;
        Ok(server)
    }

    /// Starts the server of a folder that is kept. The caller holds `lock`, the folder's `server.lock`.
    pub(super) fn durable(programs: Programs, layout: Layout, account: Account, lock: File) -> Result<Self> {
        let life = Life::Durable;
        let mut server = Self { programs, layout, account, life, settings: Vec::new(), lock, running: None };
        if !server.layout.data().join("PG_VERSION").exists() {
            cluster::create(&server.programs, &server.layout, account, Care::Durable)?;
        }
        server.start_blocking()?;
        Ok(server)
    }

    /// Starts it again after [`Server::stop`], with the same data.
    ///
    /// # Errors
    ///
    /// As for [`Server::temporary`].
    pub async fn start(mut self) -> Result<Self> {
        blocking(move || {
            if self.running.is_none() {
                self.start_blocking()?;
                self.announce("{}")?;
            }
            Ok(self)
        })
        .await
    }

    /// Stops it and keeps its folder, so that [`Server::start`] may follow.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Stop`] when it is still there after a minute and a half.
    pub async fn stop(mut self, how: Shutdown) -> Result<Self> {
        blocking(move || {
            self.stop_blocking(how)?;
            Ok(self)
        })
        .await
    }

    /// Ends it, and waits for that. Dropping does the same without waiting.
    ///
    /// # Errors
    ///
    /// As for [`Server::stop`].
    pub async fn close(mut self) -> Result<()> {
        blocking(move || match self.life {
            Life::ThrowAway => self.stop_blocking(Shutdown::Immediate),
            Life::Durable => self.stop_blocking(Shutdown::Fast),
        })
        .await
    }

    /// The URL of one of its databases, for libpq and for sqlx.
    pub fn url(&self, database: &str) -> String {
        url(self.socket_dir(), database)
    }

    /// The folder of its Unix socket, which `psql -h` takes; the port is 5432.
    pub fn socket_dir(&self) -> &Path {
        &self.layout.run
    }

    /// Its superuser.
    pub fn user(&self) -> &'static str {
        SUPERUSER
    }

    /// The programs that it runs.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Its log.
    pub fn log_path(&self) -> PathBuf {
        self.layout.log()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.layout.root
    }

    /// The process id of PostgreSQL's main process while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(|_| PidFile::read(&self.layout.data())).map(|file| file.pid)
    }

    /// Writes the state file: from now on other processes may use the server.
    pub(super) fn announce(&self, state: &str) -> Result<()> {
        let path = self.layout.state();
        let unfinished = self.layout.run.join(format!("state.{:08x}", fastrand::u32(..)));
        let written = fs::write(&unfinished, state).and_then(|()| fs::rename(&unfinished, &path));
        written.map_err(|err| Error::folder("write", &path, err))
    }

    fn start_blocking(&mut self) -> Result<()> {
        self.layout.prepare_run(self.account)?;
        remove_file(&self.layout.state())?;
        clear_stale_pid_file(&self.layout)?;
        let mut log = LogTail::open(&self.layout.log())?;
        let at_the_end = match self.life {
            Life::Durable => AtTheEnd::Keep,
            Life::ThrowAway => AtTheEnd::Remove(&self.layout.root),
        };
        let (watchdog, hold) =
            watchdog::spawn(&self.layout, self.account, at_the_end, &self.lock, &self.command())?;
        let running = self.running.insert(Running { watchdog, hold });
        wait_until_ready(&mut running.watchdog, &self.layout.data()).map_err(|failure| {
            self.running = None;
            failure.with_log(&mut log)
        })
    }

    fn command(&self) -> Command {
        let mut command = self.account.command(self.programs.program("postgres"));
        command.arg("-D").arg(self.layout.data()).arg("-k").arg(&self.layout.run);
        let always = ["listen_addresses=", "port=5432", "logging_collector=off", "log_destination=stderr"];
        let settings = always.into_iter().chain(self.settings.iter().map(String::as_str));
        for setting in settings {
            command.args(["-c", setting]);
        }
        command
    }

    fn stop_blocking(&mut self, how: Shutdown) -> Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let signal = match how {
            Shutdown::Fast => "INT",
            Shutdown::Immediate => "QUIT",
        };
        // It may have ended by itself; then nobody reads the pipe, and that is fine.
        drop(running.hold.order(signal));
        match wait_for_exit(&mut running.watchdog, STOP_PATIENCE) {
            Some(_) => Ok(()),
            None => Err(self.does_not_stop()),
        }
    }

    /// Lets go of a server that others may still use. If nobody does, the watchdog ends it; `wait` for that
    /// only then.
    pub(super) fn let_go(mut self, others: Others) -> Result<()> {
        let Some(Running { mut watchdog, hold }) = self.running.take() else { return Ok(()) };
        drop(hold);
        match others {
            Others::Remain => reap(watchdog),
            Others::None => {
                wait_for_exit(&mut watchdog, STOP_PATIENCE).ok_or_else(|| self.does_not_stop())?;
            }
        }
        Ok(())
    }

    fn does_not_stop(&self) -> Error {
        let message = format!("the PostgreSQL server in {} does not stop", self.layout.root.display());
        Error::new(ErrorKind::Stop, message).help(format!("its log is {}", self.layout.log().display()))
    }
}

/// Whether other processes use a server that we let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    None,
    Remain,
}

impl Drop for Server {
    fn drop(&mut self) {
        let was_running = self.running.is_some();
        if let Some(Running { watchdog, hold }) = self.running.take() {
            drop(hold);
            reap(watchdog);
        }
        if self.life == Life::ThrowAway && !was_running {
            folder::remove(&self.layout.root);
        }
    }
}

/// Waits for a child in the background, so that no zombie is left in a long-lived process.
fn reap(mut child: Child) {
    drop(thread::Builder::new().name("limbeck-reaper".to_owned()).spawn(move || child.wait()));
}

/// Runs what blocks on a thread where it may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(err) => Err(Error::new(ErrorKind::Start, format!("a background task failed: {err}"))),
    }
}

/// The URL of a database behind a socket. User and host are parameters, because a URL with a user needs a
/// host in its authority part.
pub(super) fn url(socket_dir: &Path, database: &str) -> String {
    const KEEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    const PATH: &AsciiSet = &KEEP.remove(b'/');
    let host = socket_dir.to_string_lossy();
    let host = utf8_percent_encode(&host, PATH);
    let database = utf8_percent_encode(database, KEEP);
    format!("postgresql:///{database}?host={host}&port=5432&user={SUPERUSER}")
}

pub(super) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(Error::folder("remove", path, err)),
        _ => Ok(()),
    }
}

/// What PostgreSQL writes into `postmaster.pid` (the manual's "Database File Layout"): process id, data
/// folder, start time, port, socket folder, address, shared memory, status.
pub(super) struct PidFile {
    pub(super) pid: u32,
    socket: Option<PathBuf>,
    status: String,
}

impl PidFile {
    pub(super) fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let line = |number: usize| text.lines().nth(number).unwrap_or_default().trim();
        let socket = Some(line(4)).filter(|folder| folder.starts_with('/'));
        let socket = socket.map(|folder| Path::new(folder).join(format!(".s.PGSQL.{}", line(3))));
        Some(Self { pid: line(0).parse().ok()?, socket, status: line(7).to_owned() })
    }

    fn answers(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| UnixStream::connect(socket).is_ok())
    }

    fn is_alive(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
    }
}

/// Removes a `postmaster.pid` that a crash left: its process id may belong to something else by now, and
/// PostgreSQL would refuse to start. We hold the folder's lock, so no process of a server of ours is left;
/// one that somebody started by hand answers.
fn clear_stale_pid_file(layout: &Layout) -> Result<()> {
    let Some(file) = PidFile::read(&layout.data()) else { return Ok(()) };
    if file.is_alive() && file.answers() {
        let shown = layout.data().display().to_string();
        let message =
            format!("a PostgreSQL that limbeck did not start runs on {shown} (process {})", file.pid);
        return Err(Error::new(ErrorKind::Busy, message).help("stop it, or use it with --url"));
    }
    remove_file(&layout.data().join("postmaster.pid"))
}

enum NotReady {
    Ended(ExitStatus),
    Late,
}

fn wait_until_ready(watchdog: &mut Child, data: &Path) -> Result<(), NotReady> {
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        if PidFile::read(data).is_some_and(|file| file.status == "ready") {
            return Ok(());
        }
        if let Ok(Some(status)) = watchdog.try_wait() {
            return Err(NotReady::Ended(status));
        }
        if Instant::now() > deadline {
            return Err(NotReady::Late);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl NotReady {
    fn with_log(self, log: &mut LogTail) -> Error {
        let said = log.read().unwrap_or_default();
        let said = said.trim();
        let message = match self {
            Self::Ended(status) => format!("PostgreSQL did not start ({status}); it says:\n{said}"),
            Self::Late => {
                format!("PostgreSQL is not ready after {} s; it says:\n{said}", START_PATIENCE.as_secs())
            }
        };
        Error::new(ErrorKind::Start, message)
    }
}

/// What is written to a log from now on. The open file can be read even when a watchdog has removed it.
struct LogTail {
    file: File,
    begins: u64,
}

impl LogTail {
    fn open(path: &Path) -> Result<Self> {
        watchdog::open_log(path)?;
        let file = File::open(path).map_err(|err| Error::folder("open", path, err))?;
        let begins = file.metadata().map_err(|err| Error::folder("look at", path, err))?.size();
        Ok(Self { file, begins })
    }

    /// At most the last 4 KiB.
    fn read(&mut self) -> io::Result<String> {
        let length = self.file.metadata()?.size();
        self.file.seek(SeekFrom::Start(self.begins.max(length.saturating_sub(4096))))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn wait_for_exit(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => return None,
        }
    }
}

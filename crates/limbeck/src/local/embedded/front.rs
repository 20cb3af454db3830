//! What stands between clients and the embedded PostgreSQL.
//!
//! pglite-oxide serves one connection at a time and stops serving at all when a client vanishes in the middle
//! of something. So clients talk to a thread here, which passes on whole messages only, and when a client goes
//! lets the server finish in peace. Should the server end nevertheless, it is opened again.
//!
//! One thread accepts; each client begins in a thread of its own (a cancel request must not wait); the
//! worker, which owns the server, serves one after another in the order in which they came.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pglite_oxide::PgliteServer;

use super::super::{Error, ErrorKind, Result};
use super::wire::{self, Copying, Follower, Messages, Opening, Seen};

/// How long a client may take to say what it wants.
const OPENING_PATIENCE: Duration = Duration::from_secs(60);

/// How long others wait for a statement whose client has gone, before they are told why.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(30);

/// How long a stop waits for the running session; a statement cannot be interrupted.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The public socket in a folder.
pub(super) fn socket(run: &Path) -> PathBuf {
    run.join(".s.PGSQL.5432")
}

/// A served embedded PostgreSQL.
pub(super) struct Front {
    socket: PathBuf,
    shared: Arc<Shared>,
    queue: Sender<Call>,
    ended: Option<Receiver<()>>,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// Whether the front serves, and whom: to make that client end when it stops.
struct Shared(Mutex<Phase>);

enum Phase {
    Serving(Option<UnixStream>),
    Stopping,
}

enum Call {
    Client(Client),
    Stop,
}

struct Client {
    stream: UnixStream,
    startup: Vec<u8>,
}

impl Front {
    /// Opens the database in `data` and serves it on a socket in `run`. `lock` is held until the database is
    /// really closed, which may be after this value's end.
    pub(super) fn start(data: &Path, run: &Path, lock: File) -> Result<Self> {
        let failed = |err| Error::folder("serve on", run, err);
        let (socket, inner) = (socket(run), run.join("inner"));
        [&socket, &inner].into_iter().try_for_each(super::remove_stale)?;
        let database = Database { data: data.to_owned(), inner, server: None, _lock: lock }.opened()?;
        let listener = UnixListener::bind(&socket).map_err(failed)?;
        let shared = Arc::new(Shared(Mutex::new(Phase::Serving(None))));
        let (queue, calls) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let worker = Worker { database, calls, shared: Arc::clone(&shared) };
        let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
        spawn("limbeck-embedded").spawn(move || worker.work(end)).map_err(failed)?;
        let (accepting, clients) = (Arc::clone(&shared), queue.clone());
        spawn("limbeck-accept").spawn(move || accept(&listener, &accepting, &clients)).map_err(failed)?;
        Ok(Self { socket, shared, queue, ended: Some(ended) })
    }

    /// Ends the running session and the server, in good order if the statement that runs lets it.
    pub(super) fn stop(mut self) -> Result<()> {
        match self.end() {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                let message = "the embedded PostgreSQL is still at work on a statement, and is left to end \
                               with this process";
                Err(Error::new(ErrorKind::Stop, message).help("it recovers when it is opened next"))
            }
        }
    }

    fn end(&mut self) -> Result<(), RecvTimeoutError> {
        let Some(ended) = self.ended.take() else { return Ok(()) };
        if let Phase::Serving(Some(client)) = self.shared.set(Phase::Stopping) {
            drop(client.shutdown(Shutdown::Both));
        }
        drop(std::fs::remove_file(&self.socket));
        drop(self.queue.send(Call::Stop));
        ended.recv_timeout(STOP_PATIENCE)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _: Result<_, _> = self.end();
    }
}

impl Shared {
    fn set(&self, phase: Phase) -> Phase {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), phase)
    }

    /// Notes who is served now; `Stopping` stays.
    fn serving(&self, client: Option<UnixStream>) {
        let mut phase = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Phase::Serving(current) = &mut *phase {
            *current = client;
        }
    }

    fn is_stopping(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Phase::Stopping)
    }
}

/// Accepts until the front stops. An error (out of files, say) passes; the loop must not spin on it.
fn accept(listener: &UnixListener, shared: &Shared, queue: &Sender<Call>) {
    drop(listener.set_nonblocking(true));
    while !shared.is_stopping() {
        match listener.accept() {
            Ok((stream, _)) => {
                let queue = queue.clone();
                drop(
                    thread::Builder::new()
                        .name("limbeck-client".to_owned())
                        .spawn(move || begin(stream, &queue)),
                );
            }
            Err(_) => wait_readable(listener),
        }
    }
}

/// Waits a moment for somebody to come; in between the accepting thread sees whether it should end.
fn wait_readable(listener: &UnixListener) {
    let mut polled = [rustix::event::PollFd::new(listener, rustix::event::PollFlags::IN)];
    let patience = rustix::event::Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    if rustix::event::poll(&mut polled, Some(&patience)).is_err() {
        thread::sleep(Duration::from_millis(50));
    }
}

/// Reads what a client wants and puts it into the queue. Cancel requests end here: nothing can be cancelled.
fn begin(mut stream: UnixStream, queue: &Sender<Call>) {
    drop(stream.set_nonblocking(false));
    drop(stream.set_read_timeout(Some(OPENING_PATIENCE)));
    if let Ok(Opening::Startup(startup)) = wire::read_opening(&mut stream) {
        drop(stream.set_read_timeout(None));
        drop(queue.send(Call::Client(Client { stream, startup })));
    }
}

/// The embedded PostgreSQL itself.
struct Database {
    data: PathBuf,
    inner: PathBuf,
    server: Option<PgliteServer>,
    _lock: File,
}

impl Database {
    /// Opens it, or opens it again.
    fn opened(mut self) -> Result<Self> {
        self.open()?;
        Ok(self)
    }

    fn open(&mut self) -> Result<()> {
        // The old one must be gone first: it holds a lock on the folder.
        self.server = None;
        let server = PgliteServer::builder().path(&self.data).unix(&self.inner).start().map_err(|err| {
            let message =
                format!("the embedded PostgreSQL in {} does not open: {err:#}", self.data.display());
            Error::new(ErrorKind::Start, message)
        })?;
        self.server = Some(server);
        Ok(())
    }

    /// Begins a session and reads the beginning of the answer. When there is none, the server has ended, in
    /// this session or after the last one; it is opened again and asked once more.
    fn begin(&mut self, startup: &[u8]) -> Result<(UnixStream, Vec<u8>)> {
        if let Ok(begun) = self.try_begin(startup) {
            return Ok(begun);
        }
        self.open()?;
        self.try_begin(startup).map_err(|err| Error::folder("begin a session on", &self.inner, err))
    }

    fn try_begin(&self, startup: &[u8]) -> io::Result<(UnixStream, Vec<u8>)> {
        let mut stream = UnixStream::connect(&self.inner)?;
        stream.write_all(startup)?;
        let mut answer = vec![0; 64 * 1024];
        let length = stream.read(&mut answer)?;
        answer.truncate(length);
        if length == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok((stream, answer)) }
    }
}

struct Worker {
    database: Database,
    calls: Receiver<Call>,
    shared: Arc<Shared>,
}

/// How a session ended, seen from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The client said goodbye or went; the server finished.
    Regular,
    /// The server closed the connection by itself: it may have ended altogether.
    ByServer,
}

impl Worker {
    fn work(mut self, end: Sender<()>) {
        while let Ok(Call::Client(client)) = self.calls.recv() {
            self.shared.serving(client.stream.try_clone().ok());
            if self.shared.is_stopping() {
                break;
            }
            self.serve(client);
            self.shared.serving(None);
        }
        drop(self.database);
        let _: Result<_, _> = end.send(());
    }

    fn serve(&mut self, mut client: Client) {
        if has_gone(&client.stream) {
            return;
        }
        let ending = match self.database.begin(&client.startup) {
            Ok((server, answer)) => self.session(&client, server, &answer).unwrap_or(Ending::ByServer),
            Err(err) => {
                drop(client.stream.write_all(&wire::refusal(&err.to_string())));
                return;
            }
        };
        drop(client.stream.shutdown(Shutdown::Both));
        if ending == Ending::ByServer {
            // It failed in some way; a fresh one is cheap, and the next client gets the error if there is one.
            drop(self.database.open());
        }
    }

    /// Passes messages both ways until the server closes the connection.
    fn session(&self, client: &Client, server: UnixStream, answer: &[u8]) -> io::Result<Ending> {
        drop((&client.stream).write_all(answer));
        let copying = Arc::new(Mutex::new(Copying::No));
        let upstream = Upstream {
            client: client.stream.try_clone()?,
            server: server.try_clone()?,
            copying: Arc::clone(&copying),
        };
        let (gone, left) = mpsc::channel();
        let forward = thread::Builder::new().name("limbeck-forward".to_owned());
        let forward = forward.spawn(move || {
            upstream.forward(&gone);
        })?;
        let ending = self.answer(client.stream.try_clone()?, server, &copying, &left);
        drop(client.stream.shutdown(Shutdown::Both));
        drop(forward.join());
        ending
    }

    /// Passes on what the server says, and goes on reading when the client has gone.
    fn answer(
        &self,
        mut client: UnixStream,
        mut server: UnixStream,
        copying: &Mutex<Copying>,
        left: &Receiver<Instant>,
    ) -> io::Result<Ending> {
        server.set_read_timeout(Some(Duration::from_secs(1)))?;
        let (mut follower, mut buffer) = (Follower::new(), vec![0; 64 * 1024]);
        let mut gone_since = None;
        loop {
            match server.read(&mut buffer) {
                Ok(0) if gone_since.is_some() || left.try_recv().is_ok() => return Ok(Ending::Regular),
                Ok(0) => return Ok(Ending::ByServer),
                Ok(length) => {
                    *copying.lock().unwrap_or_else(PoisonError::into_inner) =
                        follower.follow(&buffer[..length]);
                    // A client that does not take it has gone, which the other thread sees too.
                    drop(client.write_all(&buffer[..length]));
                }
                Err(err) if would_block(&err) => {
                    gone_since = gone_since.or_else(|| left.try_recv().ok());
                    if gone_since.is_some_and(|since: Instant| since.elapsed() > FAREWELL_PATIENCE) {
                        self.turn_away();
                    }
                }
                Err(err) => return Err(err),
            }
        }
    }

    /// Tells those who wait that a statement without a client holds everything up.
    fn turn_away(&self) {
        while let Ok(Call::Client(mut waiting)) = self.calls.try_recv() {
            let message = format!(
                "the embedded PostgreSQL is still at work on a statement whose client has gone; end process {} \
                 to stop it",
                std::process::id()
            );
            drop(waiting.stream.write_all(&wire::refusal(&message)));
        }
    }
}

/// The way from the client to the server.
struct Upstream {
    client: UnixStream,
    server: UnixStream,
    copying: Arc<Mutex<Copying>>,
}

impl Upstream {
    /// Passes on whole messages until the client says goodbye or goes, and then ends the session for it.
    fn forward(mut self, gone: &Sender<Instant>) {
        let (mut messages, mut buffer) = (Messages::default(), vec![0; 64 * 1024]);
        loop {
            let length = self.client.read(&mut buffer).unwrap_or(0);
            messages.push(&buffer[..length]);
            let (whole, seen) = messages.take(wire::TERMINATE);
            if self.server.write_all(&whole).is_err() {
                return;
            }
            if length == 0 || seen == Seen::Stop {
                break;
            }
        }
        let _: Result<_, _> = gone.send(Instant::now());
        let copying = *self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.server.write_all(&wire::farewell(copying)));
    }
}

fn would_block(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// Whether a client hung up while it waited.
fn has_gone(stream: &UnixStream) -> bool {
    let peeked = rustix::net::recv(
        stream,
        &mut [0; 1][..],
        rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT,
    );
    matches!(peeked, Ok((0, _)))
}

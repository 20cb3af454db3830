//! Between `limbeck` and its server: passes messages on, counts them, and lets a run die at one of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::wire::{Begins, Message, Messages, READY, TERMINATE};

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Limbeck,
    Server,
}

/// When in a message's passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It is about to be passed on.
    Before,
    /// Half of its bytes were.
    Within,
    /// It was.
    After,
}

/// How many of a run's connections are counted: the one that executes, and the one that looks for a pooler. A run
/// on a slow machine opens a third one, which looks whom a statement waits for.
const COUNTED: usize = 2;

/// How long a message may take to come through after its sender has gone.
const LAST_WORD: Duration = Duration::from_secs(300);

/// A place in a run's conversation. Messages are counted from 0, over these connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) sender: Sender,
    pub(crate) number: usize,
    pub(crate) moment: Moment,
}

/// A way to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// SIGKILL for limbeck.
    Kill,
    /// The network drops the connection.
    Cut,
    /// Limbeck's side is dropped; the server learns of it when its statement has ended.
    CutOnlyClient,
    /// The backend is ended, as `pg_terminate_backend` does.
    Terminate,
    /// The server stops immediately, as in a crash. The test does that, when it is told.
    Stop,
}

/// What shall happen in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) point: Point,
    pub(crate) death: Death,
}

/// The messages of a run.
pub(crate) type Log = Vec<Seen>;

/// A message that was passed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) sender: Sender,
    pub(crate) kind: u8,
    /// Whether it asks for the migration lock.
    pub(crate) locks: bool,
}

/// A proxy for one run; it ends with this value.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    plan: Option<Plan>,
    log: Mutex<Log>,
    limbeck: watch::Sender<Option<u32>>,
    fired: Notify,
    /// Whether the network has gone, see [`Proxy::cut`].
    is_cut: watch::Sender<bool>,
    /// Whether the server's side of a dropped connection is held open until [`Proxy::let_go`].
    held: watch::Sender<bool>,
}

impl Proxy {
    /// Listens for one run on the server with this socket.
    pub(crate) async fn start(socket: &Path, plan: Option<Plan>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            plan,
            log: Mutex::default(),
            limbeck: watch::Sender::new(None),
            fired: Notify::new(),
            is_cut: watch::Sender::new(false),
            held: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, socket.to_owned(), Arc::clone(&shared)));
        Self { port, shared, task }
    }

    /// Tells whom [`Death::Kill`] kills.
    pub(crate) fn runs(&self, pid: u32) {
        self.shared.limbeck.send_replace(Some(pid));
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The messages so far.
    pub(crate) fn log(&self) -> Log {
        self.shared.log.lock().unwrap().clone()
    }

    /// Returns when the point is reached.
    pub(crate) async fn fired(&self) {
        self.shared.fired.notified().await;
    }

    /// Whether the point was reached. A limbeck that says its last word may be gone before it is passed on.
    pub(crate) async fn has_fired(&self) -> bool {
        tokio::time::timeout(LAST_WORD, self.shared.fired.notified()).await.is_ok()
    }

    /// Drops all connections, at both sides.
    pub(crate) fn cut(&self) {
        self.shared.is_cut.send_replace(true);
    }

    /// From now on a client that goes leaves its backend behind, which does not notice.
    pub(crate) fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// The servers' sides of connections are closed.
    pub(crate) fn let_go(&self) {
        self.shared.held.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, shared: Arc<Shared>) {
    let mut number = 0;
    while let Ok((client, _)) = listener.accept().await {
        // A server that is down refuses; the client sees the same as without a proxy, its connection closed.
        let Ok(server) = UnixStream::connect(&socket).await else { continue };
        let shared = Arc::clone(&shared);
        let (backend, idle) = (watch::Sender::new(None), watch::Sender::new(false));
        tokio::spawn(Session { number, shared, backend, idle }.serve(client, server));
        number += 1;
    }
}

/// One connection.
struct Session {
    /// Which of the run's connections it is, from 0.
    number: usize,
    shared: Arc<Shared>,
    backend: watch::Sender<Option<i32>>,
    /// Whether the server waits for the client.
    idle: watch::Sender<bool>,
}

/// Why one direction ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    /// The backend goes on with its statement.
    BackendStays,
}

impl Session {
    async fn serve(self, client: TcpStream, server: UnixStream) {
        drop(client.set_nodelay(true));
        let mut is_cut = self.shared.is_cut.subscribe();
        let (client_reads, mut client_writes) = client.into_split();
        let (server_reads, mut server_writes) = server.into_split();
        let mut from_client = Messages::new(client_reads, Begins::WithStartup);
        let mut from_server = Messages::new(server_reads, Begins::Typed);
        let end = tokio::select! {
            end = self.pass(Sender::Limbeck, &mut from_client, &mut server_writes) => end,
            end = self.pass(Sender::Server, &mut from_server, &mut client_writes) => end,
            _ = is_cut.wait_for(|is_cut| *is_cut) => End::Closed,
        };
        drop((from_client, client_writes));
        if end == End::BackendStays {
            while !*self.idle.borrow() && self.next_of_server(&mut from_server).await.is_some() {}
        }
        let mut held = self.shared.held.subscribe();
        while *held.borrow_and_update() {
            tokio::select! {
                _ = held.changed() => {}
                message = self.next_of_server(&mut from_server) => if message.is_none() { return },
            }
        }
        drop(server_writes);
    }

    async fn next_of_server<R: AsyncRead + Unpin>(&self, messages: &mut Messages<R>) -> Option<Message> {
        let message = messages.next().await?;
        if let Some(pid) = message.process_id() {
            self.backend.send_replace(Some(pid));
        }
        if message.kind == READY {
            self.idle.send_replace(true);
        }
        Some(message)
    }

    /// Passes messages on in one direction, and lets the run die where it is planned.
    async fn pass<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &self,
        sender: Sender,
        from: &mut Messages<R>,
        to: &mut W,
    ) -> End {
        loop {
            let message = match sender {
                Sender::Limbeck => from.next().await,
                Sender::Server => self.next_of_server(from).await,
            };
            let Some(message) = message else { return End::Closed };
            let moment = self.count(sender, &message);
            if moment == Some(Moment::Before)
                && let Some(end) = self.die().await
            {
                return end;
            }
            if moment == Some(Moment::Within) {
                drop(to.write_all(&message.bytes[..message.bytes.len() / 2]).await);
                return self.die().await.unwrap_or(End::Closed);
            }
            if sender == Sender::Limbeck && message.kind != TERMINATE {
                self.idle.send_replace(false);
            }
            if to.write_all(&message.bytes).await.is_err() {
                return End::Closed;
            }
            if moment == Some(Moment::After)
                && let Some(end) = self.die().await
            {
                return end;
            }
        }
    }

    /// Notes a message. The result is the planned moment, if this is the planned message.
    fn count(&self, sender: Sender, message: &Message) -> Option<Moment> {
        if self.number >= COUNTED {
            return None;
        }
        let mut log = self.shared.log.lock().unwrap();
        let number = log.iter().filter(|seen| seen.sender == sender).count();
        log.push(Seen { sender, kind: message.kind, locks: message.contains("pg_try_advisory_lock") });
        let point = self.shared.plan?.point;
        (point.sender == sender && point.number == number).then_some(point.moment)
    }

    /// The end of the connection, unless the server is to end it.
    async fn die(&self) -> Option<End> {
        let death = self.shared.plan?.death;
        // Before it happens: the test may look as soon as limbeck is dead.
        self.shared.fired.notify_one();
        let end = match death {
            Death::Kill => {
                let pid = self.shared.limbeck.subscribe().wait_for(Option::is_some).await.ok()?.unwrap();
                signal(i32::try_from(pid).unwrap(), Signal::KILL);
                Some(End::Closed)
            }
            Death::Cut => Some(End::Closed),
            Death::CutOnlyClient => Some(End::BackendStays),
            Death::Terminate => {
                if let Some(pid) = *self.backend.borrow() {
                    signal(pid, Signal::TERM);
                }
                None
            }
            Death::Stop => None,
        };
        if death == Death::Stop {
            // The other direction notices when the server has gone.
            std::future::pending::<()>().await;
        }
        end
    }
}

/// The process may have gone by itself.
fn signal(pid: i32, signal: Signal) {
    let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
}

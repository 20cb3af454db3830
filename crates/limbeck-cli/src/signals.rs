//! SIGINT and SIGTERM: the first one asks the run to stop, the second one does not ask. `start` hands them
//! over to its command, and no signal is lost on the way.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use limbeck::Cancel;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit codes of a process that a signal stopped are 128 and the signal's number.
const BASE: u8 = 128;

/// What sends a signal to a process and to its group (timeout(1), process managers) means it once.
const TOGETHER: Duration = Duration::from_millis(300);

/// Listens from now on; tells afterwards which signal came.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    pub(crate) cancel: Cancel,
    noted: Arc<Noted>,
}

/// What the handlers note at once, before any task hears of a signal.
#[derive(Debug, Default)]
struct Noted {
    whose: AtomicU8,
    /// The last signal that was for this process.
    received: AtomicU8,
    /// The next signal ends the process: the command has been told already.
    impatient: AtomicBool,
    /// SIGINT and SIGQUIT that a process sent: of those the terminal has not told the command.
    interrupt_sent: AtomicBool,
    quit_sent: AtomicBool,
}

/// For whom a signal is: this process, its child, or the command that this process is about to become.
const OURS: u8 = 0;
const CHILDS: u8 = 1;
const SUCCESSORS: u8 = 2;

impl Signals {
    /// Begins to listen. Outside of a runtime this panics, so it is called inside of one.
    pub(crate) fn listen() -> Self {
        let signals = Self { cancel: Cancel::default(), noted: Arc::default() };
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            // Before tokio's, so that what is noted is there when a task wakes up.
            if signals.note(kind).is_err() {
                continue;
            }
            let Ok(stream) = signal(kind) else { continue };
            tokio::spawn(signals.clone().act(stream));
        }
        signals
    }

    async fn act(self, mut stream: Signal) {
        let mut first = None;
        while stream.recv().await.is_some() {
            let Some(code) = self.exit_code() else { continue };
            let again = first.is_some_and(|at: Instant| at.elapsed() > TOGETHER);
            if again || self.noted.impatient.load(Ordering::SeqCst) {
                // The server rolls back what the lost connection leaves.
                std::process::exit(i32::from(code));
            }
            first.get_or_insert_with(Instant::now);
            self.cancel.request();
        }
    }

    /// The exit code, if a signal came that was for this process.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        match self.noted.received.load(Ordering::SeqCst) {
            0 => None,
            number => Some(BASE + number),
        }
    }

    /// From now on signals are for the child, which `streams` hears of. Fails if one came before.
    pub(crate) fn hand_over(&self) -> io::Result<Option<Streams>> {
        self.note(SignalKind::quit())?;
        let streams = Streams::listen(Arc::clone(&self.noted))?;
        self.noted.whose.store(CHILDS, Ordering::SeqCst);
        Ok(self.exit_code().is_none().then_some(streams))
    }

    /// The child has ended; the next signal ends this process.
    pub(crate) fn take_back(&self) {
        self.noted.impatient.store(true, Ordering::SeqCst);
        self.noted.whose.store(OURS, Ordering::SeqCst);
    }

    /// Runs what replaces this process. A signal on the way ends the process at once, and is not lost with
    /// it. `None` if a signal came before.
    pub(crate) fn replaced_by<T>(&self, become_it: impl FnOnce() -> T) -> Option<T> {
        self.noted.whose.store(SUCCESSORS, Ordering::SeqCst);
        let outcome = self.exit_code().is_none().then(become_it);
        self.noted.whose.store(OURS, Ordering::SeqCst);
        outcome
    }

    #[expect(unsafe_code, reason = "tokio tells neither at once nor who sent a signal")]
    fn note(&self, kind: SignalKind) -> io::Result<()> {
        let number = kind.as_raw_value();
        let noted = Arc::clone(&self.noted);
        let action = move |info: &libc::siginfo_t| noted.note(number, info);
        // SAFETY: the action only touches atomics and calls _exit, both async-signal-safe.
        unsafe { signal_hook_registry::register_sigaction(number, action) }.map(drop)
    }
}

impl Noted {
    #[expect(unsafe_code, reason = "exit handlers must not run inside a signal handler")]
    fn note(&self, number: i32, info: &libc::siginfo_t) {
        match self.whose.load(Ordering::SeqCst) {
            CHILDS if is_from_terminal(info) => {}
            CHILDS if number == libc::SIGINT => self.interrupt_sent.store(true, Ordering::SeqCst),
            CHILDS if number == libc::SIGQUIT => self.quit_sent.store(true, Ordering::SeqCst),
            CHILDS => {}
            // SAFETY: _exit may be called anywhere, also in a signal handler.
            SUCCESSORS => unsafe { libc::_exit(i32::from(BASE) + number) },
            _ if number == libc::SIGQUIT => {}
            _ => self.received.store(u8::try_from(number).unwrap_or_default(), Ordering::SeqCst),
        }
    }
}

/// Whether it was typed (Ctrl-C, Ctrl-\): then the whole foreground group has got it.
#[cfg(target_os = "linux")]
fn is_from_terminal(info: &libc::siginfo_t) -> bool {
    info.si_code == libc::SI_KERNEL
}

/// Other systems do not say who sent it; where there is a terminal, it mostly was the terminal.
#[cfg(not(target_os = "linux"))]
fn is_from_terminal(_: &libc::siginfo_t) -> bool {
    rustix::termios::isatty(rustix::stdio::stdin())
}

/// The signals that a child is to get.
pub(crate) struct Streams {
    noted: Arc<Noted>,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
    first_user: Signal,
    second_user: Signal,
}

impl Streams {
    fn listen(noted: Arc<Noted>) -> io::Result<Self> {
        // Whoever ignores SIGHUP (nohup) means the command too, which inherits that unless it is caught here.
        let hangup = match is_ignored(libc::SIGHUP) {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Self {
            noted,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
            first_user: signal(SignalKind::user_defined1())?,
            second_user: signal(SignalKind::user_defined2())?,
        })
    }

    /// The next signal that the child has not got by itself.
    pub(crate) async fn next(&mut self) -> rustix::process::Signal {
        use rustix::process::Signal as Number;
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {
                    if self.noted.interrupt_sent.swap(false, Ordering::SeqCst) {
                        return Number::INT;
                    }
                }
                _ = self.quit.recv() => {
                    if self.noted.quit_sent.swap(false, Ordering::SeqCst) {
                        return Number::QUIT;
                    }
                }
                _ = self.terminate.recv() => return Number::TERM,
                () = maybe(self.hangup.as_mut()) => return Number::HUP,
                _ = self.first_user.recv() => return Number::USR1,
                _ = self.second_user.recv() => return Number::USR2,
            }
        }
    }
}

async fn maybe(stream: Option<&mut Signal>) {
    match stream {
        Some(stream) => drop(stream.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether this process was started with a signal ignored; known on Linux only.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (number - 1) & 1 == 1
}

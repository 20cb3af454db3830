//! The service as a child, where limbeck must stay: it owns the database that the service uses.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, WaitOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::signals::Signals;

/// The exit code of a process that a signal ended is 128 and the signal's number.
const BASE: i32 = 128;

/// Runs a command to its end and hands on the signals that come meanwhile. `None` if one came before.
///
/// # Errors
/// The command cannot be executed.
pub(crate) async fn run(mut command: Command, signals: &Signals) -> io::Result<Option<u8>> {
    let Some(mut streams) = signals.hand_over()? else { return Ok(None) };
    end_with_us(&mut command);
    let mut child = tokio::process::Command::from(command).spawn().inspect_err(|_| signals.take_back())?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut orphans = Orphans::adopt()?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = orphans.bury_next(pid) => {}
            number = streams.next() => if let Some(pid) = pid {
                // It may have ended meanwhile; then there is nobody to tell.
                let _ = rustix::process::kill_process(pid, number);
            },
        }
    };
    signals.take_back();
    status.map(|status| Some(code(status)))
}

/// A service must not outlive its database: should limbeck be killed, it gets SIGTERM. Elsewhere than on
/// Linux nobody tells it, and it finds its database gone.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only the child itself can ask for this, between fork and exec")]
fn end_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    let us = getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::TERM))?;
        // We may have been killed before the child asked.
        if getppid() == Some(us) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    // SAFETY: two system calls and no allocation.
    unsafe { command.pre_exec(ask) };
}

#[cfg(not(target_os = "linux"))]
fn end_with_us(_: &mut Command) {}

/// The first process of a container inherits every process whose parent has ended, and must bury it.
struct Orphans {
    ended: Option<Signal>,
}

impl Orphans {
    fn adopt() -> io::Result<Self> {
        let is_first = cfg!(target_os = "linux") && rustix::process::getpid() == Pid::INIT;
        Ok(Self { ended: if is_first { Some(signal(SignalKind::child())?) } else { None } })
    }

    async fn bury_next(&mut self, child: Option<Pid>) {
        let Some(ended) = &mut self.ended else { return std::future::pending().await };
        ended.recv().await;
        for pid in zombies().filter(|pid| Some(*pid) != child) {
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// Ended processes that nobody has waited for.
fn zombies() -> impl Iterator<Item = Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which may hold anything: the state and the parent.
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.starts_with("Z 1 ").then_some(pid)
    })
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|number| BASE + number)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

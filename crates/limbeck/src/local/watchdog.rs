//! The parent of a PostgreSQL server: a small shell script that ends it when nobody uses it any more.
//!
//! Every process that uses the server holds the writing end of a named pipe. The kernel closes it when the
//! process ends, however it ends, and the script reads end-of-file when the last one has gone. So SIGKILL
//! needs no special care, and a server whose starter goes first lives on for the others. The script is the
//! server's parent, which makes the process id that it signals the right one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::fs::OFlags;

use super::account::Account;
use super::folder::Layout;
use super::{Error, Result};

/// `$1` state file, `$2` folder to remove at the end (or empty), `$3` signal when nobody is left, `$4...`
/// the server. Standard input is the pipe, standard output the lock file, standard error the log.
///
/// The state file goes before the server does, and then the pipe is read once more: a user who came in
/// between has either seen no state file, and leaves, or is read here, and keeps the server. An ordered stop
/// (a word in the pipe) leaves state file and folder to whoever ordered it. What a server still does after
/// the signal is bounded: a fast shutdown has a minute.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT TSTP
state=$1 doomed=$2 signal=$3
shift 3
exec 3<&0 </dev/null
"$@" 3<&- 9>&1 >&2 &
server=$!
orders() {
    while read -r word <&3 || { rm -f -- "$state"; read -r word <&3; }; do
        case $word in INT|QUIT) signal=$word; return;; esac
    done
}
patience() {
    n=0
    while [ $n -lt "$1" ]; do sleep 0.1; n=$((n + 1)); done
}
( orders
  kill -s "$signal" "$server"; patience 600
  kill -s QUIT "$server"; patience 100
  kill -s KILL "$server"
) >&2 9>&- &
orders=$!
exec 3<&-
wait "$server"
status=$?
kill -s KILL "$orders"
if [ -n "$doomed" ] && [ ! -e "$state" ]; then cd / && rm -rf -- "$doomed"; fi
exit "$status"
"#;

/// What the watchdog does when nobody uses the server any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtTheEnd<'a> {
    /// Stop it in good order and keep everything.
    Keep,
    /// Stop it at once and remove this folder.
    Remove(&'a Path),
}

/// Starts `server` under a watchdog. Returns the script and our hold on the server.
pub(super) fn spawn(
    layout: &Layout,
    account: Account,
    at_the_end: AtTheEnd<'_>,
    lock: &File,
    server: &Command,
) -> Result<(Child, Hold)> {
    let (reading, hold) = make_pipe(&layout.control())?;
    let (doomed, signal) = match at_the_end {
        AtTheEnd::Keep => (Path::new(""), "INT"),
        AtTheEnd::Remove(folder) => (folder, "QUIT"),
    };
    let log = open_log(&layout.log())?;
    let lock = lock.try_clone().map_err(|err| Error::folder("use", &layout.server_lock(), err))?;
    let mut script = account.command("/bin/sh");
    script.args(["-c", SCRIPT, "limbeck-watchdog"]).arg(layout.state()).arg(doomed).arg(signal);
    script.arg(server.get_program()).args(server.get_args());
    script.stdin(Stdio::from(reading)).stdout(Stdio::from(lock)).stderr(Stdio::from(log));
    let child = script.spawn().map_err(|err| Error::folder("run", Path::new("/bin/sh"), err))?;
    Ok((child, hold))
}

/// Opens the log for appending; it belongs to limbeck, the server only gets the open file.
pub(super) fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|err| Error::folder("open", path, err))
}

/// A process's hold on a server: while one exists anywhere, the server runs.
#[derive(Debug)]
pub(super) struct Hold(File);

impl Hold {
    /// Takes hold of a running server; `None` if nobody reads the pipe: it has ended or is about to.
    pub(super) fn take(control: &Path) -> Result<Option<Self>> {
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        match OpenOptions::new().write(true).custom_flags(nonblocking).open(control) {
            Ok(file) => Ok(Some(Self(file))),
            Err(err) if gone(&err) => Ok(None),
            Err(err) => Err(Error::folder("open", control, err)),
        }
    }

    /// Tells the watchdog to stop the server now, with this signal, whoever else uses it.
    pub(super) fn order(&self, signal: &str) -> io::Result<()> {
        (&self.0).write_all(format!("{signal}\n").as_bytes())
    }
}

fn gone(err: &io::Error) -> bool {
    let no_reader = err.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error());
    no_reader || err.kind() == io::ErrorKind::NotFound
}

/// Makes the pipe anew and opens both ends: first the reading one, without waiting for a writer.
fn make_pipe(control: &Path) -> Result<(File, Hold)> {
    let failed = |err| Error::folder("make the pipe", control, err);
    match fs::remove_file(control) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(failed(err)),
        _ => {}
    }
    // The program, because macOS has no mkfifoat and std has nothing.
    let status = Command::new("mkfifo").args(["-m", "600"]).arg(control).status().map_err(failed)?;
    if !status.success() {
        return Err(failed(io::Error::other("mkfifo failed")));
    }
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let reading = OpenOptions::new().read(true).custom_flags(nonblocking).open(control).map_err(failed)?;
    let writing = OpenOptions::new().write(true).open(control).map_err(failed)?;
    let flags = rustix::fs::fcntl_getfl(&reading).map_err(|err| failed(err.into()))?;
    rustix::fs::fcntl_setfl(&reading, flags - OFlags::NONBLOCK).map_err(|err| failed(err.into()))?;
    Ok((reading, Hold(writing)))
}

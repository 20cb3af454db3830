//! A shell that types a block of commands, with or without a terminal, and what it shows.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{Done, Failed};

/// What Ctrl-C sends.
pub(crate) const INTERRUPT: &[u8] = b"\x03";

/// Whether the shell has a terminal: `docker-compose exec` wants one, and `alembic downgrade` asks on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Terminal,
    Pipe,
}

/// What a shell left that has ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Output {
    /// An error unless it ended well.
    pub(crate) fn ok(self) -> Result<Self, Failed> {
        self.ends_with(0)
    }

    /// An error unless it ended with this exit code.
    pub(crate) fn ends_with(self, code: i32) -> Result<Self, Failed> {
        match self.code == code {
            true => Ok(self),
            false => Err(self.failed(&format!("the exit code is {}, not {code}", self.code))),
        }
    }

    /// An error unless it says all of this.
    pub(crate) fn says(&self, words: &[&str]) -> Done {
        match words.iter().find(|words| !self.text.contains(**words)) {
            None => Ok(()),
            Some(words) => Err(self.failed(&format!("it does not say `{words}`"))),
        }
    }

    /// An error if it says this.
    pub(crate) fn never_says(&self, words: &str) -> Done {
        match self.text.contains(words) {
            false => Ok(()),
            true => Err(self.failed(&format!("it says `{words}`"))),
        }
    }

    pub(crate) fn failed(&self, why: &str) -> Failed {
        Failed::new(format!("{why}. It said:\n{}", self.text))
    }
}

/// A shell that runs; it is ended when dropped.
pub(crate) struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    bytes: Receiver<Vec<u8>>,
    seen: String,
    patience: Duration,
}

impl Session {
    /// Types the script, in a shell that ends at the first command that fails.
    pub(crate) fn start(
        mut bash: Command,
        script: &Path,
        on: On,
        patience: Duration,
    ) -> Result<Self, Failed> {
        match on {
            On::Pipe => {
                bash.args(["-c", "exec bash -eu -o pipefail \"$0\" 2>&1"]).arg(script).stdin(Stdio::null())
            }
            On::Terminal => {
                // One with a size, or everything would be shown page by page.
                let typed =
                    format!("stty rows 60 columns 160; exec bash -eu -o pipefail '{}'", script.display());
                bash.args(["-c", "exec script -qefc \"$0\" /dev/null", &typed]).stdin(Stdio::piped())
            }
        };
        let failed = |why| Failed::new(format!("bash: {why}"));
        let mut child = bash.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
        let stdin = child.stdin.take();
        let bytes = child.stdout.take().map(read).ok_or_else(|| Failed::new("bash has no output"))?;
        Ok(Self { child, stdin, bytes, seen: String::new(), patience })
    }

    /// Waits until it has shown these words.
    pub(crate) fn wait_for(&mut self, words: &str) -> Done {
        let deadline = Instant::now() + self.patience;
        while !self.seen.contains(words) {
            if !self.read_until(deadline) {
                return Err(Failed::new(format!(
                    "it does not come to say `{words}`. It said:\n{}",
                    self.seen
                )));
            }
        }
        Ok(())
    }

    /// Whether it has shown these words by now, or has ended.
    pub(crate) fn has_said(&mut self, words: &str) -> bool {
        loop {
            if self.seen.contains(words) {
                return true;
            }
            match self.bytes.try_recv() {
                Ok(bytes) => self.seen += &text(&bytes),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
    }

    /// Types on its terminal.
    pub(crate) fn type_in(&mut self, bytes: &[u8]) {
        // A shell that has ended meanwhile is told by what follows.
        let _ = self.stdin.as_mut().map(|stdin| stdin.write_all(bytes).and_then(|()| stdin.flush()));
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Result<Output, Failed> {
        let deadline = Instant::now() + self.patience;
        while self.read_until(deadline) {}
        if Instant::now() >= deadline {
            return Err(Failed::new(format!("it does not end. It said:\n{}", self.seen)));
        }
        let status = self.child.wait().map_err(|why| Failed::new(format!("bash: {why}")))?;
        let text = std::mem::take(&mut self.seen);
        Ok(Output { code: status.code().unwrap_or(-1), text })
    }

    /// Whether there was more to read.
    fn read_until(&mut self, deadline: Instant) -> bool {
        match self.bytes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(bytes) => {
                self.seen += &text(&bytes);
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A terminal that goes away ends what runs in it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "")
}

fn read(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..read].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

//! Real processes for the tests of local servers: this test program, run again with one helper "test".

#![allow(clippy::allow_attributes, reason = "an expectation would fail in the programs that use everything")]
#![allow(dead_code, reason = "each test program uses a part")]

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Marks what a helper says among what the test harness prints.
const MARK: &str = "limbeck-helper: ";

pub(crate) struct Helper {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Helper {
    /// Runs the ignored test `name` of this program in a process of its own.
    pub(crate) fn start(name: &str, env: &[(&str, &str)]) -> Self {
        let program = std::env::current_exe().unwrap();
        Self::spawn(Command::new(program), name, env)
    }

    /// The same as an unprivileged user, from a copy that this user can reach.
    pub(crate) fn start_as(uid: u32, program: &Path, name: &str, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        command.uid(uid).gid(uid).current_dir("/");
        Self::spawn(command, name, env)
    }

    fn spawn(mut command: Command, name: &str, env: &[(&str, &str)]) -> Self {
        command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
        command.envs(env.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the helper ended; it printed:\n{seen}");
            if let Some((_, said)) = line.split_once(MARK) {
                return said.trim_end().to_owned();
            }
            seen.push_str(&line);
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for it to end well.
    pub(crate) fn join(mut self) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "the helper failed; it printed:\n{rest}");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// In a helper: says something to the test.
pub(crate) fn say(what: impl Display) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{MARK}{what}").unwrap();
    out.flush().unwrap();
}

/// In a helper: waits to be killed.
pub(crate) fn stay() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

/// Whether a process exists and is not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8(output.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

/// One number that `ps` knows about a process.
pub(crate) fn ps(what: &str, pid: u32) -> u32 {
    let output =
        Command::new("ps").args(["-o", &format!("{what}="), "-p", &pid.to_string()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Sends a signal to one process.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits, generously: a slow machine is not a failure.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: wait until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

//! Projects in folders, limbeck as a process, and waits that are bounded but generous.

#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What a loaded machine may need; no test passes or fails by being quick.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A project in a folder of its own.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty project.
    pub(crate) fn new() -> Self {
        // Not below a root-only folder: an unprivileged server must get there.
        let folder = tempfile::Builder::new().prefix("limbeck-start-").tempdir_in("/tmp").unwrap();
        open_to_all(folder.path());
        let project = Self { folder };
        std::fs::create_dir(project.path().join("versions")).unwrap();
        project.configure("")
    }

    /// One with the revisions 1 and 2 (tables `a` and `b`).
    pub(crate) fn of_two() -> Self {
        Self::new().revision("1", "", "CREATE TABLE a (id int);", "DROP TABLE a;").revision(
            "2",
            "1",
            "CREATE TABLE b (id int);",
            "DROP TABLE b;",
        )
    }

    /// Writes limbeck.toml.
    pub(crate) fn configure(self, toml: &str) -> Self {
        std::fs::write(self.path().join("limbeck.toml"), format!("script_location = \".\"\n{toml}")).unwrap();
        self
    }

    /// Adds a revision.
    pub(crate) fn revision(self, id: &str, down: &str, up_sql: &str, down_sql: &str) -> Self {
        let text = format!(
            "-- revision {id}\n--\n-- revision: {id}\n-- down_revision: {down}\n-- branch_labels:\n-- depends_on:\n\
             -- created: 2025-11-01 14:30 UTC\n\n-- limbeck:upgrade\n{up_sql}\n\n-- limbeck:downgrade\n{down_sql}\n"
        );
        std::fs::write(self.path().join(format!("versions/{id}.sql")), text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `limbeck` with arguments, in this project, on no database yet.
    pub(crate) fn limbeck(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_limbeck"));
        // What the tester's environment says about databases does not count.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["PG", "DB_", "LIMBECK_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.env_remove("DATABASE_URL").env("NO_COLOR", "1").env("DB_RETRY_INTERVAL", "0.05");
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// The same on a database.
    pub(crate) fn on(&self, url: &str, args: &[&str]) -> Command {
        let mut command = self.limbeck(args);
        command.env("DATABASE_URL", url);
        command
    }
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a process that has ended left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    pub(crate) fn assert_says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in {self:#?}");
        self
    }

    pub(crate) fn assert_never_says(self, words: &str) -> Self {
        assert!(!self.stderr.contains(words), "`{words}` in {self:#?}");
        self
    }

    /// Every log line in JSON, and nothing else.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        self.stderr.lines().map(parse).collect()
    }
}

/// The password of every URL in these tests.
const SECRET: &str = "hush-hush";

impl Ended {
    /// Whatever a test is about, limbeck shows no password (what is on stdout is the service's).
    fn new(code: Option<i32>, stdout: String, stderr: String) -> Self {
        assert!(!stderr.contains(SECRET), "a password is shown: {stderr}");
        Self { code, stdout, stderr }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self::new(output.status.code(), text(output.stdout), text(output.stderr))
    }
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Ended {
    command.output().unwrap().into()
}

/// A process under way; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    readers: Vec<JoinHandle<()>>,
    seen: String,
}

/// Starts a command; its stdout and stderr are read as one stream of lines.
pub(crate) fn start(mut command: Command) -> Running {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (sender, lines) = mpsc::channel();
    let streams: [Box<dyn std::io::Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    let reader = |stream| {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                drop(sender.send(String::from_utf8_lossy(&line).into_owned()));
            }
        })
    };
    let readers = streams.into_iter().map(reader).collect();
    let stdin = child.stdin.take();
    Running { child, stdin, lines, readers, seen: String::new() }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line with these words.
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("`{words}` does not come after:\n{}", self.seen);
            };
            self.seen += &format!("{line}\n");
            if line.contains(words) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        kill(name, &self.pid().to_string());
    }

    /// Types at the terminal (of [`on_a_terminal`]).
    pub(crate) fn type_in(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let status = wait_for_end(&mut self.child, &self.seen);
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        while let Ok(line) = self.lines.try_recv() {
            self.seen += &format!("{line}\n");
        }
        let seen = std::mem::take(&mut self.seen);
        Ended::new(exit_code(status), String::new(), seen)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn exit_code(status: ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt as _;
    // As the shell says it, but negative, so that it is not mistaken for an exit code.
    status.code().or_else(|| status.signal().map(|number| -number))
}

fn wait_for_end(child: &mut Child, seen: &str) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "it does not end; it said:\n{seen}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal with the system's own program.
pub(crate) fn kill(name: &str, pid: &str) {
    assert!(Command::new("kill").args(["-s", name, "--", pid]).status().unwrap().success());
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Processes whose command line has these words in it (a project's folder, say).
#[cfg(target_os = "linux")]
pub(crate) fn processes_with(words: &str) -> Vec<(u32, String)> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let process = |entry: std::fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        (pid != std::process::id() && line.contains(words)).then_some((pid, line))
    };
    entries.filter_map(process).collect()
}

/// Whether a process is there (and no zombie).
#[cfg(target_os = "linux")]
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// A shell script that tells its pid, then does the rest.
pub(crate) fn script(project: &Project, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = project.path().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Runs a command on a pseudo-terminal, in whose foreground it is; what is typed comes from [`Running::type_in`].
#[cfg(target_os = "linux")]
pub(crate) fn on_a_terminal(command: Command) -> Running {
    let quote = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''"));
    let words: Vec<String> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect();
    // `exec`, so that limbeck itself is what the terminal runs.
    let mut terminal = Command::new("script");
    terminal.args(["-qefc", &format!("exec {}", words.join(" ")), "/dev/null"]).stdin(Stdio::piped());
    terminal.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    start(terminal)
}

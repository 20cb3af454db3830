//! A Redis server of one test, on a Unix socket in a folder of its own.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server that can be killed and started again; it ends when dropped.
pub(crate) struct Redis {
    folder: TempDir,
    child: Option<Child>,
}

impl Redis {
    /// Starts one, and waits until it accepts connections.
    pub(crate) fn start() -> Self {
        let mut redis = Self { folder: tempfile::tempdir().unwrap(), child: None };
        redis.run();
        redis
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Starts it again; it has forgotten everything.
    pub(crate) fn run(&mut self) {
        let program = std::env::var("LIMBECK_TEST_REDIS").unwrap_or_else(|_| "redis-server".to_owned());
        let mut child = Command::new(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Redis: `cargo xtask test` installs it, and LIMBECK_TEST_REDIS names the program");
        let log = BufReader::new(child.stdout.take().unwrap());
        let mut lines = log.lines().map_while(Result::ok);
        self.child = Some(child);
        let ready = lines.by_ref().any(|line| line.contains("accept connections"));
        assert!(ready, "redis-server ended at once");
        // It must not stall on a pipe that nobody empties.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Ends it in the hard way.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        _ = std::fs::remove_file(self.socket());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

//! A running adapter, and plain HTTP to ask it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The adapter's program, without what the tester's environment says about it.
pub(crate) fn adapter(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adapter"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let others = ["ADMIN_API_KEY", "DATABASE_URL", "LIMBECK_URL", "REDIS_URL", "RUST_LOG"];
        if name.starts_with("ADAPTER_") || others.contains(&&*name) {
            command.env_remove(&*name);
        }
    }
    // Any free port, unless a test says otherwise.
    command.env("ADAPTER_PORT", "0").args(args);
    command
}

/// A serving process; it is killed when dropped.
pub(crate) struct Adapter {
    child: Child,
    pub(crate) log: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
}

impl Adapter {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(url: &str, args: &[&str]) -> Self {
        Self::start_in(&[], url, args)
    }

    /// As [`Adapter::start`], with more in its environment.
    pub(crate) fn start_in(env: &[(&str, &str)], url: &str, args: &[&str]) -> Self {
        let mut command = adapter(args);
        command.env("DATABASE_URL", url).envs(env.iter().copied()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let line = logged(&mut log, "listening");
        let address = line.split_once("127.0.0.1:").unwrap_or_else(|| panic!("not listening: {line}")).1;
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        Self { child, log, address: SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())) }
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        stream
    }

    /// The status and the JSON body, null for an empty one.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: adapter\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Sends a signal, waits for a good end, and returns the rest of the log.
    pub(crate) fn stop(&mut self, signal: &str) -> String {
        self.signal(signal);
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {log}");
        log
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Waits for a line with these words.
pub(crate) fn logged(log: &mut BufReader<ChildStderr>, words: &str) -> String {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended without saying: {words}");
    }
    line
}

//! As much HTTP as a health check and a client's load need.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'r> {
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) headers: &'r [(&'r str, &'r str)],
    /// JSON, or nothing.
    pub(crate) body: &'r str,
    pub(crate) patience: Duration,
}

impl Request<'_> {
    /// The status and the body of the answer; an error where there is none, or only a part.
    pub(crate) fn send(&self, port: u16) -> std::io::Result<(u16, String)> {
        let broken = || std::io::Error::other("the answer is no whole answer");
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(self.patience))?;
        let mut text = format!("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n", self.method, self.path);
        for (name, value) in self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", self.body.len());
        }
        write!(stream, "{text}Connection: close\r\n\r\n{}", self.body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        match length {
            Some(length) if length != body.len() => Err(broken()),
            _ => Ok((status, body.to_owned())),
        }
    }
}

/// The status and the body of a GET; `None` where nobody answers.
pub(crate) fn get(port: u16, path: &str) -> Option<(u16, String)> {
    Request { method: "GET", path, headers: &[], body: "", patience: PATIENCE }.send(port).ok()
}

/// Whether a GET is answered with 200.
pub(crate) fn is_ok(port: u16, path: &str) -> bool {
    get(port, path).is_some_and(|(status, _)| status == 200)
}

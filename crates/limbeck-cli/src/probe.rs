//! Answers probes while a start waits and migrates: alive, and not ready. Without that, an orchestrator takes a long
//! migration for a process that hangs, and kills it.
//!
//! Two answers on connections that are closed after them need no web framework.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use limbeck_core::{Code, Problem};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Who asks must have asked by then; a probe's own patience is mostly shorter.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who was answered hangs up first, so that no closed connection keeps the address in use; or has this long.
const FAREWELL: Duration = Duration::from_secs(1);

/// As long a request's head may be.
const HEAD: usize = 8 * 1024;

/// As many connections are kept; more of them are no probes.
const CONNECTIONS: usize = 64;

/// Where to listen: `127.0.0.1:8000`, `[::]:8000`, `localhost:8000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) =
            text.trim().rsplit_once(':').ok_or("an address is HOST:PORT, as in 0.0.0.0:8000")?;
        // Brackets around an IPv6 address may be left out: the last colon is the port's.
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().map_err(|_| "the port of HOST:PORT is a number from 0 to 65535")?;
        match bare.is_empty() {
            true => Err("HOST:PORT needs a host; 0.0.0.0 is every IPv4 address of this machine"),
            false => Ok(Self { host: bare.to_owned(), port }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// What a start is doing, in a sentence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doing(Arc<Mutex<String>>);

impl Doing {
    /// From now on it does this.
    pub(crate) fn now(&self, sentence: &str) {
        sentence.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn sentence(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Listens until it is told to end.
#[derive(Debug)]
pub(crate) struct Probe {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Probe {
    /// Begins to listen, and returns the address.
    ///
    /// # Errors
    /// The address is taken, or is none of this machine's.
    pub(crate) async fn listen(address: &Address, doing: Doing) -> Result<(Self, String), Problem> {
        let failed = |why: io::Error| {
            Problem::new(Code::File, format!("cannot answer probes at {address}: {why}"))
                .help("--probe takes a free address of this machine: the one that the command will listen on")
        };
        let listener = TcpListener::bind((address.host.as_str(), address.port)).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(serve(listener, doing, ended));
        Ok((Self { end, task }, bound.to_string()))
    }

    /// Closes the listener and every connection.
    pub(crate) async fn end(self) {
        drop(self.end);
        // A panic in there must not keep the service from starting.
        let _ = self.task.await;
    }
}

async fn serve(listener: TcpListener, doing: Doing, mut ended: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut ended => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS => {
                    connections.spawn(answer(stream, doing.clone()));
                }
                Ok(_) => {}
                // No file descriptor is free, say: that passes.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// One request, one answer. Whoever breaks off gets none, and nobody needs to know.
async fn answer(mut stream: TcpStream, doing: Doing) -> io::Result<()> {
    let Ok(head) = timeout(PATIENCE, head(&mut stream)).await else { return Ok(()) };
    let answer = respond(&head?, &doing.sentence());
    timeout(PATIENCE, stream.write_all(answer.as_bytes())).await??;
    let mut rest = [0; 1024];
    let gone = async {
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    timeout(FAREWELL, gone).await?
}

/// Reads to the empty line, or as much of it as may be.
async fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    while head.len() < HEAD && !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    Ok(head)
}

/// The answer to a request's head: alive where that is asked; to everything else, what is being done.
fn respond(head: &[u8], doing: &str) -> String {
    let line = head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let words: Vec<&str> = line.unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else { return bad_request() };
    if !version.starts_with("HTTP/1.") || !head.ends_with(b"\r\n\r\n") && head.len() >= HEAD {
        return bad_request();
    }
    let path = target.split('?').next().unwrap_or_default();
    let (status, body) = match path {
        "/health" | "/health/live" => ("200 OK", json!({ "status": "ok" })),
        _ => ("503 Service Unavailable", json!({ "status": "not ready", "reason": doing })),
    };
    message(status, &body.to_string(), method == "HEAD")
}

fn bad_request() -> String {
    message("400 Bad Request", &json!({ "status": "bad request" }).to_string(), false)
}

fn message(status: &str, body: &str, is_head: bool) -> String {
    let length = body.len();
    let body = if is_head { "" } else { body };
    let retry = if status.starts_with("503") { "retry-after: 2\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\n{retry}connection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::{Address, HEAD, respond};

    #[test]
    fn addresses() {
        let shown = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        for (text, expected) in [
            ("0.0.0.0:8000", "0.0.0.0:8000"),
            (" localhost:0 ", "localhost:0"),
            ("[::1]:80", "[::1]:80"),
            (":::8000", "[::]:8000"),
        ] {
            assert_eq!(shown(text), Ok(expected.to_owned()));
        }
        for bad in
            ["", "8000", "localhost", ":8000", "[]:80", "localhost:http", "localhost:65536", "localhost:"]
        {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn answers() {
        let status = |request: &str| {
            let answer = respond(request.as_bytes(), "says \"this\"\n");
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            if !request.starts_with("HEAD") {
                assert_eq!(length.parse(), Ok(body.len()));
                serde_json::from_str::<serde_json::Value>(body).expect("JSON");
            }
            head[9..12].to_owned()
        };
        for (request, expected) in [
            ("GET /health HTTP/1.1\r\nhost: x\r\n\r\n", "200"),
            ("HEAD /health/live?x=1 HTTP/1.0\r\n\r\n", "200"),
            ("GET /health/ready HTTP/1.1\r\n\r\n", "503"),
            ("POST /api/v1/actions HTTP/1.1\r\n\r\n", "503"),
            ("GET /healthy HTTP/1.1\r\n\r\n", "503"),
            ("", "400"),
            ("\r\n\r\n", "400"),
            ("GET /health\r\n\r\n", "400"),
            ("GET /health HTTP/2\r\n\r\n", "400"),
            ("GET  /health HTTP/1.1\r\n\r\n", "400"),
        ] {
            assert_eq!(status(request), expected, "{request:?}");
        }
        let endless = format!("GET /health HTTP/1.1\r\nx: {}", "x".repeat(HEAD));
        assert_eq!(status(&endless), "400");
        assert!(respond(b"GET /\xff HTTP/1.1\r\n\r\n", "").starts_with("HTTP/1.1 400"));
    }
}

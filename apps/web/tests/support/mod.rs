//! Programs as processes, plain HTTP to ask them, and an adapter that answers what a test wants.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The admin key of the tests.
pub(crate) const KEY: &str = "an-operators-key";

/// This package's program, without what the tester's environment says about it.
pub(crate) fn web(adapter: &str) -> Command {
    let mut command = clean(env!("CARGO_BIN_EXE_web"));
    command.env("WEB_PORT", "0").env("ADAPTER_URL", adapter).env("ADMIN_API_KEY", KEY);
    command
}

/// The adapter's program, on a database. Cargo builds it beside this package's whenever it builds the workspace's tests.
pub(crate) fn adapter(database: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_web")).with_file_name("adapter");
    assert!(
        program.is_file(),
        "{} is not there. The page is tested with the real adapter: `cargo build --package adapter` builds it, in the \
         same target folder and profile",
        program.display()
    );
    let mut command = clean(program);
    command.env("ADAPTER_PORT", "0").env("DATABASE_URL", database).env("ADMIN_API_KEY", KEY);
    command
}

fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_setting = ["ADAPTER_", "WEB_", "PG", "LIMBECK_"].iter().any(|prefix| text.starts_with(prefix));
        if is_setting || ["ADMIN_API_KEY", "DATABASE_URL", "REDIS_URL", "RUST_LOG"].contains(&&*text) {
            command.env_remove(&name);
        }
    }
    command
}

/// A serving process; it is killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: Option<JoinHandle<String>>,
    address: SocketAddr,
}

impl Running {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let port = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it does not listen: {log}");
            log += &line;
            if let Some((_, address)) = line.split_once("127.0.0.1:").filter(|_| line.contains("listening")) {
                break address.chars().take_while(char::is_ascii_digit).collect::<String>();
            }
        };
        // Read on, or it would stand still when the pipe is full.
        let rest = thread::spawn(move || {
            _ = lines.read_to_string(&mut log);
            log
        });
        let address = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        Self { child, log: Some(rest), address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Status, head and body.
    pub(crate) fn ask(&self, method: &str, path: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
    }

    /// The page, as it is sent.
    pub(crate) fn page(&self) -> (u16, String) {
        let (status, _, body) = self.ask("GET", "/");
        (status, body)
    }

    /// Ends it with SIGTERM; its log, if it ended well.
    pub(crate) fn stop(&mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(status.success(), "{status}: {log}");
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// An adapter of which a test says what it answers. It ends with the test's process.
pub(crate) struct Stand {
    address: SocketAddr,
}

impl Stand {
    /// Answers each path with these bytes, whole HTTP answers; any other path with 404.
    pub(crate) fn answering(answers: &[(&str, String)]) -> Self {
        let answers: HashMap<String, String> =
            answers.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(answers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                thread::spawn(move || answer(stream, &answers));
            }
        });
        Self { address }
    }

    /// Answers with this state, and health.
    pub(crate) fn with_state(state: &serde_json::Value) -> Self {
        let health = serde_json::json!({ "state": "up", "parts": [{ "name": "database", "state": "up", "latency_ms": 1.5 }] });
        Self::answering(&[(MIGRATIONS, ok(&state.to_string())), (HEALTH, ok(&health.to_string()))])
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

pub(crate) const MIGRATIONS: &str = "/api/v1/admin/migrations";
pub(crate) const HEALTH: &str = "/health/detailed";

/// A good answer.
pub(crate) fn ok(body: &str) -> String {
    http("200 OK", "application/json", body)
}

/// An answer of any kind.
pub(crate) fn http(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn answer(mut stream: TcpStream, answers: &HashMap<String, String>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let path = first.split(' ').nth(1).unwrap_or_default();
    let answer = answers.get(path).cloned().unwrap_or_else(|| http("404 Not Found", "text/plain", "nothing"));
    // An empty one is an adapter that says nothing, for as long as somebody listens.
    if answer.is_empty() {
        _ = stream.read(&mut [0; 1]);
    }
    _ = stream.write_all(answer.as_bytes());
}

/// The browser: `LIMBECK_TEST_CHROMIUM`, else the one on the PATH.
fn chromium() -> PathBuf {
    let given = std::env::var_os("LIMBECK_TEST_CHROMIUM").filter(|value| !value.is_empty());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = |folder: PathBuf| {
        ["chromium", "chromium-browser", "google-chrome"].into_iter().map(move |name| folder.join(name))
    };
    let found = std::env::split_paths(&path).flat_map(named).find(|program| program.is_file());
    given.map(PathBuf::from).or(found).unwrap_or_else(|| {
        panic!(
            "the page is looked at in Chromium, which is not installed (Debian, Ubuntu: apt-get install chromium; \
             Fedora: dnf install chromium; macOS: brew install chromium); LIMBECK_TEST_CHROMIUM may name one"
        )
    })
}

/// Light or dark, as the browser asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// What the browser makes of an address: the document, after everything was loaded.
pub(crate) fn browse(url: &str, scheme: Scheme) -> String {
    let profile = tempfile::tempdir().unwrap();
    let scheme = match scheme {
        Scheme::Dark => 0,
        Scheme::Light => 1,
    };
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"])
        .arg("--disable-background-networking")
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--timeout=120000", "--dump-dom", url])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let document = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(document.contains("<html"), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    document
}

/// What a look at the page gives.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Look {
    /// By how many pixels the document is wider than a phone, a tablet and a desktop.
    pub(crate) excess: [i32; 3],
    /// The smallest contrast between a text and what it stands on, and that text.
    pub(crate) contrast: f64,
    pub(crate) faintest: String,
    /// Whether the browser was asked for the dark colours.
    pub(crate) dark: bool,
}

/// Lays the page out in a frame of several widths, and measures.
pub(crate) fn look(page: &Running, scheme: Scheme) -> Look {
    let (_, body) = page.page();
    let (_, _, style) = page.ask("GET", "/style.css");
    let styled =
        body.replace(r#"<link rel="stylesheet" href="style.css">"#, &format!("<style>{style}</style>"));
    assert_ne!(styled, body, "the style sheet is not linked");
    let frame = styled.replace('&', "&amp;").replace('"', "&quot;");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("look.html");
    let text = include_str!("look.html").replace("PAGE", &frame);
    std::fs::write(&file, text).unwrap();
    let document = browse(&format!("file://{}", file.display()), scheme);
    let result = document.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (json, _) = result.unwrap_or_else(|| panic!("nothing was measured: {document}"));
    serde_json::from_str(json).unwrap_or_else(|why| panic!("{why}: {json}"))
}

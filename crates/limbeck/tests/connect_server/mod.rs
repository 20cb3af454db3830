//! A private PostgreSQL with TCP, passwords and TLS, which `limbeck-testdb` does not offer.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Whether the server has a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Off,
    On,
}

/// A running server; it ends with this value, and also if the test's process dies.
pub(crate) struct Server {
    watcher: Child,
    folder: tempfile::TempDir,
    pub(crate) port: u16,
}

pub(crate) const PASSWORD: &str = "sEcret:@/?#%+ ü";
pub(crate) const ENCODED: &str = "sEcret%3A%40%2F%3F%23%25%2B%20%C3%BC";

const HBA: &str = "\
local all all trust
hostssl tlsonly all 127.0.0.1/32 scram-sha-256
hostnossl plainonly all 127.0.0.1/32 scram-sha-256
host tlsonly,plainonly all all reject
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
";

impl Server {
    pub(crate) fn start(tls: Tls) -> Self {
        let folder = tempfile::Builder::new().prefix("limbeck-connect-").tempdir().expect("a folder");
        let port = free_port();
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("a data folder");
        own(folder.path());
        run(&mut as_postgres(
            &program("initdb"),
            &["-D", path(&data), "-U", "postgres", "-A", "trust", "-N"],
        ));
        fs::write(data.join("pg_hba.conf"), HBA).expect("pg_hba.conf");
        let mut conf = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).expect("conf");
        writeln!(conf, "port = {port}\nlisten_addresses = '127.0.0.1'\nfsync = off\nmax_connections = 20")
            .expect("conf");
        writeln!(conf, "unix_socket_directories = '{}'", path(folder.path())).expect("conf");
        if tls == Tls::On {
            certificates(folder.path());
            let file = |name: &str| folder.path().join(name).display().to_string();
            writeln!(
                conf,
                "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'",
                file("server.crt"),
                file("server.key")
            )
            .expect("conf");
        }
        own(folder.path());
        let script = "\"$@\" & pid=$!; cat >/dev/null; kill -QUIT $pid; wait $pid";
        let server = as_postgres(&program("postgres"), &["-D", path(&data)]);
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let watcher = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("a server");
        let server = Self { watcher, folder, port };
        server.wait();
        server.psql(&format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'"));
        for sql in [
            "CREATE ROLE owner",
            "GRANT owner TO app",
            "CREATE DATABASE shop",
            "CREATE DATABASE tlsonly",
            "CREATE DATABASE plainonly",
            "CREATE ROLE nologin",
            "CREATE DATABASE closed",
            "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
            "CREATE DATABASE readonly",
            "ALTER DATABASE readonly SET default_transaction_read_only = on",
        ] {
            server.psql(sql);
        }
        server
    }

    /// The folder of the socket, and of `ca.crt`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn psql(&self, sql: &str) {
        let port = self.port.to_string();
        run(Command::new(program("psql")).args([
            "-X",
            "-q",
            "-h",
            path(self.folder()),
            "-p",
            &port,
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-c",
            sql,
        ]));
    }

    fn wait(&self) {
        let port = self.port.to_string();
        let deadline = Instant::now() + Duration::from_secs(120);
        let ready = || {
            let args = ["-q", "-h", path(self.folder()), "-p", &port];
            Command::new(program("pg_isready")).args(args).status().is_ok_and(|status| status.success())
        };
        while !ready() {
            let log = || fs::read_to_string(self.folder().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the server does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Own authority, and a server's certificate for `localhost` only (not for 127.0.0.1).
fn certificates(folder: &Path) {
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("names");
    let openssl = |line: &str| {
        let mut command = Command::new("openssl");
        command.args(line.split(' ')).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        run(&mut command);
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=limbeck-test-ca -keyout ca.key -out ca.crt");
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=another-ca -keyout other.key -out other.crt",
    );
    openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).expect("permissions");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path, args: &[&str]) -> Command {
    if !is_root() {
        let mut command = Command::new(program);
        command.args(args);
        return command;
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).args(args);
    command
}

fn own(folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg("-R").arg("postgres:postgres").arg(folder));
        // The tests read the authority's certificate as whoever they are.
        run(Command::new("chmod").arg("755").arg(folder));
    }
}

fn run(command: &mut Command) {
    let output: io::Result<_> = command.stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

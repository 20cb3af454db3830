//! Connecting to a real server: what works, what every failure says, and that no password shows.

mod connect_server;

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use connect_server::{ENCODED, PASSWORD, Server, Tls, free_port};
use limbeck::connect::{
    ConnectErrorKind as Kind, ConnectSpec, DatabaseUrl, Origin, PasswordCommand, RetryPolicy, WaitError,
    connect, wait_for_database,
};
use sqlx::postgres::PgConnection;

const NAME: &str = "limbeck-test";

fn spec_in(url: &str, env: &[(&str, &str)]) -> ConnectSpec {
    let env: HashMap<_, _> = env.iter().copied().collect();
    let url = DatabaseUrl::parse(url).unwrap_or_else(|error| panic!("{error:#}"));
    ConnectSpec::new(&url, &|name| env.get(name).map(ToString::to_string))
        .unwrap_or_else(|error| panic!("{error:#}"))
}

fn spec(url: &str) -> ConnectSpec {
    spec_in(url, &[])
}

async fn ask(conn: &mut PgConnection, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn open(spec: &ConnectSpec) -> PgConnection {
    connect(spec, NAME).await.unwrap_or_else(|error| panic!("{spec}: {error:#}"))
}

/// The failure, after a look that nothing printed shows the password.
async fn fail(spec: &ConnectSpec) -> (Kind, String) {
    let Err(error) = connect(spec, NAME).await else { panic!("{spec} should not connect") };
    let shown = format!(
        "{error:#} {error:?} {spec:?} {spec} {:#}",
        limbeck_core::problem::Problem::from(error.clone())
    );
    for secret in [PASSWORD, ENCODED, "sEcret", "wr0ng"] {
        assert!(!shown.contains(secret), "shows {secret}: {shown}");
    }
    (error.kind(), format!("{error:#}"))
}

async fn fails(spec: &ConnectSpec, kind: Kind, part: &str) {
    let (found, text) = fail(spec).await;
    assert_eq!(found, kind, "{text}");
    assert!(text.contains(part), "{part:?} is not in: {text}");
}

#[tokio::test]
async fn without_tls() {
    let server = Server::start(Tls::Off);
    sockets(&server).await;
    passwords(&server).await;
    refusals(&server).await;
    password_files(&server).await;
    password_commands(&server).await;
    host_lists(&server).await;
    roles_and_settings(&server).await;
    let tcp = |query: &str| format!("postgresql://app:{ENCODED}@127.0.0.1:{}/shop?{query}", server.port);
    fails(&spec(&tcp("sslmode=require")), Kind::Tls, "offers no TLS, and sslmode=require asks for it").await;
    fails(&spec(&tcp("sslmode=verify-full")), Kind::Tls, "offers no TLS").await;
    for mode in ["disable", "allow", "prefer"] {
        open(&spec(&tcp(&format!("sslmode={mode}")))).await;
    }
    waiting(&server).await;
    a_full_server(&server).await;
}

async fn sockets(server: &Server) {
    let url = DatabaseUrl::on_socket(server.folder(), server.port, "postgres", "shop");
    let spec = ConnectSpec::new(&url, &|_| None).unwrap_or_else(|error| panic!("{error:#}"));
    let mut conn = open(&spec).await;
    assert_eq!(ask(&mut conn, "SELECT current_database() || ' ' || current_user").await, "shop postgres");
    assert_eq!(ask(&mut conn, "SHOW application_name").await, NAME);
    // A socket needs no TLS, whatever is asked for, as in libpq.
    let folder = server.folder().display();
    let url = format!("postgresql://postgres@/shop?host={folder}&port={}&sslmode=require", server.port);
    open(&self::spec(&url)).await;
    let encoded = folder.to_string().replace('/', "%2F");
    open(&self::spec(&format!("postgresql+asyncpg://postgres@{encoded}:{}/shop", server.port))).await;
    open(&self::spec(&format!("host={folder} port={} user=postgres dbname=shop", server.port))).await;
    let missing = format!("postgresql:///shop?host={folder}/none&port={}", server.port);
    fails(&self::spec(&missing), Kind::Unreachable, "there is no PostgreSQL socket").await;
}

async fn passwords(server: &Server) {
    let port = server.port;
    let mut conn = open(&spec(&format!("postgresql://app:{ENCODED}@127.0.0.1:{port}/shop"))).await;
    assert_eq!(ask(&mut conn, "SELECT current_user::text").await, "app");
    let wrong = format!("postgresql://app:wr0ng@127.0.0.1:{port}/shop");
    fails(
        &spec(&wrong).origin(Origin::Variable("DATABASE_URL".into())),
        Kind::WrongPassword,
        "comes from DATABASE_URL",
    )
    .await;
    fails(&spec(&wrong), Kind::WrongPassword, "does not accept the password of `app` for database `shop`")
        .await;
    let none = format!("postgresql://app@127.0.0.1:{port}/shop");
    fails(&spec(&none), Kind::WrongPassword, "asks for the password of `app`, and there is none").await;
    let env = [("PGPASSWORD", PASSWORD), ("PGUSER", "app"), ("PGDATABASE", "shop")];
    open(&spec_in(&format!("postgresql://127.0.0.1:{port}"), &env)).await;
    fails(&spec_in(&none, &[("PGPASSWORD", "wr0ng")]), Kind::WrongPassword, "PGPASSWORD").await;
}

async fn refusals(server: &Server) {
    let port = server.port;
    let at = |rest: &str| spec(&format!("postgresql://app:{ENCODED}@127.0.0.1:{rest}"));
    fails(&at(&format!("{port}/none")), Kind::UnknownDatabase, "has no database `none`").await;
    fails(&at(&format!("{}/shop", free_port())), Kind::Unreachable, "connection refused").await;
    // The server does not tell an unknown user from a wrong password, for good reason.
    fails(
        &spec(&format!("postgresql://nobody:wr0ng@127.0.0.1:{port}/shop")),
        Kind::WrongPassword,
        "`nobody`",
    )
    .await;
    let socket = |user| {
        let url = DatabaseUrl::on_socket(server.folder(), port, user, "shop");
        ConnectSpec::new(&url, &|_| None).unwrap_or_else(|error| panic!("{error:#}"))
    };
    fails(&socket("nobody"), Kind::UnknownRole, "the user `nobody` cannot log in").await;
    fails(&socket("nologin"), Kind::UnknownRole, "not permitted to log in").await;
    fails(&at(&format!("{port}/tlsonly")), Kind::WrongPassword, "does not let `app` in from here").await;
    fails(&at(&format!("{port}/closed")), Kind::WrongPassword, "may not connect to database `closed`").await;
    fails(&spec("postgresql://no-such-host.invalid/x"), Kind::Unreachable, "cannot be resolved").await;
    // A listener that never accepts: the connection stands, and nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("postgresql://{}/x?connect_timeout=1", silent.local_addr().expect("an address"));
    fails(&spec(&url), Kind::Unreachable, "no answer from PostgreSQL").await;
}

async fn password_files(server: &Server) {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join(".pgpass");
    let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    std::fs::write(&file, format!("# mine\n127.0.0.1:*:shop:app:{escaped}\n")).expect("a file");
    let url = format!("postgresql://app@127.0.0.1:{}/shop", server.port);
    let mode =
        |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("permissions");
    let with = |name, value: &Path| spec_in(&url, &[(name, value.to_str().expect("a UTF-8 path"))]);
    mode(0o600);
    open(&with("HOME", home.path())).await;
    open(&with("PGPASSFILE", &file)).await;
    open(&spec(&format!("{url}?passfile={}", file.display()))).await;
    mode(0o640);
    let open_to_others = with("HOME", home.path());
    assert!(open_to_others.warnings()[0].contains("others may read it"), "{:?}", open_to_others.warnings());
    fails(&open_to_others, Kind::WrongPassword, "there is none").await;
}

async fn password_commands(server: &Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{PASSWORD}\nsEcret second line\n")).expect("a file");
    let url = format!("postgresql://app@127.0.0.1:{}/shop", server.port);
    let asked = |command| spec(&url).password_command(command);
    let words = |words: &[&str]| PasswordCommand::Program(words.iter().map(ToString::to_string).collect());
    let file = file.to_str().expect("a UTF-8 path");
    open(&asked(words(&["cat", file]))).await;
    open(&asked(PasswordCommand::Shell(format!("cat {file}")))).await;
    // Tokens expire: it runs at every connect, and only then.
    let count = folder.path().join("count");
    let counting = PasswordCommand::Shell(format!("echo once >> {}; cat {file}", count.display()));
    let counted = asked(counting);
    for times in 1..=3 {
        open(&counted).await;
        let runs = std::fs::read_to_string(&count).expect("the command's notes").lines().count();
        assert_eq!(runs, times, "runs of the password command");
    }
    let kind = Kind::PasswordCommand;
    fails(
        &asked(PasswordCommand::Shell(format!("cat {file}; cat {file} >&2; exit 3"))),
        kind,
        "exit status: 3",
    )
    .await;
    fails(&asked(words(&["/no/such/program"])), kind, "cannot be started").await;
    fails(&asked(words(&["true"])), kind, "printed no password").await;
    fails(&asked(words(&["echo", "wr0ng"])), Kind::WrongPassword, "it comes from the password command").await;
}

async fn host_lists(server: &Server) {
    let (port, dead) = (server.port, free_port());
    let list =
        |query: &str| spec(&format!("postgresql://app:{ENCODED}@127.0.0.1:{dead},127.0.0.1:{port}/{query}"));
    open(&list("shop")).await;
    open(&list("shop?target_session_attrs=read-write")).await;
    open(&list("shop?target_session_attrs=primary")).await;
    open(&list("shop?target_session_attrs=prefer-standby")).await;
    open(&list("readonly?target_session_attrs=read-only")).await;
    fails(&list("none"), Kind::UnknownDatabase, "`none`").await;
    fails(&list("readonly?target_session_attrs=read-write"), Kind::Unreachable, "is read-only").await;
    let one = format!("postgresql://app:{ENCODED}@127.0.0.1:{port}/shop?target_session_attrs=standby");
    fails(&spec(&one), Kind::ReadOnly, "target_session_attrs=standby is asked for").await;
    open(&spec(&format!("postgresql://app:{ENCODED}@no-such-host.invalid:{port}/shop?hostaddr=127.0.0.1")))
        .await;
}

async fn roles_and_settings(server: &Server) {
    let url = format!("postgresql://app:{ENCODED}@127.0.0.1:{}/shop", server.port);
    let mut conn = open(&spec(&url).role("owner")).await;
    assert_eq!(ask(&mut conn, "SELECT session_user || ' ' || current_user").await, "app owner");
    assert_eq!(ask(&mut conn, "SHOW tcp_keepalives_idle").await, "60");
    fails(&spec(&url).role("nologin"), Kind::UnknownRole, "SET ROLE nologin failed").await;
    fails(&spec(&url).role("no\"body"), Kind::UnknownRole, "SET ROLE").await;
    let options = "-c%20statement_timeout%3D7s%20--timezone%3DEurope/Vienna%20-csearch_path%3D%22a\\%20b%22";
    let mut conn = open(&spec(&format!("{url}?options={options}&keepalives_idle=33"))).await;
    assert_eq!(ask(&mut conn, "SHOW statement_timeout").await, "7s");
    assert_eq!(ask(&mut conn, "SHOW timezone").await, "Europe/Vienna");
    assert_eq!(ask(&mut conn, "SHOW search_path").await, "\"a b\"");
    assert_eq!(ask(&mut conn, "SHOW tcp_keepalives_idle").await, "33");
    fails(&spec(&format!("{url}?options=-cno_such%3D1")), Kind::Other, "no_such").await;
    // A wish that the server does not know is no obstacle.
    let mut conn = open(&spec(&url).wish("lock_timeout", "3s")).await;
    assert_eq!(ask(&mut conn, "SHOW lock_timeout").await, "3s");
    open(&spec(&url).wish("no_such_setting", "1")).await;
}

async fn waiting(server: &Server) {
    let policy = RetryPolicy::new(3, Duration::from_millis(20));
    let dead = spec(&format!("postgresql://127.0.0.1:{}/x", free_port()));
    let mut seen = Vec::new();
    let result = wait_for_database(&dead, NAME, policy, |attempt| {
        seen.push((attempt.number, attempt.of, attempt.next_in.is_some()));
    })
    .await;
    assert_eq!(seen, [(1, 3, true), (2, 3, true), (3, 3, false)]);
    let Err(error @ WaitError::GaveUp { .. }) = result else { panic!("nobody listens there") };
    assert!(error.to_string().starts_with("Failed to connect to PostgreSQL after 3 attempts"), "{error}");
    let wrong = spec(&format!("postgresql://app:wr0ng@127.0.0.1:{}/shop", server.port));
    let result = wait_for_database(&wrong, NAME, policy, |_| panic!("not to be tried again")).await;
    assert!(matches!(result, Err(WaitError::Refused(_))));
    let there = spec(&format!("postgresql://app:{ENCODED}@127.0.0.1:{}/shop", server.port));
    assert!(wait_for_database(&there, NAME, policy, |_| {}).await.is_ok());
}

async fn a_full_server(server: &Server) {
    let there = spec(&format!("postgresql://app:{ENCODED}@127.0.0.1:{}/shop", server.port));
    let mut held = Vec::new();
    while held.len() < 30 {
        match connect(&there, NAME).await {
            Ok(conn) => held.push(conn),
            Err(error) => {
                assert_eq!(error.kind(), Kind::TooManyConnections, "{error:#}");
                assert!(error.is_retryable());
                return;
            }
        }
    }
    panic!("the server takes more connections than it should");
}

#[tokio::test]
async fn with_tls() {
    let server = Server::start(Tls::On);
    let file = |name: &str| server.folder().join(name).display().to_string();
    let at =
        |host: &str, rest: &str| spec(&format!("postgresql://app:{ENCODED}@{host}:{}/{rest}", server.port));
    let encrypted = "SELECT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())::text";
    let ca = file("ca.crt");
    for (host, rest, wanted) in [
        ("127.0.0.1", "shop".to_owned(), "true"),
        ("127.0.0.1", "shop?sslmode=disable".to_owned(), "false"),
        ("127.0.0.1", "shop?sslmode=allow".to_owned(), "false"),
        ("127.0.0.1", "tlsonly?sslmode=allow".to_owned(), "true"),
        ("127.0.0.1", "plainonly?sslmode=prefer".to_owned(), "false"),
        ("127.0.0.1", "shop?ssl=true".to_owned(), "true"),
        ("127.0.0.1", format!("shop?sslmode=require&sslrootcert={ca}"), "true"),
        ("127.0.0.1", format!("shop?sslmode=verify-ca&sslrootcert={ca}"), "true"),
        ("localhost", format!("shop?sslmode=verify-full&sslrootcert={ca}"), "true"),
    ] {
        let mut conn = open(&at(host, &rest)).await;
        assert_eq!(ask(&mut conn, encrypted).await, wanted, "{rest}");
    }
    let full = format!("shop?sslmode=verify-full&sslrootcert={ca}");
    fails(&at("127.0.0.1", &full), Kind::Tls, "signed the server's certificate").await;
    let other = format!("shop?sslmode=verify-ca&sslrootcert={}", file("other.crt"));
    fails(&at("localhost", &other), Kind::Tls, "other.crt").await;
    let other = format!("shop?sslmode=require&sslrootcert={}", file("other.crt"));
    fails(&at("localhost", &other), Kind::Tls, "other.crt").await;
    fails(&at("localhost", "shop?sslmode=verify-full"), Kind::Tls, "sslrootcert").await;
    fails(&at("127.0.0.1", "tlsonly?sslmode=disable"), Kind::WrongPassword, "from here").await;
    fails(&at("127.0.0.1", "plainonly?sslmode=require"), Kind::WrongPassword, "from here").await;
}

#[tokio::test]
async fn closed_at_once_may_heal() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("postgresql://{}/x", listener.local_addr().expect("an address"));
    let closing = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    for mode in ["prefer", "disable", "require"] {
        fails(&spec(&format!("{url}?sslmode={mode}")), Kind::Unreachable, "closed the connection").await;
    }
    closing.abort();
}

/// What a pooler says (PgBouncer 1.18 was seen).
#[tokio::test]
async fn behind_pgbouncer() {
    let server = Server::start(Tls::Off);
    let bouncer = Bouncer::start(&server);
    let at = |user: &str, rest: &str| spec(&format!("postgresql://{user}@127.0.0.1:{}/{rest}", bouncer.port));
    // PgBouncer refuses `options`: the session starts without what it can do without.
    let mut conn = open(&at("app:x", "shop")).await;
    assert_eq!(ask(&mut conn, "SELECT current_database()::text").await, "shop");
    fails(&at("app:x", "shop?options=-clock_timeout%3D1s"), Kind::Other, "startup parameter").await;
    fails(&at("app:x", "none"), Kind::UnknownDatabase, "no such database").await;
    fails(&at("nobody:wr0ng", "shop"), Kind::WrongPassword, "").await;
    let (kind, text) = fail(&at("app:x", "down")).await;
    assert_eq!(kind, Kind::Unreachable, "{text}");
    let mut held = Vec::new();
    let full = loop {
        match connect(&at("app:x", "shop"), NAME).await {
            Ok(conn) => held.push(conn),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), Kind::TooManyConnections, "{full:#}");
}

struct Bouncer {
    process: std::process::Child,
    _folder: tempfile::TempDir,
    port: u16,
}

impl Bouncer {
    fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name).display().to_string();
        let (port, socket, behind) = (free_port(), server.folder().display(), server.port);
        std::fs::write(file("users"), "\"app\" \"x\"\n").expect("a file");
        let down = free_port();
        let ini = format!(
            "[databases]\nshop = host={socket} port={behind} user=app\ndown = host=127.0.0.1 port={down} user=app\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = plain\n\
             auth_file = {}\npool_mode = session\nmax_client_conn = 8\ndefault_pool_size = 20\n\
             query_wait_timeout = 4\nuser = {}\n",
            file("users"),
            if rustix::process::geteuid().is_root() { "postgres" } else { "" },
        );
        std::fs::write(file("ini"), ini.replace("user = \n", "")).expect("a file");
        let everyone = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everyone).expect("permissions");
        let program = std::env::var("LIMBECK_TEST_PGBOUNCER").unwrap_or_else(|_| "pgbouncer".to_owned());
        let process = std::process::Command::new(program)
            .args(["-q", &file("ini")])
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect(
                "PgBouncer: `cargo xtask test` installs it, and LIMBECK_TEST_PGBOUNCER names the program",
            );
        let deadline = Instant::now() + Duration::from_secs(120);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, _folder: folder, port }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

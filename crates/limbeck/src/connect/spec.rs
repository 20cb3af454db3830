//! A URL with every default filled in: from `PG*` variables, the password file and libpq's defaults.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::secret::Secret;
use super::tls::{RootCert, SessionAttrs, SslMode};
use super::url::{Fault, Keepalives, Parts, Timeout};
use super::{ConnectError, DatabaseUrl, Lookup, Origin, PasswordCommand, params, pgpass};

/// How long one host may take to let us in, unless `connect_timeout` says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

const DEFAULT_PORT: u16 = 5432;

/// Where distributions put the server's socket.
const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/run/postgresql", "/tmp", "/private/tmp"];

/// libpq's variables, each with the parameter that it is the default of.
const VARIABLES: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "dbname"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
];

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host's name or address, and a port.
    Tcp(String, u16),
    /// The folder of a Unix socket, and the port in its name.
    Socket(PathBuf, u16),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(folder, port) => write!(f, "{}", folder.join(format!(".s.PGSQL.{port}")).display()),
        }
    }
}

/// One host of the list.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    pub(super) password: Option<(Secret, PasswordSource)>,
}

/// Where a password came from, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PasswordSource {
    Url,
    Variable,
    File(PathBuf),
}

/// Everything that is needed to open a session. Build it once; connect with it as often as needed.
#[derive(Debug, Clone)]
pub struct ConnectSpec {
    pub(super) hosts: Vec<Endpoint>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) sslmode: SslMode,
    pub(super) root_cert: Option<PathBuf>,
    pub(super) client_cert: Option<(PathBuf, PathBuf)>,
    pub(super) options: Vec<(String, String)>,
    pub(super) wishes: Vec<(String, String)>,
    pub(super) keepalives: Keepalives,
    pub(super) timeout: Option<Duration>,
    pub(super) attrs: SessionAttrs,
    pub(super) role: Option<String>,
    pub(super) password_command: Option<PasswordCommand>,
    pub(super) origin: Origin,
    warnings: Vec<String>,
}

impl ConnectSpec {
    /// Completes `url` as libpq would: what it does not say comes from `PG*` variables, then from
    /// defaults (a socket of this machine if one is there, else localhost; the user's own name).
    /// Reads the password file and looks for certificates; opens no connection.
    ///
    /// A password in the URL comes first, then the password command, `PGPASSWORD`, the password file.
    ///
    /// # Errors
    /// [`BadUrl`](super::ConnectErrorKind::BadUrl) for parts that do not fit together or a variable
    /// that is not understood.
    pub fn new(url: &DatabaseUrl, env: Lookup<'_>) -> Result<Self, ConnectError> {
        let url = &*url.0;
        let defaults = from_environment(env)?;
        let home = env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let user = url.user.clone().or(defaults.user.clone()).unwrap_or_else(own_name);
        let database = url.dbname.clone().or(defaults.dbname.clone()).unwrap_or_else(|| user.clone());
        let tls = Tls::resolve(url, &defaults, home.as_deref())?;
        let mut warnings = Vec::new();
        let passwords = Passwords::gather(url, &defaults, home.as_deref(), &mut warnings);
        let hosts = addresses(url, &defaults, tls.mode)?
            .into_iter()
            .map(|address| Endpoint { password: passwords.of(&address, &database, &user), address })
            .collect();
        Ok(Self {
            hosts,
            user,
            database,
            sslmode: tls.mode,
            root_cert: tls.root,
            client_cert: tls.client,
            options: defaults.options.iter().chain(&url.options).cloned().collect(),
            wishes: Vec::new(),
            keepalives: url.keepalives.clone(),
            timeout: match url.connect_timeout.or(defaults.connect_timeout) {
                None => Some(DEFAULT_TIMEOUT),
                Some(Timeout::After(limit)) => Some(limit),
                Some(Timeout::Never) => None,
            },
            attrs: url.attrs.or(defaults.attrs).unwrap_or_default(),
            role: None,
            password_command: None,
            origin: Origin::Program,
            warnings,
        })
    }

    /// Says where the URL came from; errors repeat it.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// `SET ROLE` to this one after connecting.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Asks this command for the password at every connect, unless the URL has one.
    #[must_use]
    pub fn password_command(mut self, command: PasswordCommand) -> Self {
        self.password_command = Some(command);
        self
    }

    /// A setting to start the session with, at no extra round trip. It is a wish: where the server
    /// or a pooler does not know it or does not allow it, the session starts without.
    #[must_use]
    pub fn wish(mut self, setting: impl Into<String>, value: impl Into<String>) -> Self {
        self.wishes.push((setting.into(), value.into()));
        self
    }

    /// The hosts, in the order in which they are tried.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.hosts.iter().map(|endpoint| &endpoint.address)
    }

    /// The user to connect as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The same server, another database.
    #[must_use]
    pub(crate) fn with_database(mut self, name: impl Into<String>) -> Self {
        self.database = name.into();
        self
    }

    /// The database to connect to.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// How the connection is to be encrypted: libpq's word.
    pub fn sslmode(&self) -> &'static str {
        self.sslmode.as_str()
    }

    /// Whether the server must prove who it is, by name.
    pub fn verifies_server(&self) -> bool {
        self.sslmode == SslMode::VerifyFull
    }

    /// Where the URL came from.
    pub fn came_from(&self) -> &Origin {
        &self.origin
    }

    /// What was ignored and may surprise: a password file that others may read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Display for ConnectSpec {
    /// `database shop at db:5432 as app`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {} at ", self.database)?;
        for (index, address) in self.addresses().enumerate() {
            write!(f, "{}{address}", if index == 0 { "" } else { ", " })?;
        }
        write!(f, " as {}", self.user)
    }
}

fn from_environment(env: Lookup<'_>) -> Result<Parts, ConnectError> {
    if env("PGSERVICE").is_some_and(|name| !name.is_empty()) {
        let help = "unset PGSERVICE, and put the service's parameters into the URL";
        return Err(Fault::new("PGSERVICE is set, and limbeck does not read service files", help).into());
    }
    let mut parts = Parts::default();
    for (variable, parameter) in VARIABLES {
        let Some(value) = env(variable).filter(|value| !value.is_empty()) else { continue };
        params::set(&mut parts, parameter, &value)
            .map_err(|fault| Fault::new(format!("{variable}: {}", fault.message), fault.help))?;
    }
    Ok(parts)
}

/// The name of the user who runs the program. sqlx knows how to find it on every system.
fn own_name() -> String {
    PgConnectOptions::new_without_pgpass().get_username().to_owned()
}

/// Hosts, their addresses and ports, paired up as libpq does.
fn addresses(url: &Parts, defaults: &Parts, mode: SslMode) -> Result<Vec<Address>, Fault> {
    let given = !url.hosts.is_empty() || !url.hostaddrs.is_empty();
    let (hosts, addrs) = match given {
        true => (&url.hosts, &url.hostaddrs),
        false => (&defaults.hosts, &defaults.hostaddrs),
    };
    let count = hosts.len().max(addrs.len()).max(1);
    let ports = if url.ports.iter().any(Option::is_some) { &url.ports } else { &defaults.ports };
    let fits = |length: usize| length == 0 || length == count;
    if !fits(hosts.len()) || !fits(addrs.len()) || !(fits(ports.len()) || ports.len() == 1) {
        let help = "give one port for all hosts, or one for each; the same with `hostaddr`";
        return Err(Fault::new("the lists of hosts and ports differ in length", help));
    }
    if !hosts.is_empty() && !addrs.is_empty() && mode == SslMode::VerifyFull {
        let help = "leave out `hostaddr`, or use sslmode=verify-ca";
        return Err(Fault::new("`hostaddr` cannot go with sslmode=verify-full here", help));
    }
    let default_port = match defaults.ports.as_slice() {
        [Some(port)] => *port,
        _ => DEFAULT_PORT,
    };
    (0..count)
        .map(|index| {
            let port = if ports.len() == 1 { ports[0] } else { ports.get(index).copied().flatten() };
            let port = port.unwrap_or(default_port);
            let host = addrs.get(index).filter(|addr| !addr.is_empty()).or(hosts.get(index));
            address(host.map_or("", String::as_str), port)
        })
        .collect()
}

fn address(host: &str, port: u16) -> Result<Address, Fault> {
    if host.starts_with('@') {
        let help = "use a socket in a folder, as in ?host=/run/postgresql";
        return Err(Fault::new("sockets in the abstract namespace are not supported", help));
    }
    if host.is_empty() {
        let name = format!(".s.PGSQL.{port}");
        let folder = SOCKET_FOLDERS.iter().map(Path::new).find(|folder| folder.join(&name).exists());
        return Ok(match folder {
            Some(folder) => Address::Socket(folder.to_owned(), port),
            None => Address::Tcp("localhost".to_owned(), port),
        });
    }
    Ok(match host.starts_with('/') {
        true => Address::Socket(PathBuf::from(host), port),
        false => Address::Tcp(host.to_owned(), port),
    })
}

/// The passwords there are, before anybody asks a command.
struct Passwords {
    fixed: Option<(Secret, PasswordSource)>,
    file: Option<(String, PathBuf)>,
}

impl Passwords {
    fn gather(url: &Parts, defaults: &Parts, home: Option<&Path>, warnings: &mut Vec<String>) -> Self {
        let fixed = match (&url.password, &defaults.password) {
            (Some(secret), _) => Some((secret.clone(), PasswordSource::Url)),
            (None, Some(secret)) => Some((secret.clone(), PasswordSource::Variable)),
            (None, None) => None,
        };
        let path =
            url.passfile.clone().or(defaults.passfile.clone()).or(home.map(|home| home.join(".pgpass")));
        let file = match (&fixed, path) {
            (None, Some(path)) => pgpass::read(&path, warnings).map(|text| (text, path)),
            _ => None,
        };
        Self { fixed, file }
    }

    fn of(&self, address: &Address, database: &str, user: &str) -> Option<(Secret, PasswordSource)> {
        if self.fixed.is_some() {
            return self.fixed.clone();
        }
        let (text, path) = self.file.as_ref()?;
        let find = |host: &str, port| pgpass::find(text, &pgpass::Key { host, port, database, user });
        let found = match address {
            Address::Tcp(host, port) => find(host, *port),
            Address::Socket(folder, port) => {
                let default = SOCKET_FOLDERS.iter().any(|known| Path::new(known) == folder);
                let by_name = if default { find("localhost", *port) } else { None };
                by_name.or_else(|| find(&folder.to_string_lossy(), *port))
            }
        };
        found.map(|secret| (secret, PasswordSource::File(path.clone())))
    }
}

/// Encryption, decided.
struct Tls {
    mode: SslMode,
    root: Option<PathBuf>,
    client: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// As libpq: `sslrootcert=system` needs (and means) verify-full; `require` with a file of root
    /// certificates verifies against it; `~/.postgresql/root.crt` is the default of that file.
    fn resolve(url: &Parts, defaults: &Parts, home: Option<&Path>) -> Result<Self, Fault> {
        let asked = url.sslmode.or(defaults.sslmode);
        let root = url.sslrootcert.as_ref().or(defaults.sslrootcert.as_ref());
        let client = client_cert(url, defaults)?;
        if root == Some(&RootCert::System) {
            return match asked.unwrap_or(SslMode::VerifyFull) {
                mode @ (SslMode::VerifyFull | SslMode::Disable) => Ok(Self { mode, root: None, client }),
                weak => Err(Fault::new(
                    format!("sslrootcert=system is too weak with sslmode={}", weak.as_str()),
                    "use sslmode=verify-full",
                )),
            };
        }
        let root = match root {
            Some(RootCert::File(path)) => Some(path.clone()),
            _ => home.map(|home| home.join(".postgresql/root.crt")).filter(|path| path.exists()),
        };
        let mode = match asked.unwrap_or_default() {
            SslMode::Require if root.as_ref().is_some_and(|path| path.exists()) => SslMode::VerifyCa,
            mode => mode,
        };
        let root = root.filter(|_| mode.verifies());
        root.iter().try_for_each(|path| check_readable("sslrootcert", path))?;
        Ok(Self { mode, root, client })
    }
}

fn client_cert(url: &Parts, defaults: &Parts) -> Result<Option<(PathBuf, PathBuf)>, Fault> {
    let cert = url.sslcert.as_ref().or(defaults.sslcert.as_ref());
    let key = url.sslkey.as_ref().or(defaults.sslkey.as_ref());
    match (cert, key) {
        (Some(cert), Some(key)) => {
            check_readable("sslcert", cert)?;
            check_readable("sslkey", key)?;
            Ok(Some((cert.clone(), key.clone())))
        }
        (None, None) => Ok(None),
        _ => Err(Fault::new("one of `sslcert` and `sslkey` is missing", "give both, or neither")),
    }
}

/// Said before connecting: the driver could not tell it from a network's failure.
fn check_readable(parameter: &str, path: &Path) -> Result<(), Fault> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("the file of `{parameter}`, {}, cannot be read: {error}", path.display());
            Err(Fault::new(
                message,
                format!("correct `{parameter}` (or PG{})", parameter.to_ascii_uppercase()),
            ))
        }
    }
}

//! Opening one session: hosts in order, encryption as asked, the role taken.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};

use super::classify::{self, Context, Failure, Step};
use super::secret::Secret;
use super::spec::{Address, Endpoint, PasswordSource};
use super::tls::{SessionAttrs, SslMode};
use super::url::Keepalives;
use super::{ConnectError, ConnectErrorKind, ConnectSpec};

/// What the server is asked to do so that a silent network neither cuts a long statement's session
/// nor lets the session (and its lock) of a dead client live on.
const PROBES: &[(&str, u32)] =
    &[("tcp_keepalives_idle", 60), ("tcp_keepalives_interval", 10), ("tcp_keepalives_count", 6)];

/// Settings that sqlx sends by itself, after `options`: to win, ours must be set once more.
const OVERRULED: &[&str] = &["timezone", "datestyle"];

/// Whether to send the settings that the session can do without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wishes {
    Sent,
    Left,
}

/// Opens one session, on a connection that belongs to no pool.
///
/// Hosts are tried in their order; the next one only where the error may be the host's own (nobody
/// answers, starting up, full, not of the wanted sort), as libpq does.
///
/// # Errors
/// [`ConnectError`]; see [`ConnectError::is_retryable`].
pub async fn connect(spec: &ConnectSpec, application_name: &str) -> Result<PgConnection, ConnectError> {
    open(spec, application_name).await.map_err(|error| error.with_origin(&spec.origin))
}

/// How a pool of sqlx's, or any other, reaches the first host of `spec`. `None`: it names no host.
///
/// What takes more than connecting is left out: further hosts, `target_session_attrs`, the role, the password command,
/// and a second try without TLS (`prefer`, `allow`) but for what sqlx does itself.
pub fn pool_options(spec: &ConnectSpec, application_name: &str) -> Option<PgConnectOptions> {
    let endpoint = spec.hosts.first()?;
    let attempt = Attempt { spec, endpoint, fetched: None, application_name };
    Some(attempt.options(attempt.encryption().0, Wishes::Left))
}

async fn open(spec: &ConnectSpec, application_name: &str) -> Result<PgConnection, ConnectError> {
    let fetched = match &spec.password_command {
        Some(command) if !has_own_password(spec) => Some(command.run().await?),
        _ => None,
    };
    let mut failures = Vec::new();
    for wanted in spec.attrs.passes() {
        for endpoint in &spec.hosts {
            let attempt = Attempt { spec, endpoint, fetched: fetched.as_ref(), application_name };
            match attempt.session(*wanted).await {
                Ok(conn) => return Ok(conn),
                Err(error) if error.is_retryable() || error.kind() == ConnectErrorKind::ReadOnly => {
                    failures.push(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
    Err(combine(failures))
}

fn has_own_password(spec: &ConnectSpec) -> bool {
    spec.hosts.iter().any(|host| matches!(host.password, Some((_, PasswordSource::Url))))
}

/// One error of several hosts': what may heal counts more.
fn combine(mut failures: Vec<ConnectError>) -> ConnectError {
    let first = failures.iter().position(ConnectError::is_retryable).unwrap_or(0);
    if failures.is_empty() {
        let help = "give the URL at least one host";
        return ConnectError::new(ConnectErrorKind::BadUrl, "there is no host to connect to", help);
    }
    let error = failures.remove(first);
    failures.into_iter().fold(error, |error, other| error.note(format!("and: {}", other.message())))
}

/// One host's turn.
struct Attempt<'a> {
    spec: &'a ConnectSpec,
    endpoint: &'a Endpoint,
    fetched: Option<&'a Secret>,
    application_name: &'a str,
}

impl Attempt<'_> {
    /// A session with the role taken, of a server of the wanted sort.
    async fn session(&self, wanted: SessionAttrs) -> Result<PgConnection, ConnectError> {
        let mut conn = self.encrypted_as_asked().await.map_err(|failure| failure.error)?;
        if wanted != SessionAttrs::Any {
            self.check(&mut conn, wanted).await?;
        }
        if let Some(sql) = self.first_words() {
            let work = conn.execute(AssertSqlSafe(sql));
            self.within_limit(Step::FirstWords, work).await.map_err(|failure| failure.error)?;
        }
        Ok(conn)
    }

    /// libpq's two tries: `allow` begins without TLS, `prefer` ends without.
    fn encryption(&self) -> (PgSslMode, Option<PgSslMode>) {
        match (&self.endpoint.address, self.spec.sslmode) {
            (Address::Socket(..), _) | (_, SslMode::Disable) => (PgSslMode::Disable, None),
            (_, SslMode::Allow) => (PgSslMode::Disable, Some(PgSslMode::Require)),
            (_, SslMode::Prefer) => (PgSslMode::Prefer, Some(PgSslMode::Disable)),
            (_, SslMode::Require) => (PgSslMode::Require, None),
            (_, SslMode::VerifyCa) => (PgSslMode::VerifyCa, None),
            (_, SslMode::VerifyFull) => (PgSslMode::VerifyFull, None),
        }
    }

    async fn encrypted_as_asked(&self) -> Result<PgConnection, Failure> {
        let (first, second) = self.encryption();
        match (self.with_wishes(first).await, second) {
            (Err(failure), Some(second)) if failure.depends_on_tls() => {
                // The first refusal says more than that of the second try, if that fails too.
                self.with_wishes(second).await.map_err(|_| failure)
            }
            (result, _) => result,
        }
    }

    async fn with_wishes(&self, mode: PgSslMode) -> Result<PgConnection, Failure> {
        match self.raw(self.options(mode, Wishes::Sent)).await {
            Err(failure) if failure.depends_on_settings() && !self.wishes().is_empty() => {
                self.raw(self.options(mode, Wishes::Left)).await
            }
            result => result,
        }
    }

    async fn raw(&self, options: PgConnectOptions) -> Result<PgConnection, Failure> {
        self.within_limit(Step::Login, PgConnection::connect_with(&options)).await
    }

    async fn within_limit<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Failure> {
        let context = self.context(step);
        match self.spec.timeout {
            None => work.await.map_err(|error| classify::failure(&error, &context)),
            Some(limit) => match tokio::time::timeout(limit, work).await {
                Ok(result) => result.map_err(|error| classify::failure(&error, &context)),
                Err(_) => Err(timed_out(&context, limit)),
            },
        }
    }

    fn context(&self, step: Step) -> Context<'_> {
        let password = match (self.fetched, &self.endpoint.password) {
            (Some(_), _) => Some("the password command".to_owned()),
            (None, None) => None,
            (None, Some((_, PasswordSource::Url))) => Some("the URL".to_owned()),
            (None, Some((_, PasswordSource::Variable))) => Some("PGPASSWORD".to_owned()),
            (None, Some((_, PasswordSource::File(path)))) => Some(path.display().to_string()),
        };
        Context { spec: self.spec, address: &self.endpoint.address, password, step }
    }

    /// sqlx reads the environment whatever we do, so everything is set, even to what means nothing.
    fn options(&self, mode: PgSslMode, wishes: Wishes) -> PgConnectOptions {
        let spec = self.spec;
        let secret = self.fetched.or(self.endpoint.password.as_ref().map(|(secret, _)| secret));
        let mut options = PgConnectOptions::new_without_pgpass()
            .username(&spec.user)
            .database(&spec.database)
            .password(secret.map_or("", Secret::reveal))
            .ssl_mode(mode)
            .application_name(self.application_name)
            // The server's own default, as for every other client; poolers do not like it to be set.
            .extra_float_digits(None)
            .disable_statement_logging();
        options = match &self.endpoint.address {
            Address::Tcp(host, port) => options.host(host).port(*port),
            // The host is given too, lest sqlx take one from the environment.
            Address::Socket(folder, port) => options.host("localhost").socket(folder).port(*port),
        };
        options = match &spec.root_cert {
            Some(path) => options.ssl_root_cert(path),
            None => options.ssl_root_cert_from_pem(Vec::new()),
        };
        if let Some((cert, key)) = &spec.client_cert {
            options = options.ssl_client_cert(cert).ssl_client_key(key);
        }
        // The user's own come last, and win.
        if wishes == Wishes::Sent {
            options = options.options(self.wishes());
        }
        match spec.options.is_empty() {
            true => options,
            false => options.options(spec.options.iter().map(|(name, value)| (name, value))),
        }
    }

    fn wishes(&self) -> Vec<(String, String)> {
        let mut wishes = self.spec.wishes.clone();
        if matches!(self.endpoint.address, Address::Tcp(..)) {
            let probes = match &self.spec.keepalives {
                Keepalives::Unsaid => PROBES,
                Keepalives::Off => &[],
                Keepalives::On(settings) => settings.as_slice(),
            };
            wishes.extend(probes.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
        }
        wishes
    }

    /// What is said first, in one message.
    fn first_words(&self) -> Option<String> {
        let role = self.spec.role.iter().map(|role| format!("SET ROLE {}", quoted(role, '"')));
        let settings = self
            .spec
            .options
            .iter()
            .filter(|(name, _)| OVERRULED.contains(&name.to_ascii_lowercase().as_str()))
            .map(|(name, value)| format!("SET {name} = {}", quoted(value, '\'')));
        let words: Vec<_> = settings.chain(role).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    async fn check(&self, conn: &mut PgConnection, wanted: SessionAttrs) -> Result<(), ConnectError> {
        let sql = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
        let work = sqlx::query(sql).fetch_one(&mut *conn);
        let row = self.within_limit(Step::Check, work).await.map_err(|failure| failure.error)?;
        let read = |index: usize| row.try_get::<bool, _>(index);
        let answers = read(0).and_then(|recovering| read(1).map(|read_only| (recovering, read_only)));
        let (recovering, read_only) =
            answers.map_err(|error| classify::failure(&error, &self.context(Step::Check)).error)?;
        let fits = match wanted {
            SessionAttrs::Any | SessionAttrs::PreferStandby => true,
            SessionAttrs::ReadWrite => !recovering && !read_only,
            SessionAttrs::ReadOnly => recovering || read_only,
            SessionAttrs::Primary => !recovering,
            SessionAttrs::Standby => recovering,
        };
        if fits {
            return Ok(());
        }
        Err(ConnectError::new(
            ConnectErrorKind::ReadOnly,
            format!(
                "the server at {} is {}, and target_session_attrs={} is asked for",
                self.endpoint.address,
                match (recovering, read_only) {
                    (true, _) => "a standby",
                    (false, true) => "read-only",
                    (false, false) => "a primary that takes writes",
                },
                wanted.as_str(),
            ),
            "name the primary in the URL, or every server of the cluster (host1,host2)",
        ))
    }
}

fn timed_out(context: &Context<'_>, limit: Duration) -> Failure {
    let message = format!("no answer from PostgreSQL at {} within {} s", context.address, limit.as_secs());
    let help =
        "check the address, and that no firewall swallows the packets; connect_timeout changes the limit";
    Failure::plain(ConnectError::new(ConnectErrorKind::Unreachable, message, help))
}

fn quoted(text: &str, quote: char) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
}

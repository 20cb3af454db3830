//! What sqlx and the server say, turned into a kind, a sentence and a way out.
//!
//! The server's messages may be in any language: what decides is its code and, for refused logins,
//! the routine that raised the error.

use std::io;

use sqlx::postgres::PgDatabaseError;

use super::spec::Address;
use super::{ConnectError, ConnectErrorKind as Kind, ConnectSpec};

/// Who we are and whom we asked.
pub(super) struct Context<'a> {
    pub(super) spec: &'a ConnectSpec,
    pub(super) address: &'a Address,
    /// Where the password came from, if one was sent.
    pub(super) password: Option<String>,
    /// What we were doing.
    pub(super) step: Step,
}

/// What a session's beginning consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The start-up message and the login.
    Login,
    /// SET ROLE and the settings that must be set once more.
    FirstWords,
    /// Looking whether the server is of the wanted sort.
    Check,
}

/// An error, and whether another way to begin the session might do better.
pub(super) struct Failure {
    pub(super) error: ConnectError,
    cause: Cause,
}

#[derive(PartialEq, Eq)]
enum Cause {
    Settings,
    Encryption,
    Else,
}

impl Failure {
    pub(super) fn plain(error: ConnectError) -> Self {
        Self { error, cause: Cause::Else }
    }

    /// Whether another choice for encryption may succeed.
    pub(super) fn depends_on_tls(&self) -> bool {
        self.cause == Cause::Encryption
    }

    /// Whether fewer settings may succeed.
    pub(super) fn depends_on_settings(&self) -> bool {
        self.cause == Cause::Settings
    }
}

pub(super) fn failure(error: &sqlx::Error, context: &Context<'_>) -> Failure {
    match error {
        sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
            Some(database) => by_server(database, context),
            None => Failure::plain(other(context, &database.to_string())),
        },
        sqlx::Error::Io(error) if is_tls(error) => tls(context, &error.to_string()),
        sqlx::Error::Io(error) => Failure::plain(by_network(error, context)),
        sqlx::Error::Tls(error) => tls(context, &error.to_string()),
        sqlx::Error::Configuration(error) => tls(context, &error.to_string()),
        sqlx::Error::Protocol(message) => Failure::plain(by_protocol(message, context)),
        error => Failure::plain(other(context, &error.to_string())),
    }
}

/// rustls' errors come as `InvalidData` through the socket.
fn is_tls(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

fn tls(context: &Context<'_>, what: &str) -> Failure {
    let mode = context.spec.sslmode.as_str();
    let (message, help) = if what.contains("does not support TLS") {
        (
            format!("the server at {} offers no TLS, and sslmode={mode} asks for it", context.address),
            "turn on `ssl` at the server, or use sslmode=prefer where the network is trusted".to_owned(),
        )
    } else {
        let help = match &context.spec.root_cert {
            Some(path) => {
                format!("check that {} signed the server's certificate, and its names", path.display())
            }
            None if context.spec.sslmode.verifies() => {
                "name the file of the authority that signed the server's certificate: sslrootcert=.."
                    .to_owned()
            }
            None => "check the server's certificate and the files of sslcert and sslkey".to_owned(),
        };
        (format!("no TLS session with {} (sslmode={mode}): {what}", context.address), help)
    };
    Failure { error: ConnectError::new(Kind::Tls, message, help), cause: Cause::Encryption }
}

fn by_network(error: &io::Error, context: &Context<'_>) -> ConnectError {
    let address = context.address;
    let (message, help) = match (address, error.kind()) {
        (Address::Socket(..), io::ErrorKind::NotFound) => (
            format!("there is no PostgreSQL socket {address}"),
            "start the server, or correct the folder (the server's `unix_socket_directories`) or the port",
        ),
        (Address::Socket(..), io::ErrorKind::ConnectionRefused) => (
            format!("nobody listens on the socket {address}: connection refused"),
            "the server that made it is gone; start it again",
        ),
        (Address::Socket(..), io::ErrorKind::PermissionDenied) => (
            format!("the socket {address} may not be opened: permission denied"),
            "run as a user whom the folder and `unix_socket_permissions` let in, or connect by TCP",
        ),
        (Address::Tcp(..), io::ErrorKind::ConnectionRefused) => (
            format!("cannot reach PostgreSQL at {address}: connection refused"),
            "start the server; check the port and `listen_addresses`; from inside a container \
             `localhost` is the container itself: use the database service's name",
        ),
        (_, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            return closed(context);
        }
        (Address::Tcp(host, _), _) if is_lookup(error) => (
            format!("the host name `{host}` cannot be resolved"),
            "check its spelling, and that this machine or container is in the network that knows it",
        ),
        _ => (
            format!("cannot reach PostgreSQL at {address}: {error}"),
            "check the address and the network between here and there",
        ),
    };
    ConnectError::new(Kind::Unreachable, message, help)
}

/// Name lookup has no kind of its own in the standard library, but its text is fixed there.
fn is_lookup(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address information")
}

fn closed(context: &Context<'_>) -> ConnectError {
    ConnectError::new(
        Kind::Unreachable,
        format!("{} closed the connection before the session began", context.address),
        "the server may be starting or restarting (behind a container's proxy this looks so); see its log",
    )
}

/// The answer to the request for TLS is one byte: zero when nothing was read at all.
fn by_protocol(message: &str, context: &Context<'_>) -> ConnectError {
    if message.contains("SSLRequest: 0x00") {
        return closed(context);
    }
    if message.contains("SSLRequest: 0x45") {
        let help = "the server answered with an error before encryption; see its log";
        let message = format!("the server at {} cannot begin a session now", context.address);
        return ConnectError::new(Kind::TooManyConnections, message, help);
    }
    if message.contains("authentication") {
        let help = "use scram-sha-256, md5, password, cert, peer or trust in pg_hba.conf";
        let sentence =
            format!("the server at {} asks for a login that limbeck does not offer", context.address);
        return ConnectError::new(Kind::Other, sentence, help).note(message);
    }
    ConnectError::new(
        Kind::Other,
        format!("what answers at {} does not speak PostgreSQL's protocol", context.address),
        "check host and port",
    )
    .note(message)
}

fn by_server(error: &PgDatabaseError, context: &Context<'_>) -> Failure {
    let said = error.message();
    let made = |kind, message: String, help: &str| {
        let made = ConnectError::new(kind, message, help).sqlstate_of(error.code());
        match error.detail() {
            Some(detail) => made.note(format!("the server adds: {detail}")),
            None => made,
        }
    };
    let at = context.address;
    let routine = error.routine();
    let error = match error.code() {
        "28P01" | "28000" => return refused(error, context),
        "3D000" => made(
            Kind::UnknownDatabase,
            format!("the server at {at} has no database `{}`", context.spec.database),
            "create it (CREATE DATABASE, createdb), or correct the name after the last `/` of the URL",
        ),
        "57P03" => made(
            Kind::StartingUp,
            format!("the server at {at} does not take connections yet: {said}"),
            "wait until it has started",
        ),
        "57P01" | "57P02" => {
            made(Kind::ShuttingDown, format!("the server at {at} is shutting down: {said}"), "start it again")
        }
        "53300" => made(
            Kind::TooManyConnections,
            format!("the server at {at} has no free connection: {said}"),
            "end idle sessions, or raise `max_connections` (or the role's or database's limit)",
        ),
        "22023" | "42704" | "42501" if context.step == Step::FirstWords && context.spec.role.is_some() => {
            made(
                Kind::UnknownRole,
                format!("SET ROLE {} failed: {said}", context.spec.role.as_deref().unwrap_or_default()),
                "correct `role` in limbeck.toml, or GRANT that role to the user who connects",
            )
        }
        "42501" if routine == Some("CheckMyDatabase") => made(
            Kind::WrongPassword,
            format!(
                "`{}` may not connect to database `{}` at {at}: {said}",
                context.spec.user, context.spec.database
            ),
            "GRANT CONNECT ON DATABASE ... TO that user",
        ),
        // A server has a routine's name; a pooler has none, and few codes.
        "08P01" | "58000" if routine.is_none() && pooler_kind(said).is_some() => made(
            pooler_kind(said).unwrap_or(Kind::Other),
            format!("the pooler at {at} refused the session: {said}"),
            "see the pooler's configuration and log, and the server's behind it",
        ),
        "42704" | "22023" | "42501" | "08P01" | "0A000" => {
            let help = "check the settings in the URL's `options` and in PGOPTIONS; a pooler may take none";
            let error = made(Kind::Other, format!("the server at {at} refused the session: {said}"), help);
            return Failure { error, cause: Cause::Settings };
        }
        _ => made(
            Kind::Other,
            format!("the server at {at} refused the session: {said}"),
            "see the server's log",
        ),
    };
    Failure::plain(error)
}

/// PgBouncer's own refusals, by their texts (those of 1.18, seen in its program and by running it).
fn pooler_kind(said: &str) -> Option<Kind> {
    let texts = [
        ("no such database", Kind::UnknownDatabase),
        ("no such user", Kind::WrongPassword),
        ("password authentication failed", Kind::WrongPassword),
        ("SASL authentication failed", Kind::WrongPassword),
        ("no more connections allowed", Kind::TooManyConnections),
        ("cannot connect", Kind::Unreachable),
        ("client_login_timeout", Kind::Unreachable),
        ("server login has been failing", Kind::Unreachable),
        ("query_wait_timeout", Kind::Unreachable),
    ];
    texts.iter().find(|(text, _)| said.contains(text)).map(|(_, kind)| *kind)
}

/// A login that was refused: why, as far as the server lets on.
fn refused(error: &PgDatabaseError, context: &Context<'_>) -> Failure {
    let (user, at, said) = (&context.spec.user, context.address, error.message());
    let made = |kind, message, help: String| ConnectError::new(kind, message, help).sqlstate_of(error.code());
    let text = |message: String, help: &str| (message, help.to_owned());
    let (kind, (message, help), cause) = match (error.code(), error.routine()) {
        (_, Some("InitializeSessionUserId")) => (
            Kind::UnknownRole,
            text(
                format!("the user `{user}` cannot log in at {at}: {said}"),
                "create it (CREATE ROLE ... LOGIN), or correct the user in the URL",
            ),
            Cause::Else,
        ),
        (_, Some("ClientAuthentication")) => (
            Kind::WrongPassword,
            text(
                format!("the server at {at} does not let `{user}` in from here: {said}"),
                "add a line to the server's pg_hba.conf, or connect with the encryption that it asks for",
            ),
            Cause::Encryption,
        ),
        ("28P01", _) => (Kind::WrongPassword, wrong_password(context), Cause::Else),
        _ => (
            Kind::WrongPassword,
            text(
                format!("the server at {at} does not let `{user}` in: {said}"),
                "check user and password, and the server's pg_hba.conf",
            ),
            Cause::Else,
        ),
    };
    Failure { error: made(kind, message, help), cause }
}

fn wrong_password(context: &Context<'_>) -> (String, String) {
    let (user, at, database) = (&context.spec.user, context.address, &context.spec.database);
    match &context.password {
        Some(source) => (
            format!("the server at {at} does not accept the password of `{user}` for database `{database}`"),
            format!("correct the password (it comes from {source}) or the user"),
        ),
        None => (
            format!("the server at {at} asks for the password of `{user}`, and there is none"),
            "put it into the URL, PGPASSWORD or ~/.pgpass, or set `password_command`".to_owned(),
        ),
    }
}

fn other(context: &Context<'_>, what: &str) -> ConnectError {
    ConnectError::new(
        Kind::Other,
        format!("no session with PostgreSQL at {}: {what}", context.address),
        "see the server's log",
    )
}

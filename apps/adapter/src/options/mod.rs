//! The command line and the environment, read once.

mod actions;
mod values;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

pub(crate) use actions::ActionOptions;
pub(crate) use values::{Origins, Proxies, Secret};

use crate::Failure;
use crate::roles::Roles;

const DEFAULT_HOST: &str = "127.0.0.1";
const DEFAULT_PORT: u16 = 8000;

/// Exit code for wrong usage (EX_USAGE), as limbeck's.
const USAGE: u8 = 64;

/// The adapter service of Transform Army AI.
///
/// It serves, and never touches the schema: `limbeck start -- adapter` brings the database to head first, and so
/// does `adapter --migrate`, with the revisions that are built in.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The address to listen on; 0.0.0.0 (or ::) in a container, where others must reach it.
    #[arg(long, env = "ADAPTER_HOST", default_value = DEFAULT_HOST, value_parser = host)]
    pub(crate) host: String,

    /// The port to listen on; 0 lets the system choose.
    #[arg(long, env = "ADAPTER_PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub(crate) port: u16,

    /// Bring the database to head, then exit.
    #[arg(long)]
    migrate: bool,

    /// Ask the service that listens on --host and --port whether it is ready, then exit: 0 if it is, else 1.
    #[arg(long, conflicts_with = "migrate")]
    probe_health: bool,

    /// In production, keys that anybody could know are refused.
    #[arg(long = "environment", env = "ADAPTER_ENV", value_name = "NAME", default_value = "development", value_parser = values::environment)]
    pub(crate) environment: Environment,

    /// The key of the admin API (header X-Admin-Key); without one the admin API is off.
    #[arg(
        long,
        env = "ADMIN_API_KEY",
        value_name = "KEY",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    admin_api_key: Secret,

    /// How log lines look.
    #[arg(long, env = "ADAPTER_LOG_FORMAT", value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,

    /// The database, for example postgresql://user:password@host/name.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,

    /// The database with the credentials for migrating, if they are others; only --migrate reads it.
    #[arg(long, env = "LIMBECK_URL", value_name = "URL", hide_env_values = true)]
    migrate_url: Option<String>,

    #[command(flatten)]
    pub(crate) actions: ActionOptions,

    #[command(flatten)]
    pub(crate) roles: Roles,

    /// How many connections to the database there may be.
    #[arg(long, env = "ADAPTER_POOL_SIZE", value_name = "NUMBER", default_value = "10", value_parser = values::pool_size)]
    pub(crate) pool_size: usize,

    /// How many bytes the body of a request may have.
    #[arg(long, env = "ADAPTER_BODY_LIMIT", value_name = "BYTES", default_value = "1048576", value_parser = values::body_limit)]
    pub(crate) body_limit: usize,

    /// No answer takes longer.
    #[arg(long, env = "ADAPTER_REQUEST_TIMEOUT", value_name = "SECONDS", default_value = "30", value_parser = values::request_timeout)]
    pub(crate) request_timeout: Duration,

    /// After SIGTERM, how long the service says that it is not ready and goes on answering, so that a proxy can send
    /// requests elsewhere.
    #[arg(long, env = "ADAPTER_DRAIN", value_name = "SECONDS", default_value = "0", value_parser = values::drain)]
    pub(crate) drain: Duration,

    /// Whose pages may call the service from a browser, for example https://app.example.com, or several with commas
    /// between them; * for all.
    #[arg(long, env = "ADAPTER_CORS_ORIGINS", value_name = "ORIGINS", default_value = "", value_parser = values::origins)]
    pub(crate) cors_origins: Origins,

    /// Which proxies' X-Forwarded-For is believed: addresses or networks (10.0.0.0/8), with commas between them.
    #[arg(long, env = "ADAPTER_TRUSTED_PROXIES", value_name = "NETWORKS", default_value = "", value_parser = values::proxies)]
    pub(crate) trusted_proxies: Proxies,
}

/// Where the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    Development,
    Production,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is to be done, and on which database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task<'a> {
    Serve { url: &'a str },
    Migrate { url: &'a str },
    Probe,
}

impl Options {
    /// Reads the command line. An `Err` is not always a failure: `--help` ends here too.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| {
            // Nothing is left to be done if even this cannot be printed.
            _ = error.print();
            if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
        })
    }

    /// Decides what to do.
    pub(crate) fn task(&self) -> Result<Task<'_>, Failure> {
        let missing =
            "DATABASE_URL is not set; `limbeck start -- adapter` sets it, to a local database if need be";
        if self.probe_health {
            return Ok(Task::Probe);
        }
        self.insist_on_good_keys()?;
        let service = given(self.database_url.as_deref());
        if self.migrate {
            let url = given(self.migrate_url.as_deref()).or(service).ok_or(missing)?;
            return Ok(Task::Migrate { url });
        }
        Ok(Task::Serve { url: service.ok_or(missing)? })
    }

    /// The key of the admin API, if it is on.
    pub(crate) fn admin_key(&self) -> Option<&str> {
        given(Some(self.admin_api_key.expose()))
    }

    /// A key that can be guessed is worse than none.
    fn insist_on_good_keys(&self) -> Result<(), Failure> {
        let weak = self.admin_key().and_then(values::weakness);
        match (self.environment, weak) {
            (Environment::Production, Some(why)) => Err(format!(
                "ADMIN_API_KEY {why}; with ADAPTER_ENV=production it must be a secret of its own \
                 (`openssl rand -hex 32` makes one), or empty, which turns the admin API off"
            )
            .into()),
            _ => Ok(()),
        }
    }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// An empty value counts as none: Compose passes `${ADAPTER_HOST:-}` that way.
fn host(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Ok(DEFAULT_HOST.to_owned()),
        host => Ok(host.to_owned()),
    }
}

fn port(text: &str) -> Result<u16, String> {
    match text.trim() {
        "" => Ok(DEFAULT_PORT),
        port => {
            port.parse().map_err(|_| "a port (--port, ADAPTER_PORT) is a number from 0 to 65535".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{Options, Secret, Task, host, port};

    fn task(args: &[&str]) -> Result<String, String> {
        let mut options = Options::try_parse_from([&["adapter"], args].concat()).expect("they parse");
        // The environment of whoever runs the tests does not count.
        let given = |name: &str| args.iter().any(|arg| arg.starts_with(name));
        options.database_url.take_if(|_| !given("--database-url"));
        options.migrate_url.take_if(|_| !given("--migrate-url"));
        if !given("--admin-api-key") {
            options.admin_api_key = Secret::default();
        }
        options.task().map(|task| format!("{task:?}")).map_err(|why| why.to_string())
    }

    #[test]
    fn the_migrating_credentials_are_for_migrating_only() {
        let [service, owner] = ["--database-url=s", "--migrate-url=o"];
        let serve = format!("{:?}", Task::Serve { url: "s" });
        assert_eq!(task(&[service]), Ok(serve.clone()));
        assert_eq!(task(&[service, owner]), Ok(serve));
        assert_eq!(task(&[service, owner, "--migrate"]), Ok(format!("{:?}", Task::Migrate { url: "o" })));
        assert_eq!(
            task(&[service, "--migrate-url=", "--migrate"]),
            Ok(format!("{:?}", Task::Migrate { url: "s" }))
        );
        for args in [&[owner][..], &["--database-url= "], &["--migrate"]] {
            assert!(task(args).is_err_and(|why| why.starts_with("DATABASE_URL is not set")), "{args:?}");
        }
    }

    #[test]
    fn an_empty_value_counts_as_none() {
        assert_eq!(host(" "), Ok("127.0.0.1".to_owned()));
        assert_eq!(port(""), Ok(8000));
        assert_eq!(port("9000"), Ok(9000));
        for bad in ["65536", "-1", "http", "80 80"] {
            assert!(port(bad).is_err(), "{bad}");
        }
    }
}

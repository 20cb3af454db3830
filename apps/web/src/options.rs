//! The command line and the environment.

use std::fmt;
use std::process::ExitCode;

use clap::Parser;
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::Failure;

const DEFAULT_HOST: &str = "127.0.0.1";
const DEFAULT_PORT: u16 = 3000;
const DEFAULT_ADAPTER: &str = "http://127.0.0.1:8000";

/// Exit code for wrong usage (EX_USAGE), as the adapter's.
const USAGE: u8 = 64;

/// A page for operators: what is migrated, what is pending, what runs.
///
/// It asks the adapter, and changes nothing. Whoever reaches the page may read it, so publish it to operators only.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The address to listen on; 0.0.0.0 (or ::) in a container, where others must reach it.
    #[arg(long, env = "WEB_HOST", default_value = DEFAULT_HOST, value_parser = host)]
    pub(crate) host: String,

    /// The port to listen on; 0 lets the system choose.
    #[arg(long, env = "WEB_PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    pub(crate) port: u16,

    /// The adapter's address, http or https.
    // It is parsed later: clap would print a value that is wrong, and this one may hold a password.
    #[arg(long, env = "ADAPTER_URL", value_name = "URL", default_value = DEFAULT_ADAPTER, hide_env_values = true)]
    adapter_url: String,

    /// The adapter's admin key.
    #[arg(
        long,
        env = "ADMIN_API_KEY",
        value_name = "KEY",
        default_value = "",
        hide = true,
        hide_env_values = true
    )]
    admin_api_key: Secret,

    /// Ask a running one on this host and port whether it answers, then exit: 0 if it does, for a container's HEALTHCHECK.
    #[arg(long)]
    probe_health: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Serve,
    Probe,
}

/// A text that nothing prints.
#[derive(Clone)]
struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
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

    pub(crate) fn task(&self) -> Task {
        if self.probe_health { Task::Probe } else { Task::Serve }
    }

    /// Where the adapter is. An empty value counts as none, as everywhere: Compose passes `${ADAPTER_URL:-}` that way.
    pub(crate) fn adapter_url(&self) -> Result<Url, Failure> {
        let text = self.adapter_url.trim();
        let example = format!("an example: {DEFAULT_ADAPTER}");
        let url = Url::parse(if text.is_empty() { DEFAULT_ADAPTER } else { text })
            .map_err(|why| format!("ADAPTER_URL is malformed: {why}; {example}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!("ADAPTER_URL is not an http or https address; {example}").into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            // It stands on the page.
            return Err(
                "ADAPTER_URL holds a user or a password, which the adapter does not ask for; leave them out"
                    .into(),
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!(
                "ADAPTER_URL ends in `?...` or `#...`, which no base address does; {example}"
            )
            .into());
        }
        Ok(url)
    }

    /// The header that knows this page as an operator's, where there is a key.
    pub(crate) fn admin_key(&self) -> Result<Option<HeaderValue>, Failure> {
        let key = self.admin_api_key.0.trim();
        if key.is_empty() {
            return Ok(None);
        }
        let mut value = HeaderValue::from_str(key).map_err(
            |_| "ADMIN_API_KEY holds a character that no HTTP header can carry: use printable ASCII",
        )?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// An empty value counts as none.
fn host(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Ok(DEFAULT_HOST.to_owned()),
        host => Ok(host.to_owned()),
    }
}

fn port(text: &str) -> Result<u16, String> {
    match text.trim() {
        "" => Ok(DEFAULT_PORT),
        port => port.parse().map_err(|_| "a port (--port, WEB_PORT) is a number from 0 to 65535".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::Options;

    fn options(url: &str, key: &str) -> Options {
        Options::try_parse_from(["web", "--adapter-url", url, "--admin-api-key", key]).unwrap()
    }

    #[test]
    fn addresses_are_checked_and_never_repeated() {
        let cases = [
            ("adapter:8000", "not an http or https address"),
            ("file:///etc/passwd", "not an http or https address"),
            ("http://", "malformed"),
            ("http://someone:hush@adapter", "holds a user or a password"),
            ("http://adapter/?a=hush", "no base address"),
            ("hush", "malformed"),
        ];
        for (url, words) in cases {
            let why = options(url, "").adapter_url().unwrap_err().to_string();
            assert!(why.contains(words) && !why.contains("hush"), "{url}: {why}");
        }
        assert_eq!(options(" ", "").adapter_url().unwrap().as_str(), "http://127.0.0.1:8000/");
        assert_eq!(options("https://a/b", "").adapter_url().unwrap().as_str(), "https://a/b");
    }

    #[test]
    fn the_key_is_not_shown() {
        let given = options("http://a", " hush ");
        assert!(!format!("{given:?} {:?}", given.admin_key()).contains("hush"));
        assert_eq!(given.admin_key().unwrap().unwrap(), "hush");
        assert!(options("http://a", " ").admin_key().unwrap().is_none());
        let why = options("http://a", "hush\nhush").admin_key().unwrap_err().to_string();
        assert!(why.contains("ADMIN_API_KEY") && !why.contains("hush"), "{why}");
    }
}

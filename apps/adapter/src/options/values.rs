//! Values of options, parsed. An empty one counts as none: Compose passes `${NAME:-}` that way.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderValue;
use ipnet::IpNet;

use super::Environment;

/// In production the admin key has at least so many characters.
const SHORTEST_KEY: usize = 24;

/// What keys of examples and of hurry are made of.
const WELL_KNOWN: [&str; 12] = [
    "changeme",
    "change-me",
    "change_me",
    "password",
    "example",
    "admin-key",
    "admin_key",
    "api-key",
    "api_key",
    "secret",
    "test-",
    "dev-",
];

/// A text that is not shown.
#[derive(Clone, Default)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Whose pages may call the service from a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origins {
    None,
    These(Vec<HeaderValue>),
    All,
}

/// Networks of proxies whose word counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Whether this is one of them.
    pub(crate) fn trust(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip))
    }
}

pub(super) fn environment(text: &str) -> Result<Environment, String> {
    match text.trim() {
        "" | "development" => Ok(Environment::Development),
        "production" => Ok(Environment::Production),
        _ => Err("the environment is development or production".to_owned()),
    }
}

pub(super) fn pool_size(text: &str) -> Result<usize, String> {
    number(text, 10, 1, 1000)
}

pub(super) fn body_limit(text: &str) -> Result<usize, String> {
    number(text, 1 << 20, 1024, 1 << 30)
}

pub(super) fn request_timeout(text: &str) -> Result<Duration, String> {
    number(text, 30, 1, 3600).map(Duration::from_secs)
}

pub(super) fn drain(text: &str) -> Result<Duration, String> {
    number(text, 0, 0, 300).map(Duration::from_secs)
}

/// A number from `least` to `most`.
pub(super) fn number<T: FromStr + PartialOrd + fmt::Display>(
    text: &str,
    default: T,
    least: T,
    most: T,
) -> Result<T, String> {
    match text.trim() {
        "" => Ok(default),
        text => match text.parse() {
            Ok(number) if number >= least && number <= most => Ok(number),
            _ => Err(format!("a number from {least} to {most} is needed")),
        },
    }
}

pub(super) fn origins(text: &str) -> Result<Origins, String> {
    let origins = list(text).map(origin).collect::<Result<Vec<_>, _>>()?;
    match &*origins {
        [] => Ok(Origins::None),
        [all] if all == "*" => Ok(Origins::All),
        _ if origins.iter().any(|origin| origin == "*") => Err("* stands alone, or not at all".to_owned()),
        _ => Ok(Origins::These(origins)),
    }
}

/// As browsers send it: scheme, host, port if it is not the usual one; no path.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let right = text == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', '*']));
    let value = HeaderValue::from_str(text).ok().filter(|_| right);
    value.ok_or_else(|| format!("{text:?} is not an origin; one looks like https://app.example.com"))
}

pub(super) fn proxies(text: &str) -> Result<Proxies, String> {
    let network = |text: &str| {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map_err(|_| format!("{text:?} is neither an address nor a network such as 10.0.0.0/8"))
    };
    list(text).map(network).collect::<Result<_, _>>().map(Proxies)
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Why a key can be guessed, if it can.
pub(super) fn weakness(key: &str) -> Option<String> {
    let lower = key.to_ascii_lowercase();
    let mut characters: Vec<char> = lower.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if key.chars().count() < SHORTEST_KEY {
        Some(format!("has less than {SHORTEST_KEY} characters"))
    } else if characters.len() < 8 {
        Some("is made of few different characters".to_owned())
    } else {
        let known = WELL_KNOWN.iter().any(|word| lower.contains(word));
        known.then(|| "looks like one of an example".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::{Origins, body_limit, origins, proxies, weakness};

    #[test]
    fn numbers_have_limits() {
        assert_eq!(body_limit(" "), Ok(1 << 20));
        assert_eq!(body_limit("2048"), Ok(2048));
        for bad in ["0", "-1", "1e3", "99999999999999999999", "1 MiB"] {
            assert!(body_limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        assert_eq!(origins(""), Ok(Origins::None));
        assert_eq!(origins("*"), Ok(Origins::All));
        let two = ["https://a.example", "http://localhost:3000"].map(HeaderValue::from_static);
        assert_eq!(origins("https://a.example, http://localhost:3000"), Ok(Origins::These(two.to_vec())));
        for bad in ["a.example", "https://", "https://a.example/", "*,https://a.example", "https://*.example"]
        {
            assert!(origins(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn proxies_are_addresses_or_networks() {
        let trusted = proxies("10.0.0.0/8, ::1, 192.0.2.7").expect("they parse");
        for (ip, expected) in
            [("10.1.2.3", true), ("::1", true), ("192.0.2.7", true), ("192.0.2.8", false), ("::2", false)]
        {
            assert_eq!(trusted.trust(ip.parse().expect("an address")), expected, "{ip}");
        }
        assert!(proxies("").is_ok_and(|none| !none.trust([10, 0, 0, 1].into())));
        assert!(proxies("proxy.example").is_err());
    }

    #[test]
    fn keys_that_can_be_guessed_are_noticed() {
        for bad in ["admin", "0123456789abcdef", &"a".repeat(64), &"ab".repeat(32)] {
            assert!(weakness(bad).is_some(), "{bad}");
        }
        assert!(weakness("dev-admin-key-not-for-production-use").is_some());
        assert_eq!(weakness("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"), None);
    }
}

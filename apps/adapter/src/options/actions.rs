//! How actions are run, and how often.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::Secret;
use super::values::number;
use crate::actions::provider::Reach;

/// Options of actions, providers, idempotency and the rate limit.
#[derive(Debug, Args)]
pub(crate) struct ActionOptions {
    /// Let providers have private, loopback and other addresses that are not public: true or false.
    #[arg(long, env = "ADAPTER_ALLOW_PRIVATE_PROVIDERS", value_name = "BOOL", action = ArgAction::Set, default_value = "false", value_parser = yes_or_no)]
    allow_private_providers: bool,

    /// How long one attempt of an action may take.
    #[arg(long, env = "ADAPTER_PROVIDER_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = provider_timeout)]
    pub(crate) provider_timeout: Duration,

    /// How often an action is tried at most, where trying again makes sense.
    #[arg(long, env = "ADAPTER_PROVIDER_ATTEMPTS", value_name = "NUMBER", default_value = "3", value_parser = provider_attempts)]
    pub(crate) provider_attempts: u32,

    /// How long the answer to a request with an Idempotency-Key is kept.
    #[arg(long, env = "ADAPTER_IDEMPOTENCY_TTL", value_name = "HOURS", default_value = "24", value_parser = idempotency_ttl)]
    pub(crate) idempotency_ttl: Duration,

    /// How many requests a tenant may make in a minute; 0: as many as it likes.
    #[arg(long, env = "ADAPTER_RATE_LIMIT", value_name = "NUMBER", default_value = "600", value_parser = rate_limit)]
    pub(crate) rate_limit: u32,

    /// Where the requests of tenants are counted for all replicas together, for example redis://localhost:6379/0;
    /// without it each process counts by itself.
    #[arg(
        long,
        env = "REDIS_URL",
        value_name = "URL",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    redis_url: Secret,
}

impl ActionOptions {
    /// Which addresses providers may have.
    pub(crate) fn reach(&self) -> Reach {
        if self.allow_private_providers { Reach::Anywhere } else { Reach::Public }
    }

    /// Redis, if there is one.
    pub(crate) fn redis_url(&self) -> Option<&str> {
        super::given(Some(self.redis_url.expose()))
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "false" | "0" | "no" => Ok(false),
        "true" | "1" | "yes" => Ok(true),
        _ => Err("true or false is needed".to_owned()),
    }
}

fn provider_timeout(text: &str) -> Result<Duration, String> {
    number(text, 10, 1, 600).map(Duration::from_secs)
}

fn provider_attempts(text: &str) -> Result<u32, String> {
    number(text, 3, 1, 10)
}

fn idempotency_ttl(text: &str) -> Result<Duration, String> {
    number(text, 24, 1, 24 * 365).map(|hours: u64| Duration::from_secs(hours * 3600))
}

fn rate_limit(text: &str) -> Result<u32, String> {
    number(text, 600, 0, 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::yes_or_no;

    #[test]
    fn yes_and_no_may_be_said_in_several_ways() {
        for yes in ["true", " True", "1", "yes"] {
            assert_eq!(yes_or_no(yes), Ok(true), "{yes}");
        }
        for no in ["", "false", "0", "NO"] {
            assert_eq!(yes_or_no(no), Ok(false), "{no}");
        }
        assert!(yes_or_no("maybe").is_err());
    }
}

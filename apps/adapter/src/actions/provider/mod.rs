//! Providers: whom an action is carried out by.
//!
//! `echo` answers with what it was sent; every other provider is called over HTTP, at the URL that the tenant's
//! `provider_configs` name for it.

mod address;
mod echo;
mod http;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

pub(crate) use address::Reach;
pub(crate) use http::{Client, Settings};

/// The provider that needs no other party.
pub(crate) const ECHO: &str = "echo";

/// The kind of all others.
const HTTP: &str = "http";

/// Names are stored in a `varchar(100)`.
pub(crate) const MAX_NAME: usize = 100;

/// What a provider is asked to do.
#[derive(Debug, Serialize)]
pub(crate) struct Call<'a> {
    pub(crate) action_id: Uuid,
    pub(crate) action_type: &'static str,
    pub(crate) payload: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<&'a RawValue>,
}

/// Why there is no answer, or none to be had.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) retry: Retry,
    pub(crate) message: String,
    /// What the provider said about it, where that was JSON.
    pub(crate) response: Option<Value>,
}

/// How an action ends that meets this fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Failure,
    Timeout,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    /// After a pause of our choice.
    Backoff,
    /// After the pause that the provider asks for.
    After(Duration),
}

impl Fault {
    /// A failure that another attempt would not change.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Failure, retry: Retry::Never, message: message.into(), response: None }
    }

    /// Nothing came in time. Not repeated: the provider may be doing what it was asked.
    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Timeout, ..Self::failure(message) }
    }
}

/// A provider, ready to be called.
#[derive(Debug)]
pub(crate) enum Provider {
    Echo,
    Http(Settings),
}

/// Who may use `echo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Every tenant: in development.
    Always,
    /// A tenant whose configuration has it.
    Configured,
}

impl Provider {
    /// The provider of this name and what the tenant's configuration says of it, or why the tenant has none; that text
    /// is for the tenant.
    pub(crate) fn choose(name: &str, config: Option<&Value>, echo: Echo) -> Result<Self, String> {
        if name == ECHO && echo == Echo::Always {
            return Ok(Self::Echo);
        }
        let config = config.ok_or_else(|| {
            format!("{name:?} is not configured; PUT /api/v1/tenant/provider-configs configures it")
        })?;
        let kind =
            config.get("kind").and_then(Value::as_str).unwrap_or(if name == ECHO { ECHO } else { HTTP });
        match kind {
            ECHO => Ok(Self::Echo),
            HTTP => Settings::read(config).map(Self::Http).map_err(|why| format!("{name:?}: {why}")),
            other => Err(format!("{name:?} is of the kind {other:?}; there are {ECHO} and {HTTP}")),
        }
    }

    /// Calls it once. `client` is shared by all, `budget` the time that it may take.
    pub(crate) async fn call(
        &self,
        client: &Client,
        call: &Call<'_>,
        budget: Duration,
    ) -> Result<Value, Fault> {
        match self {
            Self::Echo => Ok(echo::answer(call)),
            Self::Http(settings) => client.call(settings, call, budget).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Echo, Provider};

    #[test]
    fn a_provider_is_what_the_configuration_says() {
        let configs = json!({ "hubspot": { "base_url": "https://api.example.com" }, "bad": { "base_url": 1 }, "n": null,
            "loop": { "kind": "echo" }, "odd": { "kind": "soap" } });
        let choose = |name, echo| match Provider::choose(name, configs.get(name), echo) {
            Ok(Provider::Echo) => "echo".to_owned(),
            Ok(Provider::Http(_)) => "http".to_owned(),
            Err(why) => why,
        };
        assert_eq!(choose("echo", Echo::Always), "echo");
        assert!(choose("echo", Echo::Configured).contains("\"echo\" is not configured"));
        assert_eq!(choose("hubspot", Echo::Configured), "http");
        assert!(choose("zendesk", Echo::Always).contains("\"zendesk\" is not configured"));
        assert!(choose("bad", Echo::Always).starts_with("\"bad\": "));
        assert!(choose("n", Echo::Always).starts_with("\"n\": "));
        assert_eq!(choose("loop", Echo::Configured), "echo");
        assert!(choose("odd", Echo::Always).contains("the kind \"soap\""));
        let echo = Provider::choose("echo", Some(&json!({})), Echo::Configured);
        assert!(matches!(echo, Ok(Provider::Echo)));
    }
}

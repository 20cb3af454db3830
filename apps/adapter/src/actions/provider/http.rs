//! Providers behind HTTP: an action is one POST of JSON.
//!
//! The answer must be JSON (or nothing) with a status of 2xx. Redirects are not followed, proxies of the environment
//! not used, and answers over [`MAX_RESPONSE`] not read.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::Value;

use super::address::{OutOfReach, Reach, Resolver};
use super::{Call, Fault, FaultKind, Retry};

type Cause = dyn std::error::Error + 'static;

/// The longest answer that is read, in bytes.
const MAX_RESPONSE: usize = 1024 * 1024;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The provider can tell a repeated attempt by it: all attempts of an action bear the same.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Headers that are the client's own; a configuration may not set them.
const RESERVED: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    IDEMPOTENCY_KEY,
    "transfer-encoding",
    "upgrade",
];

/// What a tenant's configuration says of a provider.
#[derive(Debug)]
pub(crate) struct Settings {
    url: Url,
    headers: HeaderMap,
}

/// The same as it is stored.
#[derive(Deserialize)]
struct Stored {
    base_url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl Settings {
    /// Reads `{"base_url": .., "headers": {..}}`; the text of an error holds no secret.
    pub(crate) fn read(config: &Value) -> Result<Self, String> {
        let stored = Stored::deserialize(config).map_err(|_| {
            "the configuration must be an object with `base_url`, a string, and may have `headers`, an object of \
             strings"
        })?;
        let url = base_url(&stored.base_url)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &stored.headers {
            headers.insert(header_name(name)?, header_value(name, value)?);
        }
        Ok(Self { url, headers })
    }
}

fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|why| format!("`base_url` is not a URL: {why}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("`base_url` must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("`base_url` must not hold a user or password; use `headers`".to_owned());
    }
    Ok(url)
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    let name =
        HeaderName::try_from(name).map_err(|_| format!("`headers`: {name:?} is not a header's name"))?;
    match RESERVED.contains(&name.as_str()) {
        true => Err(format!("`headers`: {name} is set by the service itself")),
        false => Ok(name),
    }
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| format!("the value of {name:?} holds characters that no header can have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Calls providers; connections are kept and shared.
#[derive(Debug)]
pub(crate) struct Client {
    inner: Result<reqwest::Client, String>,
    reach: Reach,
}

impl Client {
    /// Where there is nothing to trust (no CA certificates), every call will say so; the service can do the rest.
    pub(crate) fn new(reach: Reach) -> Self {
        let built = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Resolver(reach))
            .user_agent(concat!("limbeck-adapter/", env!("CARGO_PKG_VERSION")))
            .build();
        let inner = built.map_err(|why| format!("the HTTP client cannot be made: {}", innermost(&why)));
        if let Err(why) = &inner {
            tracing::error!("{why}; actions of providers other than echo will fail");
        }
        Self { inner, reach }
    }

    /// One attempt, from resolving the name to the answer's last byte.
    pub(super) async fn call(
        &self,
        settings: &Settings,
        call: &Call<'_>,
        budget: Duration,
    ) -> Result<Value, Fault> {
        match tokio::time::timeout(budget, self.attempt(settings, call)).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::timeout(format!("the provider did not answer within {budget:.1?}"))),
        }
    }

    async fn attempt(&self, settings: &Settings, call: &Call<'_>) -> Result<Value, Fault> {
        let client = self.inner.as_ref().map_err(Fault::failure)?;
        self.check_literal(&settings.url)?;
        let request = client
            .post(settings.url.clone())
            .headers(settings.headers.clone())
            .header(IDEMPOTENCY_KEY, call.action_id.to_string())
            .json(call);
        let response = request.send().await.map_err(|error| not_sent(&error))?;
        let (status, wait) = (response.status(), retry_after(response.headers(), SystemTime::now()));
        judge(status, wait, read(response).await?)
    }

    /// A URL with an address in place of a name never comes to the resolver.
    fn check_literal(&self, url: &Url) -> Result<(), Fault> {
        let host = url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.reach.covers(address) => Err(Fault::failure(OutOfReach.to_string())),
            _ => Ok(()),
        }
    }
}

/// The body, if it is short enough.
async fn read(mut response: Response) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| broken_off())? {
        if body.len() + chunk.len() > MAX_RESPONSE {
            return Err(Fault::failure(format!("the provider's answer is longer than {MAX_RESPONSE} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn broken_off() -> Fault {
    Fault::failure("the provider's answer is not HTTP, or broke off before its end")
}

/// What an answer means.
fn judge(status: StatusCode, wait: Option<Duration>, body: Vec<u8>) -> Result<Value, Fault> {
    let json = match body.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(&body),
    };
    if status.is_success() {
        return json
            .map_err(|_| Fault::failure(format!("the provider answered {status}, but not with JSON")));
    }
    if status.is_redirection() {
        return Err(Fault::failure(format!("the provider answered {status}; redirects are not followed")));
    }
    let retry = match (status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS, wait) {
        (false, _) => Retry::Never,
        (true, Some(wait)) => Retry::After(wait),
        (true, None) => Retry::Backoff,
    };
    let response = json.ok().filter(|value| !value.is_null());
    let message = format!("the provider answered {status}");
    Err(Fault { kind: FaultKind::Failure, retry, message, response })
}

/// Why a request got no answer. Reqwest's texts hold the URL, which may hold a secret: they are not used.
fn not_sent(error: &reqwest::Error) -> Fault {
    if causes(error).any(|cause| cause.is::<OutOfReach>()) {
        return Fault::failure(OutOfReach.to_string());
    }
    if !error.is_connect() {
        return broken_off();
    }
    let (kind, why) = match error.is_timeout() {
        true => (FaultKind::Timeout, format!("no connection within {CONNECT_TIMEOUT:?}")),
        false => (FaultKind::Failure, innermost(error)),
    };
    let message = format!("cannot connect to the provider: {why}");
    Fault { kind, retry: Retry::Backoff, message, response: None }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &Cause> {
    std::iter::successors(error.source(), |error: &&Cause| (*error).source())
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "unknown reason".to_owned(), ToString::to_string)
}

/// How long the provider asks to wait (RFC 9110, 10.2.3: seconds, or a date).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
    use serde_json::json;

    use super::{FaultKind, Retry, Settings, judge, retry_after};

    #[test]
    fn a_configuration_that_is_wrong_is_explained_without_its_secrets() {
        let cases = [
            (json!(null), "must be an object with `base_url`"),
            (json!({ "token": "hush" }), "must be an object with `base_url`"),
            (json!({ "base_url": "https://a", "headers": { "a": 5 } }), "an object of strings"),
            (json!({ "base_url": "nonsense hush" }), "`base_url` is not a URL"),
            (json!({ "base_url": "ftp://a/hush" }), "must begin with https://"),
            (json!({ "base_url": "https://u:hush@a" }), "must not hold a user"),
            (json!({ "base_url": "https://a", "headers": { "a b": "hush" } }), "not a header's name"),
            (json!({ "base_url": "https://a", "headers": { "Host": "hush" } }), "host is set by the service"),
            (json!({ "base_url": "https://a", "headers": { "X": "hush\r\nY: 1" } }), "no header can have"),
        ];
        for (config, words) in cases {
            let why = Settings::read(&config).map(|_| ()).expect_err(words);
            assert!(why.contains(words) && !why.contains("hush"), "{config}: {why}");
        }
        let config = json!({ "base_url": "https://a/b?c=d", "headers": { "X-Y": "z" }, "kind": "http" });
        let settings = Settings::read(&config).expect("it is right");
        assert_eq!(settings.headers["x-y"], "z");
        assert!(!format!("{:?}", settings.headers).contains('z'));
    }

    #[test]
    fn answers_are_judged_by_status_and_form() {
        let wait = Some(Duration::from_secs(7));
        let judge = |status, wait, body: &str| {
            let status = StatusCode::from_u16(status).expect("a status");
            judge(status, wait, body.into()).map_err(|fault| (fault.retry, fault.response))
        };
        assert_eq!(judge(200, None, "{\"a\":1}"), Ok(json!({ "a": 1 })));
        assert_eq!(judge(204, None, ""), Ok(json!(null)));
        for garbage in ["<html>", "{\"a\":", "\"\\ud800\"", "1e999", &"[".repeat(10_000)] {
            assert_eq!(judge(200, None, garbage), Err((Retry::Never, None)), "{garbage:.20}");
        }
        assert_eq!(judge(302, None, "{}"), Err((Retry::Never, None)));
        assert_eq!(judge(404, wait, "{\"a\":1}"), Err((Retry::Never, Some(json!({ "a": 1 })))));
        assert_eq!(judge(429, wait, ""), Err((Retry::After(Duration::from_secs(7)), None)));
        assert_eq!(judge(500, None, "oops"), Err((Retry::Backoff, None)));
        assert_eq!(judge(503, wait, ""), Err((Retry::After(Duration::from_secs(7)), None)));
        let kind = super::judge(StatusCode::BAD_GATEWAY, None, vec![]).expect_err("it is a fault").kind;
        assert_eq!(kind, FaultKind::Failure);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Thu, 01 Jan 2026 00:00:00 GMT").expect("a date");
        let wait = |text: &'static str, now: SystemTime| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            retry_after(&headers, now)
        };
        assert_eq!(wait("120", now), Some(Duration::from_secs(120)));
        assert_eq!(wait("Thu, 01 Jan 2026 00:01:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(wait("Wed, 31 Dec 2025 00:00:00 GMT", now), Some(Duration::ZERO));
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(wait(nonsense, now), None, "{nonsense:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}

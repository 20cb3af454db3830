//! Asks the adapter, within limits of time and size.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::answer::{Health, Migrations, Problem};
use crate::trouble::Trouble;

const CONNECT: Duration = Duration::from_secs(2);
/// The adapter itself gives up on its database after three seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// No answer is larger: ten thousand revisions take three megabytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The adapter, as operators ask it.
pub(crate) struct Adapter {
    client: Client,
    base: Url,
    key: Option<HeaderValue>,
}

/// A status and a body that is not larger than it may be.
struct Answer {
    status: StatusCode,
    is_problem: bool,
    body: Vec<u8>,
}

impl Adapter {
    pub(crate) fn new(base: Url, key: Option<HeaderValue>) -> Result<Self, Failure> {
        let client = match base.scheme() {
            "https" => secure_client(PATIENCE)?,
            _ => plain_client(PATIENCE)?,
        };
        Ok(Self { client, base, key })
    }

    /// Its address, without a slash at the end.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// What is applied, pending and running.
    pub(crate) async fn migrations(&self) -> Result<Migrations, Trouble> {
        let Some(key) = &self.key else { return Err(Trouble::NoKey) };
        let answer = self.get("/api/v1/admin/migrations", Some(key)).await?;
        match answer.status {
            StatusCode::OK => answer.read(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Trouble::WrongKey(answer.problem())),
            status => Err(match answer.problem() {
                problem if problem.kind.ends_with(":admin-off") => Trouble::AdminOff(problem),
                _ => answer.refused(status),
            }),
        }
    }

    /// What `GET /health/detailed` says, ready or not.
    pub(crate) async fn health(&self) -> Result<Health, Trouble> {
        let answer = self.get("/health/detailed", None).await?;
        match answer.status {
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE if !answer.is_problem => answer.read(),
            status => Err(answer.refused(status)),
        }
    }

    async fn get(&self, path: &str, key: Option<&HeaderValue>) -> Result<Answer, Trouble> {
        let mut request = self.client.get(format!("{}{path}", self.address()));
        if let Some(key) = key {
            request = request.header("x-admin-key", key);
        }
        let mut response = request.send().await.map_err(Trouble::of)?;
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_problem = kind.is_some_and(|kind| kind.starts_with("application/problem+json"));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Trouble::of)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Trouble::Garbage(format!("more than {} MiB", MAX_ANSWER >> 20)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), is_problem, body })
    }
}

impl Answer {
    fn read<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|why| Trouble::Garbage(why.to_string()))
    }

    fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Neither the answer nor one of the refusals that have names.
    fn refused(&self, status: StatusCode) -> Trouble {
        match self.is_problem {
            true => Trouble::Failing { status, problem: self.problem() },
            false => Trouble::Garbage(format!("status {status}, and no word of the adapter's")),
        }
    }
}

/// A client for plain HTTP. It needs no certificates, which a small container may not have.
pub(crate) fn plain_client(patience: Duration) -> Result<Client, Failure> {
    with_tls();
    let client = settings(patience).tls_certs_only([]).build();
    Ok(client?)
}

fn secure_client(patience: Duration) -> Result<Client, Failure> {
    with_tls();
    let client = settings(patience).build();
    Ok(client.map_err(|why| {
        format!(
            "ADAPTER_URL is https, which cannot be used here ({}): are CA certificates installed?",
            crate::trouble::cause(&why)
        )
    })?)
}

/// An answer must come from the address that was configured: the key goes nowhere else.
fn settings(patience: Duration) -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(concat!("limbeck-web/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(patience)
}

fn with_tls() {
    // Only the first call has an effect, and the second one's complaint is no news.
    _ = rustls::crypto::ring::default_provider().install_default();
}

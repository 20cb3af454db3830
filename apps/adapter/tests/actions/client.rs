//! A database at head, a service on it, and a tenant that asks it.

use limbeck_testdb::TestDb;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::migrator::{ROLES, VERSIONS, migrator};
use crate::support::Adapter;

/// The tenant of revision 002, and its key.
pub(crate) const TENANT: &str = "00000000-0000-4000-8000-000000000002";
pub(crate) const KEY: &str = "test-api-key-12345";

/// Another one.
pub(crate) const OTHER_TENANT: &str = "00000000-0000-4000-8000-000000000003";
pub(crate) const OTHER_KEY: &str = "the-other-tenants-key";

/// A database with every revision and both tenants.
pub(crate) async fn database() -> TestDb {
    TestDb::from_template("head", async |url: &str| {
        migrator(VERSIONS, ROLES).upgrade(url).await.map(drop).map_err(|why| format!("{why:#}"))
    })
    .await
}

/// Adds the other tenant.
pub(crate) async fn add_other_tenant(connection: &mut PgConnection) {
    let sql = format!(
        "INSERT INTO tenants (id, name, slug, api_key_hash)
         VALUES ('{OTHER_TENANT}', 'Other', 'other', encode(sha256('{OTHER_KEY}'), 'hex'))"
    );
    run(connection, sql).await;
}

/// Runs SQL as the superuser.
pub(crate) async fn run(connection: &mut PgConnection, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.unwrap();
}

/// One number.
pub(crate) async fn number(connection: &mut PgConnection, sql: impl Into<String>) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.into())).fetch_one(connection).await.unwrap()
}

/// A tenant's way to a service.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    key: &'static str,
    http: Client,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null where the text is not JSON.
    pub(crate) body: Value,
}

impl Api {
    /// As the tenant of revision 002.
    pub(crate) fn of(adapter: &Adapter) -> Self {
        // As the service does: reqwest chooses no cryptography by itself.
        _ = rustls::crypto::ring::default_provider().install_default();
        Self { base: format!("http://{}", adapter.address), key: KEY, http: Client::new() }
    }

    /// As another tenant.
    pub(crate) fn with_key(&self, key: &'static str) -> Self {
        Self { key, ..self.clone() }
    }

    /// A request that has yet to be sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).header("x-api-key", self.key)
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// Asks for an action.
    pub(crate) async fn act(&self, new: &Value) -> Answer {
        Answer::of(self.request(Method::POST, "/api/v1/actions").json(new)).await
    }

    /// Asks for an action, with an idempotency key.
    pub(crate) async fn act_once(&self, key: &str, new: &Value) -> Answer {
        let request = self.request(Method::POST, "/api/v1/actions").header("idempotency-key", key);
        Answer::of(request.json(new)).await
    }

    /// Sets the provider configurations.
    pub(crate) async fn configure(&self, configs: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, "/api/v1/tenant/provider-configs").json(configs)).await
    }
}

impl Answer {
    /// Sends a request.
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, body }
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The detail of a problem.
    pub(crate) fn detail(&self) -> &str {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        self.body["detail"].as_str().unwrap()
    }
}

//! A service on a database that is at head, and what asks it.

use std::convert::Infallible;

use limbeck_testdb::TestDb;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Adapter, adapter};

/// The admin key of every test.
pub(crate) const ADMIN_KEY: &str = "5f0c2a9e71d84b36a1e7c90d2f4b8a63";

/// The login of the service: it may take the two roles, and nothing else.
const LOGIN: &str = "adapter_login";

/// A running service, and its database.
pub(crate) struct Service {
    pub(crate) adapter: Adapter,
    pub(crate) db: TestDb,
    pub(crate) client: Client,
}

/// A tenant and its key.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Service {
    pub(crate) async fn new() -> Self {
        Self::start(&[]).await
    }

    /// With more in its environment.
    pub(crate) async fn start(env: &[(&str, &str)]) -> Self {
        let db = TestDb::from_template("head", async |url: &str| {
            let output = adapter(&["--migrate"]).env("DATABASE_URL", url).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            make_login(url).await;
            Ok::<_, Infallible>(())
        })
        .await;
        Self { adapter: replica(&db, env), db, client: client() }
    }

    /// Another process on the same database.
    pub(crate) fn replica(&self) -> Adapter {
        replica(&self.db, &[])
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.adapter.address))
    }

    /// With the admin key.
    pub(crate) fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/api/v1/admin{path}")).header("X-Admin-Key", ADMIN_KEY)
    }

    /// With a tenant's key.
    pub(crate) fn tenant(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/api/v1{path}")).header("X-API-Key", key)
    }

    pub(crate) async fn create(&self, name: &str) -> Tenant {
        let body = json!({ "name": name });
        let answer = ask(self.admin(Method::POST, "/tenants").json(&body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Tenant { id: text(&answer.body["tenant"]["id"]), key: text(&answer.body["api_key"]) }
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        self.db.connect().await
    }
}

/// A client. Reqwest leaves the choice of cryptography to the program, also where none is used.
pub(crate) fn client() -> Client {
    _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

/// Sends it. The body is null where it is no JSON.
pub(crate) async fn ask(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It is a problem of this status and kind, complete.
    pub(crate) fn insist(&self, status: u16, kind: &str, path: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.body["type"], format!("urn:problem-type:adapter:{kind}"), "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        assert_eq!(self.body["instance"], path, "{self:?}");
        assert_eq!(self.body["correlation_id"], self.header("x-request-id"), "{self:?}");
        for field in ["title", "detail", "correlation_id"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {self:?}");
        }
    }
}

fn replica(db: &TestDb, env: &[(&str, &str)]) -> Adapter {
    let url = db.url().split("&user=").next().unwrap();
    let env = [&[("ADMIN_API_KEY", ADMIN_KEY)], env].concat();
    Adapter::start_in(&env, &format!("{url}&user={LOGIN}"), &[])
}

/// As an operator makes it, besides `LOGIN`: readiness also reads what is applied.
async fn make_login(url: &str) {
    let sql = "CREATE ROLE adapter_login LOGIN NOSUPERUSER NOBYPASSRLS;
               GRANT adapter_app, adapter_admin TO adapter_login;
               GRANT SELECT ON alembic_version TO adapter_login;
               GRANT USAGE ON SCHEMA limbeck TO adapter_login;
               GRANT SELECT ON ALL TABLES IN SCHEMA limbeck TO adapter_login";
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute(sqlx::raw_sql(sql)).await.unwrap();
    connection.close().await.unwrap();
}

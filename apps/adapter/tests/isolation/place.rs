//! Servers, logins, tenants.

#[path = "../../../../crates/limbeck/tests/versions/mod.rs"]
mod versions;

use limbeck::local::{Server, ServerOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use versions::programs_of;

use crate::migrator::{ROLES, VERSIONS, migrator};

/// The tenant that the statements run for, and the one that they must not reach. The first row of a tenant has the
/// tenant's own id, in every table.
pub(crate) const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub(crate) const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";

/// The tables that hold rows of tenants, each with a statement that makes one: `{id}`, `{tenant}`.
pub(crate) const TABLES: [(&str, &str); 3] = [
    (
        "action_logs",
        "INSERT INTO action_logs (id, tenant_id, action_type, provider_name, status, execution_time_ms) \
         VALUES ({id}, '{tenant}', 'crm_get', 'test', 'success', 1)",
    ),
    (
        "audit_logs",
        "INSERT INTO audit_logs (id, tenant_id, action, resource_type) VALUES ({id}, '{tenant}', 'test', 'tenant')",
    ),
    (
        "idempotency_keys",
        "INSERT INTO idempotency_keys \
         (id, tenant_id, idempotency_key, request_method, request_path, request_body_hash, expires_at) \
         VALUES ({id}, '{tenant}', gen_random_uuid(), 'POST', '/', '-', now())",
    ),
];

/// The statement that makes a row: `id` is an SQL expression.
pub(crate) fn insert(template: &str, id: &str, tenant: &str) -> String {
    template.replace("{id}", id).replace("{tenant}", tenant)
}

/// (a) as the compose file does it, (b) as managed PostgreSQL has it, (c) with nothing but the memberships: the database of
/// [`Place::with_tenants`], and who the service logs in as.
pub(crate) const LOGINS: [(&str, &str); 3] =
    [("of_superuser", "postgres"), ("of_owner", "owner"), ("of_owner", "service")];

/// Every major version whose rules of membership differ, as far as there are servers to test with.
pub(crate) const MAJORS: [u32; 3] = [15, 16, 18];

/// A server of its own, because roles belong to a server. Beside the superuser `postgres` it has `owner`, as managed
/// PostgreSQL gives it to its customers, and `service`, which may log in and nothing else.
pub(crate) struct Place {
    pub(crate) server: Server,
}

impl Place {
    /// Debian's version.
    pub(crate) async fn new() -> Self {
        Self::of(15).await
    }

    pub(crate) async fn of(major: u32) -> Self {
        let server = Server::temporary(&programs_of(major), ServerOptions::default()).await.unwrap();
        let place = Self { server };
        let logins = "CREATE ROLE owner LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS; CREATE ROLE service LOGIN";
        place.administer("postgres", logins).await;
        place
    }

    /// Two databases with two tenants each: `of_superuser`, and `of_owner`, which `owner` has made.
    pub(crate) async fn with_tenants() -> Self {
        let place = Self::new().await;
        place.at_head("of_owner", "owner").await;
        place.at_head("of_superuser", "postgres").await;
        place
    }

    /// An empty database that a login owns.
    pub(crate) async fn database(&self, name: &str, owner: &str) {
        // Not in one message: CREATE DATABASE wants to be alone.
        self.administer("postgres", &format!("CREATE DATABASE {name}")).await;
        self.administer("postgres", &format!("ALTER DATABASE {name} OWNER TO {owner}")).await;
        // Before PostgreSQL 15, and here for `postgres`, the owner of a database does not own its schema.
        self.administer(name, &format!("GRANT CREATE ON SCHEMA public TO {owner}")).await;
    }

    /// A database at head with two tenants, `owner`'s or the superuser's. `service` is a member of both roles.
    pub(crate) async fn at_head(&self, name: &str, owner: &str) {
        self.database(name, owner).await;
        migrator(VERSIONS, ROLES).upgrade(self.url(name, owner)).await.unwrap();
        self.administer(name, &format!("GRANT {}, {} TO service", ROLES[0], ROLES[1])).await;
        self.fill(name).await;
    }

    /// The tenants A and B, each with two rows in each table.
    pub(crate) async fn fill(&self, name: &str) {
        let mut rows = String::new();
        for tenant in [A, B] {
            rows += &format!(
                "INSERT INTO tenants (id, name, slug, api_key_hash) VALUES ('{tenant}', 'T', '{tenant}', 'key {tenant}');"
            );
            for (_, template) in TABLES {
                rows += &(insert(template, &format!("'{tenant}'"), tenant) + ";");
                rows += &(insert(template, "gen_random_uuid()", tenant) + ";");
            }
        }
        self.administer(name, &rows).await;
    }

    pub(crate) fn url(&self, database: &str, login: &str) -> String {
        let url = self.server.url(database);
        url.replace(&format!("user={}", self.server.user()), &format!("user={login}"))
    }

    pub(crate) async fn connect(&self, database: &str, login: &str) -> PgConnection {
        PgConnection::connect(&self.url(database, login)).await.unwrap()
    }

    /// Runs statements as superuser.
    pub(crate) async fn administer(&self, database: &str, sql: &str) {
        let mut connection = self.connect(database, "postgres").await;
        run(&mut connection, sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
        connection.close().await.unwrap();
    }

    /// What a query says, as superuser: a text.
    pub(crate) async fn ask(&self, database: &str, sql: &str) -> String {
        let mut connection = self.connect(database, "postgres").await;
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await;
        let answer = row.unwrap_or_else(|error| panic!("{error}: {sql}")).get::<Option<String>, _>(0);
        connection.close().await.unwrap();
        answer.unwrap_or_default()
    }
}

/// Runs statements as they are.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await?.rows_affected())
}

/// How a statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It touched so many rows.
    Rows(u64),
    /// With this SQLSTATE.
    Failed(String),
}

/// `insufficient_privilege`: refused by a policy or for want of a privilege.
pub(crate) fn refused() -> Outcome {
    Outcome::Failed("42501".to_owned())
}

impl From<Result<u64, sqlx::Error>> for Outcome {
    fn from(result: Result<u64, sqlx::Error>) -> Self {
        match result {
            Ok(rows) => Self::Rows(rows),
            Err(sqlx::Error::Database(error)) => Self::Failed(error.code().unwrap_or_default().into_owned()),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Begins what a request of a tenant runs in: the role, and what it names its tenant; never set for `None`.
pub(crate) async fn begin_as_tenant(connection: &mut PgConnection, tenant: Option<&str>) {
    let named = tenant.map(|it| format!(", set_config('app.current_tenant_id', '{it}', true)"));
    let begin =
        format!("BEGIN; SELECT set_config('role', '{}', true){}", ROLES[0], named.unwrap_or_default());
    run(connection, &begin).await.unwrap();
}

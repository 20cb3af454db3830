//! Every table and every verb, by every login that the service may have.

use futures_util::TryStreamExt as _;
use sqlx::PgConnection;

use crate::migrator::ROLES;
use crate::place::Outcome::{self, Failed, Rows};
use crate::place::{A, B, LOGINS, Place, TABLES, begin_as_tenant, insert, refused, run};

#[tokio::test]
async fn no_statement_of_a_tenant_reaches_another() {
    for_every_login(async |connection| {
        for (table, template) in TABLES {
            for (sql, expected) in of_rows(table, template) {
                assert_eq!(as_tenant(connection, Some(A), &sql).await, expected, "{sql}");
            }
        }
        for (sql, expected) in of_tenants() {
            assert_eq!(as_tenant(connection, Some(A), &sql).await, expected, "{sql}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_names_no_tenant_reaches_nothing() {
    let nobody = Some("cccccccc-0000-4000-8000-000000000003");
    for_every_login(async |connection| {
        // What was never set, what an earlier transaction left, what is no tenant's, what is no id at all.
        for tenant in [None, Some(""), nobody, Some("B"), Some("' OR true --".replace('\'', "''").as_str())] {
            let malformed = tenant.is_some_and(|it| !it.is_empty() && Some(it) != nobody);
            for (table, template) in TABLES {
                for (sql, _) in of_rows(table, template) {
                    let found = as_tenant(connection, tenant, &sql).await;
                    let closed = match found {
                        Rows(rows) => rows == 0,
                        Failed(ref state) if state == "22P02" => malformed,
                        // No privilege; a policy's refusal; COPY FROM is not for tables with policies.
                        Failed(ref state) => state == "42501" || state == "0A000",
                    };
                    assert!(closed, "{tenant:?}: {sql}: {found:?}");
                }
            }
            for (sql, _) in of_tenants() {
                let found = as_tenant(connection, tenant, &sql).await;
                let closed =
                    found == Rows(0) || found == refused() || malformed && found == Failed("22P02".into());
                assert!(closed, "{tenant:?}: {sql}: {found:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn copies_are_filtered_or_refused() {
    for_every_login(async |connection| {
        for (table, _) in TABLES {
            begin_as_tenant(connection, Some(A)).await;
            let out = connection.copy_out_raw(&format!("COPY {table} TO STDOUT")).await.unwrap();
            let bytes: Vec<u8> = out.map_ok(|bytes| bytes.to_vec()).try_concat().await.unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!((text.lines().count(), text.contains(B)), (2, false), "{text}");
            let Err(sqlx::Error::Database(error)) =
                connection.copy_in_raw(&format!("COPY {table} FROM STDIN")).await.map(drop)
            else {
                panic!("COPY FROM is not for tables with policies");
            };
            assert_eq!(error.code().as_deref(), Some("0A000"), "{error}");
            run(connection, "ROLLBACK").await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_hash_of_a_key_finds_its_tenant_only() {
    for_every_login(async |connection| {
        let statements = |hash: &str| {
            [
                (format!("SELECT FROM tenants WHERE api_key_hash = '{hash}'"), 1),
                ("SELECT FROM tenants".to_owned(), 1),
                ("SELECT FROM tenants FOR UPDATE".to_owned(), 0),
                ("UPDATE tenants SET updated_at = now()".to_owned(), 0),
                ("SELECT FROM action_logs".to_owned(), 0),
                ("DELETE FROM idempotency_keys".to_owned(), 0),
            ]
        };
        for (hash, found) in [(format!("key {B}"), true), (String::new(), false), ("key".to_owned(), false)] {
            for (sql, rows) in statements(&hash) {
                begin_as_tenant(connection, None).await;
                let name = format!("SELECT set_config('app.api_key_hash', '{hash}', true)");
                run(connection, &name).await.unwrap();
                let expected = Rows(if found { rows } else { 0 });
                assert_eq!(Outcome::from(run(connection, &sql).await), expected, "{hash}: {sql}");
                run(connection, "ROLLBACK").await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_admin_role_reaches_everything_and_nobody_else_does() {
    let place = Place::with_tenants().await;
    for (database, login) in LOGINS {
        let mut connection = place.connect(database, login).await;
        for (table, _) in TABLES {
            let admin = format!("SET LOCAL ROLE {}; SELECT FROM {table}", ROLES[1]);
            assert_eq!(within(&mut connection, &admin).await, Rows(4), "{table}");
            // The owner, and a member of the admin role, is not the admin role.
            let plain = [format!("SELECT FROM {table}"), format!("DELETE FROM {table}")];
            for sql in plain.iter().filter(|_| login != "postgres") {
                assert_eq!(within(&mut connection, sql).await, Rows(0), "{login}: {sql}");
            }
        }
        let tenants = [
            "INSERT INTO tenants (id, name, slug, api_key_hash) VALUES (gen_random_uuid(), 'N', 'n', 'n')"
                .to_owned(),
            format!("UPDATE tenants SET is_active = false, api_key_hash = 'new' WHERE id = '{A}'"),
            format!("DELETE FROM tenants WHERE id = '{B}'"),
        ];
        for sql in tenants {
            let admin = format!("SET LOCAL ROLE {}; {sql}", ROLES[1]);
            assert_eq!(within(&mut connection, &admin).await, Rows(1), "{sql}");
            if login != "postgres" {
                let found = within(&mut connection, &sql).await;
                assert!(found == Rows(0) || found == refused(), "{login}: {sql}: {found:?}");
            }
        }
    }
}

/// Runs the test for each login on a database with two tenants, and looks whether the other one is as it was.
async fn for_every_login(test: impl AsyncFn(&mut PgConnection)) {
    let place = Place::with_tenants().await;
    for (database, login) in LOGINS {
        let other = format!(
            "SELECT md5(concat({}, (SELECT t::text FROM tenants t WHERE id = '{B}')))",
            TABLES
                .map(|(table, _)| format!(
                    "(SELECT string_agg(t::text, '' ORDER BY id) FROM {table} t WHERE tenant_id = '{B}')"
                ))
                .join(", ")
        );
        let before = place.ask(database, &other).await;
        test(&mut place.connect(database, login).await).await;
        assert_eq!(place.ask(database, &other).await, before, "{login}");
    }
}

/// What a statement does within a transaction of a tenant. What it did is committed.
async fn as_tenant(connection: &mut PgConnection, tenant: Option<&str>, sql: &str) -> Outcome {
    begin_as_tenant(connection, tenant).await;
    let outcome = Outcome::from(run(connection, sql).await);
    // The tenant's own rows are needed again; what would have happened to another's is looked at in the end.
    let undo = if sql.contains(B) { "COMMIT" } else { "ROLLBACK" };
    run(connection, undo).await.unwrap();
    outcome
}

async fn within(connection: &mut PgConnection, sql: &str) -> Outcome {
    run(connection, "BEGIN").await.unwrap();
    let outcome = Outcome::from(run(connection, sql).await);
    run(connection, "ROLLBACK").await.unwrap();
    outcome
}

/// Statements on a table with rows of tenants, and what they do for the tenant A.
fn of_rows(table: &str, template: &str) -> Vec<(String, Outcome)> {
    // What was logged stays as it is.
    let append_only = table == "audit_logs";
    let write = |outcome: Outcome| if append_only { refused() } else { outcome };
    let fresh = "gen_random_uuid()";
    let taken = format!("'{B}'");
    let mut statements = vec![
        (format!("SELECT FROM {table}"), Rows(2)),
        (format!("SELECT FROM {table} WHERE tenant_id = '{B}'"), Rows(0)),
        (format!("SELECT FROM {table} WHERE id = '{B}'"), Rows(0)),
        (format!("SELECT FROM {table} WHERE tenant_id = '{A}' OR true"), Rows(2)),
        (format!("SELECT FROM {table} a JOIN tenants t ON t.id <> a.tenant_id"), Rows(0)),
        // A condition that fails on another's row must not get to see it.
        (format!("SELECT FROM {table} WHERE 1 / (tenant_id <> '{B}')::int = 1"), Rows(2)),
        (format!("SELECT FROM {table} WHERE id = '{B}' FOR UPDATE"), write(Rows(0))),
        (format!("SELECT FROM {table} WHERE id = '{B}' FOR KEY SHARE"), write(Rows(0))),
        (format!("SELECT FROM {table} FOR UPDATE"), write(Rows(2))),
        (insert(template, fresh, B), refused()),
        (insert(template, fresh, A), Rows(1)),
        (insert(template, &taken, A) + " ON CONFLICT DO NOTHING", Rows(0)),
        (
            insert(template, &taken, A) + " ON CONFLICT (id) DO UPDATE SET tenant_id = excluded.tenant_id",
            refused(),
        ),
        (insert(template, &taken, B) + " ON CONFLICT (id) DO UPDATE SET updated_at = now()", refused()),
        (format!("UPDATE {table} SET updated_at = now()"), write(Rows(2))),
        (format!("UPDATE {table} SET updated_at = now() WHERE tenant_id = '{B}'"), write(Rows(0))),
        (format!("UPDATE {table} SET updated_at = now() WHERE id = '{B}' RETURNING id"), write(Rows(0))),
        (format!("UPDATE {table} SET tenant_id = '{B}'"), refused()),
        (format!("UPDATE {table} SET tenant_id = '{A}' WHERE id = '{B}'"), write(Rows(0))),
        (
            format!("UPDATE {table} x SET updated_at = now() FROM tenants t WHERE t.id = '{B}'"),
            write(Rows(0)),
        ),
        (format!("DELETE FROM {table}"), write(Rows(2))),
        (format!("DELETE FROM {table} WHERE tenant_id = '{B}'"), write(Rows(0))),
        (format!("DELETE FROM {table} WHERE id = '{B}'"), write(Rows(0))),
        (
            format!("WITH gone AS (DELETE FROM {table} WHERE id = '{B}' RETURNING id) SELECT FROM gone"),
            write(Rows(0)),
        ),
        (
            format!(
                "MERGE INTO {table} t USING (VALUES ('{B}'::uuid)) v (id) ON t.id = v.id WHEN MATCHED THEN DELETE"
            ),
            write(Rows(0)),
        ),
        (format!("TRUNCATE {table}"), refused()),
        (format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"), refused()),
        (format!("CREATE POLICY mine ON {table} USING (true)"), refused()),
        (format!("SET LOCAL row_security = off; SELECT FROM {table}"), refused()),
    ];
    if append_only {
        statements.retain(|(sql, _)| !sql.contains("DO UPDATE"));
        statements
            .push((insert(template, &taken, A) + " ON CONFLICT (id) DO UPDATE SET action = '-'", refused()));
    }
    statements
}

/// Statements on the tenants themselves.
fn of_tenants() -> Vec<(String, Outcome)> {
    let new = "INSERT INTO tenants (id, name, slug, api_key_hash)";
    vec![
        ("SELECT id FROM tenants".to_owned(), Rows(1)),
        (format!("SELECT id FROM tenants WHERE id = '{B}'"), Rows(0)),
        (format!("SELECT id FROM tenants WHERE api_key_hash = 'key {B}'"), Rows(0)),
        (format!("SELECT id FROM tenants WHERE id = '{B}' FOR UPDATE"), Rows(0)),
        ("UPDATE tenants SET provider_configs = '{}', updated_at = now()".to_owned(), Rows(1)),
        (format!("UPDATE tenants SET provider_configs = '{{}}' WHERE id = '{B}'"), Rows(0)),
        (format!("UPDATE tenants SET id = '{B}'"), refused()),
        ("UPDATE tenants SET is_active = true".to_owned(), refused()),
        ("UPDATE tenants SET api_key_hash = 'mine'".to_owned(), refused()),
        (format!("{new} VALUES (gen_random_uuid(), 'N', 'n', 'n')"), refused()),
        (format!("{new} VALUES ('{A}', 'N', 'n', 'n') ON CONFLICT DO NOTHING"), refused()),
        (format!("DELETE FROM tenants WHERE id = '{A}'"), refused()),
        (format!("DELETE FROM tenants WHERE id = '{B}'"), refused()),
        ("TRUNCATE tenants CASCADE".to_owned(), refused()),
    ]
}

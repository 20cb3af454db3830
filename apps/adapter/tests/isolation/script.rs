//! `scripts/test_rls.sql`, as an operator runs it.

use std::process::Output;

use tokio::process::Command;

use crate::place::{MAJORS, Place};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test_rls.sql");

/// psql's exit code for a script that stopped at an error.
const STOPPED: Option<i32> = Some(3);

#[tokio::test]
async fn a_good_database_passes() {
    for major in MAJORS {
        for (owner, logins) in [("postgres", &["postgres"][..]), ("owner", &["owner", "service", "postgres"])]
        {
            let place = Place::of(major).await;
            place.at_head("app", owner).await;
            let rows = "SELECT ((SELECT count(*) FROM tenants) + (SELECT count(*) FROM action_logs))::text";
            let before = place.ask("app", rows).await;
            for login in logins {
                let output = psql(&place, "app", login, &[]).await;
                let said = text(&output);
                assert!(output.status.success(), "{major}, {login}: {said}");
                assert!(said.ends_with("Row-level security holds. Nothing was kept.\n"), "{said}");
                let exempt = said.contains("nothing binds it unless it takes a role");
                assert_eq!(exempt, *login == "postgres", "{said}");
                assert_eq!(place.ask("app", rows).await, before);
            }
        }
    }
}

#[tokio::test]
async fn roles_of_other_names() {
    let place = Place::new().await;
    place.database("app", "owner").await;
    let names = ["the \"app\"", "the admin's"];
    crate::migrator::migrator(crate::migrator::VERSIONS, names)
        .upgrade(place.url("app", "owner"))
        .await
        .unwrap();
    let output = psql(&place, "app", "owner", &[]).await;
    assert_eq!(output.status.code(), STOPPED);
    assert!(text(&output).contains("the role adapter_app does not exist"), "{}", text(&output));
    let [app, admin] = [format!("app_role={}", names[0]), format!("admin_role={}", names[1])];
    let output = psql(&place, "app", "owner", &["-v", &app, "-v", &admin]).await;
    assert!(output.status.success(), "{}", text(&output));
}

/// What somebody did by hand, what undoes it where the whole server has it, and what the script says.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "ALTER POLICY action_logs_tenant_select ON action_logs USING (true)",
        "",
        "rows of action_logs are seen",
    ),
    (
        "ALTER POLICY idempotency_keys_tenant_delete ON idempotency_keys USING (true);
      ALTER POLICY idempotency_keys_tenant_select ON idempotency_keys USING (true)",
        "",
        "rows of idempotency_keys are seen",
    ),
    (
        "ALTER POLICY action_logs_tenant_insert ON action_logs WITH CHECK (true)",
        "",
        "a row of action_logs may be made",
    ),
    (
        "ALTER POLICY action_logs_tenant_update ON action_logs WITH CHECK (true)",
        "",
        "a tenant may do what it must not",
    ),
    ("ALTER POLICY tenant_isolation_select ON tenants USING (true)", "", "rows of tenants are seen"),
    (
        "ALTER POLICY tenant_by_api_key ON tenants USING (api_key_hash LIKE current_setting('app.api_key_hash', true) || '%')",
        "",
        "rows of tenants are seen",
    ),
    (
        "ALTER POLICY audit_logs_tenant_select ON audit_logs
      USING (tenant_id = current_setting('app.current_tenant_id', true)::uuid)",
        "",
        "invalid input syntax for type uuid",
    ),
    ("ALTER TABLE idempotency_keys DISABLE ROW LEVEL SECURITY", "", "idempotency_keys is not enabled"),
    ("ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY", "", "tenants is not forced"),
    ("CREATE TABLE orders (tenant_id uuid)", "", "row-level security of orders is not enabled"),
    ("CREATE POLICY support ON audit_logs FOR SELECT USING (true)", "", "the policy support of audit_logs"),
    (
        "DROP POLICY action_logs_tenant_select ON action_logs",
        "",
        "a malformed tenant is no error in action_logs",
    ),
    ("DROP POLICY tenants_admin ON tenants", "", "new row violates row-level security policy"),
    (
        "ALTER POLICY action_logs_admin ON action_logs USING (true)",
        "",
        "the login owner, without a role, sees",
    ),
    ("GRANT DELETE ON audit_logs TO adapter_app", "", "adapter_app may DELETE audit_logs"),
    ("GRANT TRUNCATE ON action_logs TO PUBLIC", "", "adapter_app may TRUNCATE action_logs"),
    ("GRANT UPDATE (is_active) ON tenants TO adapter_app", "", "adapter_app may change is_active of tenants"),
    ("REVOKE INSERT ON action_logs FROM adapter_app", "", "permission denied for table action_logs"),
    (
        "GRANT adapter_admin TO adapter_app",
        "REVOKE adapter_admin FROM adapter_app",
        "is exempt from row-level security",
    ),
    (
        "ALTER ROLE adapter_app BYPASSRLS",
        "ALTER ROLE adapter_app NOBYPASSRLS",
        "is exempt from row-level security",
    ),
    (
        "REVOKE adapter_app FROM owner",
        "GRANT adapter_app TO owner",
        "the login owner may not take the role adapter_app",
    ),
];

#[tokio::test]
async fn a_broken_database_does_not() {
    let place = Place::new().await;
    place.at_head("app", "owner").await;
    for (at, (broken, undo, said)) in BROKEN.iter().enumerate() {
        let database = format!("broken_{at}");
        place.administer("postgres", &format!("CREATE DATABASE {database} TEMPLATE app")).await;
        place.administer(&database, broken).await;
        let output = psql(&place, &database, "owner", &[]).await;
        assert_eq!(output.status.code(), STOPPED, "{broken}: {}", text(&output));
        assert!(text(&output).contains(said), "{broken}: {}", text(&output));
        assert!(!text(&output).contains("Row-level security holds"), "{broken}");
        place.administer("postgres", undo).await;
    }
    assert!(
        psql(&place, "app", "owner", &[]).await.status.success(),
        "and where nothing is broken it passes"
    );
}

async fn psql(place: &Place, database: &str, login: &str, arguments: &[&str]) -> Output {
    let program = place.server.programs().program("psql");
    let url = place.url(database, login);
    Command::new(program).args(["-X", "-f", SCRIPT]).args(arguments).arg(url).output().await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

//! The roles that revision 005 makes, or finds, or may not make.

use limbeck::{Cancel, Control, Error, Job, Options, StateOptions};

use crate::migrator::{ROLES, VERSIONS, migrator, options};
use crate::place::{A, MAJORS, Outcome, Place, begin_as_tenant, run};

/// Upgrades or downgrades as a login, and says what went wrong.
async fn migrate(place: &Place, login: &str, roles: [&str; 2], job: Job<'_>) -> Result<(), String> {
    let mut quiet = |_: limbeck::Event<'_>| {};
    let mut control = Control { cancel: Cancel::default(), emit: &mut quiet };
    let url = place.url("app", login);
    let outcome = migrator(VERSIONS, roles).run(&url.as_str(), job, &mut control).await;
    outcome.map(drop).map_err(|error: Error| format!("{error:#}"))
}

/// What the two roles may do in this database: 0 after a downgrade.
const PRIVILEGES: &str = "SELECT (
    (SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid >= 16384 AND a.grantee <> c.relowner)
    + (SELECT count(*) FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid >= 16384)
    + (SELECT count(*) FROM pg_policy WHERE polroles <> '{0}')
    + (SELECT count(*) FROM pg_class WHERE relforcerowsecurity))::text";

#[tokio::test]
async fn they_are_made_taken_and_left() {
    for major in MAJORS {
        let place = Place::of(major).await;
        place.database("app", "owner").await;
        for round in ["new", "there already"] {
            migrate(&place, "owner", ROLES, Job::Upgrade("head")).await.unwrap();
            let made = "SELECT string_agg(concat_ws(' ', rolname, rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole
                        OR rolcreatedb OR rolreplication), ', ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'adapter%'";
            assert_eq!(place.ask("app", made).await, "adapter_admin f, adapter_app f", "{major}, {round}");
            let mut owner = place.connect("app", "owner").await;
            for role in ROLES {
                run(&mut owner, &format!("BEGIN; SET LOCAL ROLE {role}; ROLLBACK")).await.unwrap();
            }
            // The published test tenant of revision 002 is there; its owner inherits from the admin role, and is not it.
            assert_eq!(run(&mut owner, "SELECT FROM tenants").await.unwrap(), 0, "{major}, {round}");
            assert_eq!(run(&mut owner, "SET ROLE adapter_admin; SELECT FROM tenants").await.unwrap(), 1);

            migrate(&place, "owner", ROLES, Job::Downgrade("004")).await.unwrap();
            assert_eq!(place.ask("app", PRIVILEGES).await, "0", "{major}, {round}");
            assert_eq!(place.ask("app", made).await, "adapter_admin f, adapter_app f", "{major}: they stay");
        }
    }
}

#[tokio::test]
async fn their_names_are_names_whatever_is_in_them() {
    for names in [["app \"one\" y'z", "Ädmin; DROP TABLE tenants --"], ["user", "select"], ["$$", "\\"]] {
        let place = Place::new().await;
        place.database("app", "owner").await;
        for _ in 0..2 {
            migrate(&place, "owner", names, Job::Upgrade("head")).await.unwrap();
            let roles = "SELECT string_agg(rolname, '|' ORDER BY oid) FROM pg_roles WHERE oid IN
                         (SELECT unnest(polroles) FROM pg_policy)";
            assert_eq!(place.ask("app", roles).await, names.join("|"));
            let mut owner = place.connect("app", "owner").await;
            let [app, admin] = names.map(limbeck::core::sql::quote_name);
            assert_eq!(run(&mut owner, &format!("SET ROLE {app}; SELECT FROM tenants")).await.unwrap(), 0);
            assert_eq!(run(&mut owner, &format!("SET ROLE {admin}; SELECT FROM tenants")).await.unwrap(), 1);
            migrate(&place, "owner", names, Job::Downgrade("004")).await.unwrap();
            assert_eq!(place.ask("app", PRIVILEGES).await, "0");
        }
    }
}

#[tokio::test]
async fn a_role_that_is_more_than_a_role_of_the_service_is_refused() {
    let place = Place::new().await;
    place.database("app", "owner").await;
    let others = "CREATE ROLE plain; CREATE ROLE mighty SUPERUSER; CREATE ROLE passes BYPASSRLS;
                  CREATE ROLE deputy IN ROLE owner; CREATE ROLE above IN ROLE plain; CREATE ROLE clone IN ROLE passes";
    place.administer("postgres", others).await;
    migrate(&place, "owner", ROLES, Job::Upgrade("004")).await.unwrap();
    let members = "SELECT count(*)::text FROM pg_auth_members WHERE member = 'owner'::regrole";
    let before = place.ask("app", members).await;
    for (names, why) in [
        (["owner", "plain"], "the role owner cannot be a role of the service: it owns the tables"),
        (["plain", "owner"], "the role owner cannot be a role of the service: it owns the tables"),
        (["mighty", "plain"], "the role mighty cannot be a role of the service: it is a superuser"),
        (["plain", "postgres"], "the role postgres cannot be a role of the service: it is a superuser"),
        (["passes", "plain"], "the role passes cannot be a role of the service: it has BYPASSRLS"),
        (["clone", "plain"], "the role clone cannot be a role of the service: it is a member of passes"),
        (["deputy", "plain"], "the role deputy cannot be a role of the service: it is a member of owner"),
        (["above", "plain"], "the role above cannot be a role of the service: it is a member of plain"),
        (["pg_read_all_data", "plain"], "it is one of PostgreSQL's own"),
        (["plain", "plain"], "the service needs two roles, and both are called plain"),
        (["public", "plain"], "role name \"public\" is reserved"),
        (["pg_mine", "plain"], "role name \"pg_mine\" is reserved"),
    ] {
        // Also for a superuser, who owns nothing here and may do everything.
        for login in ["owner", "postgres"] {
            let error = migrate(&place, login, names, Job::Upgrade("head")).await.unwrap_err();
            assert!(error.contains(why), "{login}: {error}");
        }
        let version = "SELECT string_agg(version_num, ' ') FROM alembic_version";
        assert_eq!(place.ask("app", version).await, "004", "{names:?}");
        assert_eq!(place.ask("app", members).await, before, "{names:?}");
    }
    let error = migrate(&place, "owner", ["", "plain"], Job::Upgrade("head")).await.unwrap_err();
    assert!(error.contains("the value of the variable `app_role` is empty"), "{error}");
    let fine = ["adapter_app", "plain"];
    migrate(&place, "owner", fine, Job::Upgrade("head")).await.unwrap();
}

#[tokio::test]
async fn an_administrator_is_told_what_to_run() {
    for major in MAJORS {
        let place = Place::of(major).await;
        place.administer("postgres", "CREATE ROLE \"my owner\" LOGIN").await;
        place.database("app", "\"my owner\"").await;
        let login = "my%20owner";
        let error = migrate(&place, login, ROLES, Job::Upgrade("head")).await.unwrap_err();
        assert!(
            error.contains("the role \"my owner\" may not make the roles of the service"),
            "{major}: {error}"
        );
        assert_eq!(
            told(&error),
            "CREATE ROLE adapter_app NOLOGIN; GRANT adapter_app TO \"my owner\"; \
             CREATE ROLE adapter_admin NOLOGIN; GRANT adapter_admin TO \"my owner\";",
            "{major}"
        );
        // One of them is done; the other one is asked for again.
        place.administer("app", "CREATE ROLE adapter_app NOLOGIN; GRANT adapter_app TO \"my owner\"").await;
        let error = migrate(&place, login, ROLES, Job::Upgrade("head")).await.unwrap_err();
        assert_eq!(
            told(&error),
            "CREATE ROLE adapter_admin NOLOGIN; GRANT adapter_admin TO \"my owner\";",
            "{major}"
        );
        place.administer("app", &told(&error)).await;
        migrate(&place, login, ROLES, Job::Upgrade("head")).await.unwrap();
        works_for(&place, login).await;
    }
}

/// From PostgreSQL 16 on CREATEROLE is not enough for roles that somebody else has made.
#[tokio::test]
async fn roles_that_somebody_else_has_made() {
    for major in MAJORS {
        let place = Place::of(major).await;
        place.database("app", "owner").await;
        place.administer("app", "CREATE ROLE adapter_app; CREATE ROLE adapter_admin").await;
        let outcome = migrate(&place, "owner", ROLES, Job::Upgrade("head")).await;
        if major < 16 {
            outcome.unwrap();
        } else {
            let error = outcome.unwrap_err();
            assert_eq!(told(&error), "GRANT adapter_app TO owner; GRANT adapter_admin TO owner;", "{major}");
            // A member that may not take the role is no member here.
            place.administer("app", "GRANT adapter_app TO owner WITH INHERIT TRUE, SET FALSE").await;
            let error = migrate(&place, "owner", ROLES, Job::Upgrade("head")).await.unwrap_err();
            assert_eq!(told(&error), "GRANT adapter_app TO owner; GRANT adapter_admin TO owner;", "{major}");
            place.administer("app", &told(&error).replace(" owner;", " owner WITH SET TRUE;")).await;
            migrate(&place, "owner", ROLES, Job::Upgrade("head")).await.unwrap();
        }
        works_for(&place, "owner").await;
    }
}

/// `role` in `limbeck.toml`: who logs in is a member of the owner, and reaches the roles by way of it.
#[tokio::test]
async fn a_login_that_migrates_as_the_owner() {
    for major in MAJORS {
        let place = Place::of(major).await;
        place.database("app", "owner").await;
        place.administer("postgres", "CREATE ROLE deployer LOGIN IN ROLE owner").await;
        let state = StateOptions { role: Some("owner".to_owned()), ..StateOptions::default() };
        let as_owner = migrator(VERSIONS, ROLES).with_options(Options { state, ..options(ROLES) });
        as_owner.upgrade(place.url("app", "deployer")).await.unwrap();
        let owners = "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(place.ask("app", owners).await, "owner");
        works_for(&place, "deployer").await;
    }
}

/// Where PUBLIC may not use the tables' schema.
#[tokio::test]
async fn a_schema_of_the_service_s_own() {
    let place = Place::new().await;
    place.database("app", "owner").await;
    let schema = "CREATE SCHEMA \"Our app\" AUTHORIZATION owner; REVOKE ALL ON SCHEMA public FROM PUBLIC;
                  ALTER ROLE owner SET search_path = \"Our app\"";
    place.administer("app", schema).await;
    migrate(&place, "owner", ROLES, Job::Upgrade("head")).await.unwrap();
    works_for(&place, "owner").await;
    migrate(&place, "owner", ROLES, Job::Downgrade("base")).await.unwrap();
}

/// The statements that a message leaves to an administrator.
fn told(error: &str) -> String {
    let hint = error.split("then migrate again: ").nth(1).unwrap_or_else(|| panic!("no hint: {error}"));
    hint.lines().next().unwrap().to_owned()
}

/// The service works: a tenant that the admin role makes sees itself.
async fn works_for(place: &Place, login: &str) {
    let mut connection = place.connect("app", login).await;
    let made = format!(
        "BEGIN; SET LOCAL ROLE {}; INSERT INTO tenants (id, name, slug, api_key_hash) VALUES ('{A}', 'T', 't', 't'); COMMIT",
        ROLES[1]
    );
    run(&mut connection, &made).await.unwrap();
    begin_as_tenant(&mut connection, Some(A)).await;
    assert_eq!(Outcome::from(run(&mut connection, "SELECT FROM tenants").await), Outcome::Rows(1));
    run(&mut connection, "ROLLBACK").await.unwrap();
}

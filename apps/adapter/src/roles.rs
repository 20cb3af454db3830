//! The two roles that revision 005 makes, which the service takes for everything that it does with a tenant's rows.

use clap::Args;
use limbeck::core::sql::Values;

const APP: &str = "adapter_app";
const ADMIN: &str = "adapter_admin";

/// PostgreSQL's NAMEDATALEN, less the NUL: in bytes.
const LONGEST_NAME: usize = 63;

/// Their names. Limbeck reads the same variables, because `[vars]` in `limbeck.toml` says so.
#[derive(Debug, Args)]
pub(crate) struct Roles {
    /// The database role that requests of tenants take; row-level security shows it the tenant's own rows.
    #[arg(long = "app-role", env = "ADAPTER_APP_ROLE", value_name = "ROLE", default_value = APP, value_parser = app)]
    pub(crate) app: String,

    /// The database role that the admin API and batches take; it sees all tenants.
    #[arg(long = "admin-role", env = "ADAPTER_ADMIN_ROLE", value_name = "ROLE", default_value = ADMIN, value_parser = admin)]
    pub(crate) admin: String,
}

impl Roles {
    /// What the revisions call them.
    pub(crate) fn values(&self) -> Values {
        let mut values = Values::new();
        values.set("app_role", &self.app);
        values.set("admin_role", &self.admin);
        values
    }
}

fn app(text: &str) -> Result<String, String> {
    role(text, APP)
}

fn admin(text: &str) -> Result<String, String> {
    role(text, ADMIN)
}

/// An empty value counts as none, as everywhere; all else is part of the name.
fn role(text: &str, default: &str) -> Result<String, String> {
    match text {
        "" => Ok(default.to_owned()),
        name if name.len() > LONGEST_NAME => Err(format!("a role's name has at most {LONGEST_NAME} bytes")),
        name if name.contains('\0') => Err("a role's name has no NUL character".to_owned()),
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ADMIN, APP, role};

    #[test]
    fn the_defaults_are_those_of_limbeck() {
        let config = include_str!("../limbeck.toml");
        for (name, env, default) in
            [("app_role", "ADAPTER_APP_ROLE", APP), ("admin_role", "ADAPTER_ADMIN_ROLE", ADMIN)]
        {
            let line = format!("{name} = {{ env = \"{env}\", default = \"{default}\" }}");
            assert!(config.lines().any(|it| it == line), "{line}");
        }
    }

    #[test]
    fn a_name_is_taken_as_it_is() {
        assert_eq!(role("", APP), Ok(APP.to_owned()));
        assert_eq!(role(" a \"b\" ", APP), Ok(" a \"b\" ".to_owned()));
        assert!(role(&"x".repeat(63), APP).is_ok());
        assert!(role(&"ä".repeat(32), APP).is_err(), "64 bytes");
    }
}

//! Which database: the precedence of URLs.

use limbeck_core::problem::{Code, Problem};

use super::values::Config;
use crate::connect::{ConnectError, ConnectSpec, DatabaseUrl, Lookup, Origin};

/// The database that a command works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// The one that a URL names, and where that came from.
    Url(DatabaseUrl, Origin),
    /// The project's own: nobody named another.
    Local,
}

/// What a file says about where its database is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Credentials {
    pub(super) url: Option<UrlText>,
    pub(super) url_env: Option<String>,
}

/// A `url` of a file, and the file's name as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UrlText {
    pub(super) url: DatabaseUrl,
    pub(super) file: String,
}

impl Config {
    /// Chooses the database.
    ///
    /// Without `-n`: `flag` (`--url`), `LIMBECK_URL`, the variable that `url_env` names,
    /// `DATABASE_URL`, `url`, the local database. With `-n`: `flag`, the section's `url`, the
    /// variable that its `url_env` names; nothing else. An empty variable counts as unset, but
    /// does not lead to the local database.
    ///
    /// # Errors
    /// A URL that cannot be understood; with `-n`, none at all; a variable that is there and empty
    /// where no other URL is.
    pub fn database(&self, flag: Option<&str>, env: Lookup<'_>) -> Result<Database, Problem> {
        if let Some(text) = flag {
            return parsed(text, Origin::Flag);
        }
        match &self.name {
            Some(name) => self.named_database(name, env),
            None => self.main_database(env),
        }
    }

    fn main_database(&self, env: Lookup<'_>) -> Result<Database, Problem> {
        let mut empty = None;
        for name in [Some("LIMBECK_URL"), self.credentials.url_env.as_deref(), Some("DATABASE_URL")] {
            let Some((name, text)) = name.and_then(|name| Some((name, env(name)?))) else { continue };
            if text.trim().is_empty() {
                empty = empty.or(Some(name));
                continue;
            }
            return parsed(&text, Origin::Variable(name.to_owned()));
        }
        match (self.url_of_file(), empty) {
            (Some(database), _) => Ok(database),
            (None, Some(name)) => {
                let message = format!("{name} is set, and empty");
                let help = format!("give {name} a URL; unset it to use the project's local database");
                Err(Problem::new(Code::ConfigValue, message).help(help))
            }
            (None, None) => Ok(Database::Local),
        }
    }

    fn named_database(&self, name: &str, env: Lookup<'_>) -> Result<Database, Problem> {
        if let Some(database) = self.url_of_file() {
            return Ok(database);
        }
        let Some(variable) = &self.credentials.url_env else {
            let help =
                format!("add url_env = \"{}_DATABASE_URL\" to the section, or give --url", shout(name));
            let message = format!("[databases.{name}] has neither `url` nor `url_env`");
            return Err(Problem::new(Code::ConfigMissing, message)
                .note("DATABASE_URL and LIMBECK_URL are not used with -n: they may name another database")
                .help(help));
        };
        match env(variable).filter(|text| !text.trim().is_empty()) {
            Some(text) => parsed(&text, Origin::Variable(variable.clone())),
            None => {
                let message =
                    format!("{variable} is not set, and [databases.{name}] takes its URL from there");
                let help = format!("set {variable}, or give --url");
                Err(Problem::new(Code::ConfigMissing, message).help(help))
            }
        }
    }

    fn url_of_file(&self) -> Option<Database> {
        let text = self.credentials.url.as_ref()?;
        Some(Database::Url(text.url.clone(), Origin::File(text.file.clone())))
    }

    /// Completes a URL into what [`connect()`](crate::connect::connect()) takes, with this
    /// configuration's `role` and `password_command`.
    ///
    /// # Errors
    /// As [`ConnectSpec::new`].
    pub fn connect_spec(
        &self,
        url: &DatabaseUrl,
        origin: Origin,
        env: Lookup<'_>,
    ) -> Result<ConnectSpec, ConnectError> {
        let spec = ConnectSpec::new(url, env).map_err(|error| error.with_origin(&origin))?.origin(origin);
        let spec = match &self.role {
            Some(role) => spec.role(role),
            None => spec,
        };
        Ok(match &self.password_command {
            Some(command) => spec.password_command(command.clone()),
            None => spec,
        })
    }
}

fn parsed(text: &str, origin: Origin) -> Result<Database, Problem> {
    match DatabaseUrl::parse(text) {
        Ok(url) => Ok(Database::Url(url, origin)),
        Err(error) => Err(error.with_origin(&origin).into()),
    }
}

fn shout(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

//! What a configuration says, as plain values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use limbeck_core::model::ModelOptions;
use limbeck_core::schema::Selection;

use super::database::Credentials;
use super::vars::VarDeclaration;
use crate::connect::PasswordCommand;
use crate::edited::WhenEdited;

/// The configuration of one database: the top level, or a named section over it.
///
/// Paths are joined to the folder of the file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The file it was read from; `None` where there is none and the defaults hold.
    pub file: Option<PathBuf>,
    /// The folder of the file, or the working directory.
    pub folder: PathBuf,
    /// The section's name (`-n`).
    pub name: Option<String>,
    /// `script_location`, by default `migrations`.
    pub script_location: PathBuf,
    /// `version_locations`, by default `versions` in `script_location`; new revisions go to the first.
    pub version_locations: Vec<PathBuf>,
    /// `recursive_version_locations`.
    pub recursive_version_locations: Subfolders,
    /// `file_template`.
    pub file_template: Option<String>,
    /// `timezone`: that of dates in new files; by default UTC.
    pub timezone: Option<String>,
    /// `truncate_slug_length`, by default 40, as in Alembic.
    pub truncate_slug_length: usize,
    /// `version_table`, by default `alembic_version`.
    pub version_table: String,
    /// `version_table_schema`.
    pub version_table_schema: Option<String>,
    /// `post_write_hooks`, in their order.
    pub post_write_hooks: Vec<Hook>,
    /// `post_upgrade_hooks`, in their order.
    pub post_upgrade_hooks: Vec<Hook>,
    /// `role`: taken with SET ROLE after connecting.
    pub role: Option<String>,
    /// `password_command`.
    pub password_command: Option<PasswordCommand>,
    /// `environment`.
    pub environment: Environment,
    /// `postgres_version`: the major version in production.
    pub postgres_version: Option<u16>,
    /// `models`: Rust files or folders.
    pub models: Vec<PathBuf>,
    /// `schema_files`: SQL files or folders.
    pub schema_files: Vec<PathBuf>,
    /// `model_comments` and `[naming]`: how the models are read.
    pub model_options: ModelOptions,
    /// `[compare]`: what models, revisions and databases are compared about.
    pub compare: Selection,
    /// `snapshot`: the file that shows what all revisions make.
    pub snapshot: Option<PathBuf>,
    /// `required_tables`: what `start` looks for, by name or `schema.name`.
    pub required_tables: Vec<String>,
    /// `lock_timeout`, by default three seconds; zero waits for ever.
    pub lock_timeout: Duration,
    /// `concurrently_wait`, by default an hour; zero waits for ever.
    pub concurrently_wait: Duration,
    /// `journal_schema`, by default `limbeck`.
    pub journal_schema: String,
    /// `edited`: what a run does about an applied file that was edited.
    pub edited: WhenEdited,
    /// `[start]`.
    pub start: Start,
    /// `[vars]`, by name.
    pub vars: Vec<VarDeclaration>,
    /// `[scratch]`.
    pub scratch: Scratch,
    pub(super) credentials: Credentials,
}

/// Whether folders inside a version location are read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subfolders {
    /// Only the folder itself.
    #[default]
    Ignored,
    /// The folder and all below it.
    Searched,
}

/// What the database is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Environment {
    /// Nothing is said.
    #[default]
    Unsaid,
    /// `production`: the tool asks before it does what cannot be undone.
    Production,
    /// Any other name (`staging`, `development`).
    Named(String),
}

/// A program that runs after something was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// How messages call it.
    pub name: String,
    /// The program and its arguments; in a hook for written files `{file}` stands for the file's path.
    pub command: Vec<String>,
}

/// `[start]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What to upgrade to, by default `head`.
    pub target: String,
    /// What to do about a database that is ahead.
    pub ahead: Ahead,
    /// The program to run when the command line names none.
    pub command: Vec<String>,
}

/// What `start` does when a newer release has migrated the database already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ahead {
    /// Says so, applies nothing and goes on.
    #[default]
    Continue,
    /// Fails.
    Refuse,
}

/// `[scratch]`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scratch {
    /// `url`: the server to prove revisions on.
    pub url: Option<crate::connect::DatabaseUrl>,
    /// `[scratch.vars]`: values of variables there.
    pub vars: BTreeMap<String, String>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.vars.keys().collect();
        f.debug_struct("Scratch").field("url", &self.url).field("vars", &names).finish()
    }
}

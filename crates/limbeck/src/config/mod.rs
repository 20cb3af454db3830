//! `limbeck.toml`: found, read, checked; and which database it leads to.
//!
//! ```toml
//! script_location = "migrations"          # relative to this file's folder; the default
//! version_locations = ["migrations/versions"]
//! url_env = "APP_DATABASE_URL"            # a variable of your own, before DATABASE_URL
//! environment = "production"
//! lock_timeout = "3s"
//! required_tables = ["tenants"]
//! post_write_hooks = [{ name = "fmt", command = ["pg_format", "-i", "{file}"] }]
//!
//! [start]
//! target = "head"
//! ahead = "continue"
//! command = ["adapter"]
//!
//! [vars]
//! region = "eu"                                      # a default
//! tenant = { env = "TENANT", default = "none" }      # a variable of your own
//! token = {}                                         # must be given
//!
//! [databases.billing]                     # `-n billing`: overrides what stands above, key by key
//! script_location = "billing/migrations"
//! url_env = "BILLING_DATABASE_URL"
//! ```
//!
//! Which database (see [`Config::database`]): `--url`, `LIMBECK_URL`, the variable that `url_env`
//! names, `DATABASE_URL`, `url`; else the project's local one. With `-n` only `--url`, that section's
//! `url`, or the variable that its `url_env` names: one database's revisions never run on another.

mod compare;
mod database;
mod duration;
mod file;
mod keys;
mod locate;
mod table;
mod values;
mod vars;

pub use database::Database;
pub use duration::parse_duration;
pub use file::{ConfigFile, Given};
pub use locate::{FILE_NAME, find, load};
pub use values::{Ahead, Config, Environment, Hook, Scratch, Start, Subfolders};
pub use vars::{VarDeclaration, VarOrigin, VarValue, Vars};

//! The revisions, with the variables that `limbeck.toml` declares.

use std::path::Path;

use limbeck::core::sql::Values;
use limbeck::{Migrator, Options};

/// The folder of this release's revisions.
pub(crate) const VERSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/versions");

/// What applies the revisions of a folder with these names of the service's two roles.
pub(crate) fn migrator(folder: impl AsRef<Path>, roles: [&str; 2]) -> Migrator {
    let migrator = Migrator::from_dir(folder.as_ref()).unwrap_or_else(|error| panic!("{error:#}"));
    migrator.with_options(options(roles))
}

/// What a run is made with.
pub(crate) fn options([app, admin]: [&str; 2]) -> Options {
    let mut values = Values::new();
    values.set("app_role", app);
    values.set("admin_role", admin);
    Options { values, ..Options::default() }
}

/// As they are where nobody says otherwise.
pub(crate) const ROLES: [&str; 2] = ["adapter_app", "adapter_admin"];

//! The revisions that this release was built with.

use limbeck::{Embedded, Migrator, Options};
use sqlx::{Connection as _, PgConnection};

use crate::roles::Roles;
use crate::{Failure, models, server};

static MIGRATIONS: Embedded = limbeck::embed!("migrations/versions");

/// This release's revisions, ready to be compared with a database or applied to one.
pub(crate) fn migrator() -> Result<Migrator, Failure> {
    Ok(Migrator::embedded(&MIGRATIONS)?)
}

/// Applies what is pending. The revisions make these roles.
pub(crate) async fn upgrade(url: &str, roles: &Roles) -> Result<(), Failure> {
    tracing::info!("migration to head begins");
    let options = Options { values: roles.values(), ..Options::default() };
    migrator()?.with_options(options).upgrade(url).await?;
    tracing::info!("migration done: the database is at head");
    let mut connection = PgConnection::connect_with(&server::connect_options(url)?).await?;
    models::report(&models::mismatches(&mut connection).await?);
    Ok(connection.close().await?)
}

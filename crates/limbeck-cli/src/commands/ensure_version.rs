use clap::Args;

use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// Create the version table and the journal, where they are missing
#[derive(Debug, Args)]
pub(crate) struct EnsureVersion {
    /// Print SQL instead of running it
    #[arg(long)]
    sql: bool,
}

impl EnsureVersion {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let migrator = app.migrator(|_| {})?;
        if self.sql {
            output::text(&migrator.ensure_version_sql());
            return Ok(());
        }
        let mut connection = app.database().await?.connect("limbeck").await?;
        Ok(migrator.ensure_version(&mut connection).await?)
    }
}

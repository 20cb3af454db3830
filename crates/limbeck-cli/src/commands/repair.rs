use clap::Args;
use limbeck::{Change, Control, Edited, Event, Repair as Request};
use serde_json::json;

use super::log::short;
use super::view::EditedView;
use crate::app::{App, Connected};
use crate::database::Database;
use crate::exit::Failure;
use crate::output;
use crate::reporter::{Reporter, Verbosity};

/// Accept edits of files that are applied already
///
/// Tells the journal that these files are right as they are now, so that nobody is warned of them any more.
/// Nothing is run, and the version table stays as it is: make sure first that the database is as the files
/// say. The journal keeps both checksums, the new downgrade, and the note.
#[derive(Debug, Args)]
pub(crate) struct Repair {
    /// Which revisions: ids, or their beginnings [default: all that were edited]
    #[arg(value_name = "REVISION")]
    revisions: Vec<String>,
    /// Why, for the journal
    #[arg(short = 'm', long, value_name = "TEXT")]
    note: Option<String>,
    /// Show what would be accepted; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was accepted as JSON
    #[arg(long)]
    json: bool,
    /// Seconds to wait for another migration of the same database to end
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    lock_wait: u64,
}

impl Repair {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let lock_wait = std::time::Duration::from_secs(self.lock_wait);
        let (migrator, connected) = app.connected(|options| options.lock_wait = lock_wait).await?;
        let Connected { mut connection, look } = connected;
        let request = Request { revisions: &self.revisions, note: self.note.as_deref() };
        let mut reporter = Reporter::new(app.verbosity());
        let mut emit = |event: Event<'_>| reporter.event(&event);
        let mut control = Control { cancel: app.cancel(), emit: &mut emit };
        let edited = match self.dry_run {
            true => migrator.preview_repair(look, &mut connection, request).await,
            false => {
                let connector = Some(app.database().await?.spec() as _);
                migrator.repair(look, &mut connection, connector, request, &mut control).await
            }
        };
        Database::disconnect(connection).await;
        self.print(app, &edited?);
        Ok(())
    }

    fn print(&self, app: &App, edited: &[Edited]) {
        if self.json {
            let views: Vec<_> = edited.iter().map(EditedView::from).collect();
            output::json(&json!({ "accepted": views, "dry_run": self.dry_run }));
            return;
        }
        let did = if self.dry_run { "Would accept" } else { "Accepted" };
        for Edited { revision, file, upgrade, downgrade } in edited {
            output::line(&format!("{did} {revision}: {file}"));
            let changes = [("upgrade", upgrade), ("downgrade", downgrade)];
            for (name, change) in changes.into_iter().filter_map(|(name, change)| Some((name, change.as_ref()?))) {
                output::line(&format!("    {name:<9} {}", arrow(change)));
            }
        }
        if edited.is_empty() && app.verbosity() == Verbosity::Normal {
            output::progress("No applied file was edited: nothing to accept.");
        }
    }
}

/// `1:6b3820661525 -> 1:e0f0d6dcea52`.
fn arrow(change: &Change) -> String {
    let text = |sum: &Option<String>| sum.as_deref().map_or("irreversible", short).to_owned();
    format!("{} -> {}", text(&change.applied), text(&change.now))
}

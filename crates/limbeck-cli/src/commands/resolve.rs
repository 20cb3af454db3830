use std::time::Duration;

use clap::{ArgGroup, Args};
use limbeck::{Control, Event, Verdict};

use crate::app::App;
use crate::database::Database;
use crate::exit::Failure;
use crate::output;
use crate::reporter::{Reporter, Verbosity, shortened};

/// Say what became of a statement that was interrupted
///
/// A statement outside a transaction that was interrupted may or may not have taken effect. limbeck finds
/// that out itself where PostgreSQL's catalog tells (an index, a partition, an enum value, ...); of any other
/// it says that the outcome is unknown, and stops. Look in the database, say here what you found, and run
/// the command again.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("verdict").args(["done", "not_done"]).required(true))]
pub(crate) struct Resolve {
    /// The interrupted revision, or its beginning (`limbeck current` names it)
    #[arg(value_name = "REVISION")]
    revision: String,
    /// The statement took effect: the next run goes on after it
    #[arg(long)]
    done: bool,
    /// The statement did not take effect: the next run runs it again
    #[arg(long)]
    not_done: bool,
    /// Why, for the journal
    #[arg(short = 'm', long, value_name = "TEXT")]
    note: Option<String>,
    /// Seconds to wait for a migration of the same database to end
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    lock_wait: u64,
}

impl Resolve {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let verdict = if self.done { Verdict::Done } else { Verdict::NotDone };
        let migrator = app.migrator(|options| options.lock_wait = Duration::from_secs(self.lock_wait))?;
        let database = app.database().await?;
        let mut connection = database.connect("limbeck").await?;
        let mut reporter = Reporter::new(app.verbosity());
        let mut emit = |event: Event<'_>| reporter.event(&event);
        let mut control = Control { cancel: app.cancel(), emit: &mut emit };
        let (connector, note) = (Some(database.spec() as _), self.note.as_deref());
        let outcome = migrator
            .resolve(&mut connection, connector, &self.revision, verdict, note, &mut control)
            .await;
        reporter.finish();
        Database::disconnect(connection).await;
        let running = outcome?;
        if app.verbosity() == Verbosity::Normal {
            let statement = shortened(running.intent.as_deref().unwrap_or_default());
            let (word, then) = match verdict {
                Verdict::Done => ("done", "goes on after it"),
                Verdict::NotDone => ("not done", "runs it again"),
            };
            output::progress(&format!("Counts as {word}: {statement}"));
            output::progress(&format!("The next `limbeck {}` {then}.", running.direction));
        }
        Ok(())
    }
}

use clap::{Args, ValueEnum};
use limbeck::autogenerate::{Difference, Terms, Wanted, Workshop};
use limbeck::connect::Connection;
use limbeck_core::{Code, Problem};
use serde_json::json;

use super::compare::{self, Current, Scratch};
use super::snapshot::{self, Stale};
use crate::app::App;
use crate::database::Database;
use crate::exit::{DIFFERENT, Failure};
use crate::output;

/// Check that the models, the revisions and the database agree
///
/// Without options the models and schema files are compared with what the revisions make, on a scratch server that
/// limbeck starts for itself: no database is asked. Exit code 0: nothing differs; 1: something does; 2: could not tell.
/// In GitHub's workflows every difference becomes an annotation.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// What the models are compared with
    #[arg(long, value_name = "WHAT", default_value = "revisions", conflicts_with = "drift")]
    against: Against,
    /// Compare the database with its own revisions instead: has anybody changed it by hand?
    #[arg(long)]
    drift: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scratch: Scratch,
}

/// What models are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Against {
    /// What the revisions make
    Revisions,
    /// What the database holds, as Alembic does
    Database,
}

/// What a comparison found, and how to speak of it.
struct Found {
    difference: Difference,
    headline: &'static str,
    help: &'static str,
    stale: Option<Stale>,
}

impl Check {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let found = self.compared(app).await.map_err(Failure::undecided)?;
        let Found { difference, headline, help, stale } = &found;
        if self.json {
            let same = difference.is_empty() && stale.is_none();
            let changes = compare::view(difference.changes());
            output::json(&json!({ "same": same, "changes": changes, "snapshot": snapshot::view(stale.as_ref()) }));
        } else if difference.is_empty() {
            output::line("No new upgrade operations detected.");
        } else {
            output::line(headline);
            compare::print(difference.changes());
            annotate(difference, headline);
            output::progress(&format!("help: {help}"));
        }
        if let Some(stale) = stale.as_ref().filter(|_| !self.json) {
            output::line(&stale.sentence);
            annotate_file(stale);
            output::progress(&format!("help: {}", snapshot::HELP));
        }
        if difference.is_empty() && stale.is_none() { Ok(()) } else { Err(Failure::Code(DIFFERENT)) }
    }

    async fn compared(&self, app: &App) -> Result<Found, Failure> {
        let mut live = match self.drift || self.against == Against::Database {
            true => Some(app.database().await?.connect("limbeck").await?),
            false => None,
        };
        let major = live.as_ref().and_then(compare::major);
        let mut workshop = self.scratch.workshop(app, major)?;
        let outcome = match (&mut live, self.drift) {
            (Some(connection), true) => drift(app, &mut workshop, connection).await,
            (live, _) => models(app, &mut workshop, live.as_mut()).await,
        };
        if let Some(connection) = live {
            Database::disconnect(connection).await;
        }
        let closed = compare::close(workshop).await;
        let found = outcome?;
        closed?;
        Ok(found)
    }
}

/// Models against revisions, or against a database.
async fn models(app: &App, workshop: &mut Workshop, live: Option<&mut Connection>) -> Result<Found, Failure> {
    let reading = Wanted::reading(app.config()?);
    let (wanted, mut current) = match live {
        // It answers meanwhile.
        Some(_) => {
            let current = Current::of(app, workshop, live).await?;
            (reading.await?, current)
        }
        // What is wrong in a model is not to wait for a replay.
        None => (reading.await?, Current::of(app, workshop, live).await?),
    };
    let difference = current.against(app, workshop, &wanted).await?;
    Ok(Found {
        difference,
        headline: "New upgrade operations detected:",
        stale: snapshot::stale(app, workshop).await?,
        help: "write them into a revision with `limbeck revision --autogenerate -m \"...\"`",
    })
}

/// A database against the revisions that it says are applied.
async fn drift(app: &App, workshop: &mut Workshop, connection: &mut Connection) -> Result<Found, Failure> {
    let migrator = app.migrator(|_| ())?;
    let status = migrator.status(connection).await?;
    if let Some(running) = status.running() {
        let message = format!("{} is not finished, so the database is between two revisions", running.revision);
        return Err(Problem::new(Code::NotPossible, message).help("finish it with `limbeck upgrade` first").into());
    }
    let live = workshop.live(connection).await?;
    let replayed = workshop.replayed(migrator.project(), status.known_rows()).await?;
    compare::refuse_inexpressible(&[&live, &replayed])?;
    let terms = Terms::everything(workshop.major().await?);
    Ok(Found {
        difference: Difference::between(&replayed.schema, &live.schema, terms),
        stale: None,
        headline: "The database is not as its revisions leave it. What was done to it besides:",
        help: "write it into a revision and `limbeck stamp` the database, or undo it by hand; `limbeck diff --from \
               database --to revisions --sql` prints the way",
    })
}

/// GitHub shows these beside a pull request.
fn annotate(difference: &Difference, headline: &str) {
    if !on_github() {
        return;
    }
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    for change in &difference.changes().changes {
        let title = escaped(headline.trim_end_matches(':')).replace(',', "%2C").replace(':', "%3A");
        output::line(&format!("::error title={title}::{}", escaped(&compare::line(change))));
    }
}

/// The same for a snapshot, at its first line.
fn annotate_file(stale: &Stale) {
    if on_github() {
        output::line(&format!("::error file={},line=1::{}", stale.path.display(), stale.sentence));
    }
}

fn on_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

use clap::Args;
use limbeck::autogenerate::{Difference, SchemaSource, Scope, Terms, Wanted, Workshop};
use serde_json::json;

use super::compare::{self, Scratch};
use crate::app::App;
use crate::exit::{DIFFERENT, Failure};
use crate::output;

/// Compare two schemas
///
/// Each side is one of: `models` (the models and schema files), `revisions` or `revisions@REVISION` (what the revisions
/// make), `database`, a URL, an SQL file, or a folder of them. Databases and files need no project. Exit code 0: nothing
/// differs; 1: something does; 2: could not tell.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The schema to begin with
    #[arg(long, value_name = "SCHEMA")]
    from: SchemaSource,
    /// The schema to end with
    #[arg(long, value_name = "SCHEMA")]
    to: SchemaSource,
    /// Print the statements that lead from one to the other
    #[arg(long, conflicts_with = "json")]
    sql: bool,
    /// Print the way back
    #[arg(long)]
    reverse: bool,
    /// Plain statements, not those that are gentle to tables in use
    #[arg(long)]
    plain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scratch: Scratch,
}

impl Diff {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let difference = self.difference(app).await.map_err(Failure::undecided)?;
        self.show(&difference);
        if difference.is_empty() { Ok(()) } else { Err(Failure::Code(DIFFERENT)) }
    }

    async fn difference(&self, app: &App) -> Result<Difference, Failure> {
        let of_project = |side: &SchemaSource| matches!(side, SchemaSource::Models | SchemaSource::Revisions(_));
        if ![&self.from, &self.to].into_iter().any(of_project) {
            app.config_or_defaults()?;
        }
        let mut workshop = self.scratch.workshop(app, None)?;
        let outcome = self.compared(app, &mut workshop).await;
        let closed = compare::close(workshop).await;
        let difference = outcome?;
        closed?;
        Ok(difference)
    }

    async fn compared(&self, app: &App, workshop: &mut Workshop) -> Result<Difference, Failure> {
        // A database comes first: the other side is worked out as the role that migrates it.
        let (from, to) = match self.to.is_live() {
            true => {
                let to = compare::side(app, workshop, &self.to).await?;
                (compare::side(app, workshop, &self.from).await?, to)
            }
            false => {
                let from = compare::side(app, workshop, &self.from).await?;
                (from, compare::side(app, workshop, &self.to).await?)
            }
        };
        compare::refuse_inexpressible(&[&from, &to])?;
        let mut terms = Terms::everything(workshop.major().await?);
        if [&self.from, &self.to].contains(&&SchemaSource::Models) {
            let wanted = Wanted::read(app.config()?)?;
            terms.scope = Scope::of(&wanted);
            terms.renames = wanted.renames();
        }
        Ok(Difference::between(&from.schema, &to.schema, terms))
    }

    fn show(&self, difference: &Difference) {
        let changes = || if self.reverse { difference.back() } else { difference.changes().clone() };
        if self.json {
            output::json(&json!({ "same": difference.is_empty(), "changes": compare::view(&changes()) }));
        } else if self.sql {
            let mode = compare::mode(self.plain);
            output::text(&if self.reverse { difference.downgrade(mode) } else { difference.upgrade(mode) });
        } else if difference.is_empty() {
            output::line("The two schemas are equal.");
        } else {
            compare::print(&changes());
        }
    }
}

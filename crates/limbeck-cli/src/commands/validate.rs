use clap::Args;
use limbeck::autogenerate::Wanted;
use limbeck::validate::{Mismatch, against, missing_tables};
use limbeck_core::{Code, Problem};
use serde_json::json;

use crate::app::App;
use crate::database::Database;
use crate::exit::Failure;
use crate::output;

/// The sentence that operators know from the guide.
pub(super) const VALIDATION_FAILED: &str = "Database schema validation failed - some tables may be missing";

/// Check that the required tables are there (`required_tables` in limbeck.toml)
///
/// With --models the database is also compared with the models, without a scratch server: tables, columns with their types
/// and NOT NULL, values of enums, primary, unique and foreign keys and indexes by their columns. What the database has
/// besides is nobody's business here. Defaults, checks and other expressions are left to `limbeck check`.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Compare with the models too (`models` in limbeck.toml)
    #[arg(long)]
    models: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let config = app.config()?;
        let wanted = if self.models { Some(Wanted::read(config)?) } else { None };
        let mut connection = app.database().await?.connect("limbeck").await?;
        let missing = missing_tables(&mut connection, &config.required_tables).await?;
        let mismatches = match &wanted {
            Some(wanted) => against(&mut connection, &wanted.selection.of(&wanted.models.schema)).await?,
            None => Vec::new(),
        };
        Database::disconnect(connection).await;
        if self.json {
            let mut view = json!({ "required": config.required_tables, "missing": missing });
            if self.models {
                view["mismatches"] = mismatches.iter().map(Mismatch::to_string).collect();
            }
            output::json(&view);
        }
        if !missing.is_empty() || !mismatches.is_empty() {
            return Err(failed(&missing, &mismatches).into());
        }
        if !self.json {
            match config.required_tables.len() {
                0 if self.models => {}
                0 => {
                    output::line("No required tables are configured (`required_tables` in limbeck.toml).");
                }
                n => output::line(&format!("All {n} required tables are there.")),
            }
            if self.models {
                output::line("The database has what the models rely on.");
            }
        }
        Ok(())
    }
}

/// The problem of what is missing or different.
fn failed(missing: &[String], mismatches: &[Mismatch]) -> Problem {
    let mut problem = Problem::new(Code::Validation, VALIDATION_FAILED);
    if !missing.is_empty() {
        problem = problem.note(format!("missing: {}", missing.join(", ")));
    }
    mismatches
        .iter()
        .fold(problem, |problem, mismatch| problem.note(mismatch.to_string()))
        .help("compare `limbeck current` with `limbeck heads`; a table that was dropped by hand is not brought back by migrating")
}

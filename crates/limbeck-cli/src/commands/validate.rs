use clap::Args;
use limbeck::validate::missing_tables;
use limbeck_core::{Code, Problem};
use serde_json::json;

use crate::app::App;
use crate::exit::Failure;
use crate::output;

/// The sentence that operators know from the guide.
pub(super) const VALIDATION_FAILED: &str = "Database schema validation failed - some tables may be missing";

/// Check that the required tables are there (`required_tables` in limbeck.toml)
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let required = app.config()?.required_tables.clone();
        let mut connection = app.database().await?.connect("limbeck").await?;
        let missing = missing_tables(&mut connection, &required).await?;
        if self.json {
            output::json(&json!({ "required": required, "missing": missing }));
        }
        if !missing.is_empty() {
            return Err(failed(&missing).into());
        }
        if !self.json {
            output::line(&match required.len() {
                0 => "No required tables are configured (`required_tables` in limbeck.toml).".to_owned(),
                n => format!("All {n} required tables are there."),
            });
        }
        Ok(())
    }
}

/// The problem of missing tables.
pub(super) fn failed(missing: &[String]) -> Problem {
    Problem::new(Code::Validation, VALIDATION_FAILED)
        .note(format!("missing: {}", missing.join(", ")))
        .help("compare `limbeck current` with `limbeck heads`; a table that was dropped by hand is not brought back by migrating")
}

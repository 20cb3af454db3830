use std::path::PathBuf;

use clap::Args;
use limbeck::catalog::{self, Filter, Read};
use limbeck::{FirstLook, StateOptions};
use limbeck_core::ddl;
use limbeck_core::{Code, Problem};
use serde_json::json;

use crate::app::{self, App};
use crate::database::Database;
use crate::exit::Failure;
use crate::output;

/// Print the database's schema as DDL, in an order that can be loaded
///
/// Tables, types, views, functions and all else that an empty database needs to become like this one, each table with
/// what belongs to it. Owners and data are left out, and so are the version table, limbeck's journal and what
/// extensions bring. A database that a URL names needs no project.
#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// Only this schema and what it holds (may be given again)
    #[arg(long, value_name = "NAME")]
    schema: Vec<String>,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON: every object as a value
    #[arg(long)]
    json: bool,
}

impl Dump {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let read = tokio::select! {
            read = self.read(app) => read?,
            () = app.cancelled() => return Err(app::cancelled().into()),
        };
        for what in &read.inexpressible {
            output::progress(&format!("warning: left out, since a dump cannot express it: {what}"));
        }
        let text = match self.json {
            true => to_json(&read)?,
            false => ddl::to_sql(&read.schema),
        };
        match &self.output {
            None => output::text(&text),
            Some(file) => std::fs::write(file, text).map_err(|error| {
                Problem::new(Code::File, format!("cannot write {}: {error}", file.display()))
                    .help("name a file in a folder that exists and that you may write")
            })?,
        }
        Ok(())
    }

    async fn read(&self, app: &App) -> Result<Read, limbeck::Error> {
        let options = StateOptions::of(app.config_or_defaults()?);
        let mut connection = app.database().await?.connect("limbeck").await?;
        let look = FirstLook::at(&mut connection, &options).await?;
        let filter = self.schema.iter().fold(Filter::own(&look, &options), Filter::only_schema);
        let read = catalog::read(&mut connection, &filter).await;
        Database::disconnect(connection).await;
        read
    }
}

fn to_json(read: &Read) -> Result<String, Problem> {
    let value = json!({ "objects": read.schema, "inexpressible": read.inexpressible });
    let text = serde_json::to_string_pretty(&value);
    text.map(|text| text + "\n").map_err(|error| Problem::new(Code::Internal, format!("cannot print JSON: {error}")))
}

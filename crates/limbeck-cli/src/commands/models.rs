use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use limbeck::autogenerate::{Difference, SchemaSource, Scope, Side, Terms, Wanted, Workshop};
use limbeck::config::Config;
use limbeck_core::model::{self, WriteOptions, WrittenModels};
use limbeck_core::{Code, Problem, Source};
use serde_json::json;

use super::compare::{self, Scratch};
use crate::app::App;
use crate::exit::Failure;
use crate::{new_file, output};

/// Write Rust models from a schema that is there already
#[derive(Debug, Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Pull(Pull),
}

/// Write structs with #[derive(Table)], and SQL files for what structs cannot say
///
/// They go where `models` and `schema_files` in limbeck.toml say, by default into src/models and schema. Before anything
/// is written they are read back and compared: nothing differs. A file that is there already is left alone, and nothing is
/// written then.
#[derive(Debug, Args)]
struct Pull {
    /// What to write down: `revisions`, `database`, a URL, an SQL file, or a folder of them
    #[arg(long, value_name = "SCHEMA", default_value = "revisions")]
    from: SchemaSource,
    /// The folder for the Rust files
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// The folder for the SQL files
    #[arg(long, value_name = "DIR")]
    schema_files: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scratch: Scratch,
}

impl Models {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        match self.action {
            Action::Pull(pull) => pull.run(app).await,
        }
    }
}

impl Pull {
    async fn run(&self, app: &App) -> Result<(), Failure> {
        if self.from == SchemaSource::Models {
            return Err(Problem::new(Code::BadSource, "the models are what is to be written")
                .help("name what to write them from: revisions, database, a URL, or an SQL file")
                .into());
        }
        let config = app.config()?;
        let rust = folder(self.models.as_deref(), &config.models, &config.folder.join("src/models"));
        let sql = folder(self.schema_files.as_deref(), &config.schema_files, &config.folder.join("schema"));
        let mut workshop = self.scratch.workshop(app, None)?;
        let outcome = self.written(app, &mut workshop).await;
        let closed = compare::close(workshop).await;
        let written = outcome?;
        closed?;
        let files = placed(&written.rust, &rust).chain(placed(&written.sql, &sql)).collect::<Vec<_>>();
        if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
            return Err(Problem::new(Code::File, format!("{} is there already", path.display()))
                .note("nothing was written")
                .help("move it away, or choose other folders with --models and --schema-files")
                .into());
        }
        for (path, text) in &files {
            new_file::save(path, text)?;
        }
        self.report(config, &files, [&rust, &sql]);
        Ok(())
    }

    /// The files, of which it is known that they say what was read.
    async fn written(&self, app: &App, workshop: &mut Workshop) -> Result<WrittenModels, Failure> {
        let options = app.config()?.model_options.clone();
        let side = compare::side(app, workshop, &self.from).await?;
        compare::refuse_inexpressible(&[&side])?;
        let written = model::write(&side.schema, &WriteOptions { models: options.clone() });
        let source = |(name, text): &(String, String)| Source::new(name.clone(), text);
        let rust: Vec<Arc<Source>> = written.rust.iter().map(source).collect();
        let again = Wanted {
            models: model::read(&rust, &options)?,
            files: written.sql.iter().map(source).collect(),
            selection: limbeck_core::schema::Selection::default(),
        };
        let Side { schema: read, .. } = workshop.wanted(&again).await?;
        let terms = Terms { scope: Scope::everything(), ..Terms::everything(workshop.major().await?) };
        let difference = Difference::between(&side.schema, &read, terms);
        if difference.is_empty() {
            return Ok(written);
        }
        let problem = Problem::new(Code::Unproved, "the models would not say what was read; they differ in:");
        let lines = difference.changes().changes.iter().map(compare::line);
        Err(lines
            .fold(problem, Problem::note)
            .note("nothing was written")
            .help("this is a defect of limbeck's: please report it with the output of `limbeck dump`")
            .into())
    }

    fn report(&self, config: &Config, files: &[(PathBuf, &str)], [rust, sql]: [&Path; 2]) {
        if self.json {
            let files: Vec<_> = files.iter().map(|(path, _)| path.display().to_string()).collect();
            output::json(&json!({ "files": files }));
        } else {
            files.iter().for_each(|(path, _)| output::line(&format!("Generating {} ...  done", path.display())));
        }
        if config.models.is_empty() {
            output::progress(&format!(
                "Put these lines into limbeck.toml:\nmodels = [\"{}\"]\nschema_files = [\"{}\"]",
                inside(config, rust),
                inside(config, sql)
            ));
        }
    }
}

/// Where files of a kind go: what was asked for, the first folder of the configuration, or a usual place.
fn folder(given: Option<&Path>, configured: &[PathBuf], usual: &Path) -> PathBuf {
    let configured = configured.iter().find(|path| !path.is_file()).map(PathBuf::as_path);
    given.or(configured).unwrap_or(usual).to_owned()
}

fn placed<'a>(files: &'a [(String, String)], folder: &'a Path) -> impl Iterator<Item = (PathBuf, &'a str)> {
    files.iter().map(|(name, text)| (folder.join(name), text.as_str()))
}

/// A path as limbeck.toml would say it.
fn inside(config: &Config, path: &Path) -> String {
    path.strip_prefix(&config.folder).unwrap_or(path).display().to_string()
}

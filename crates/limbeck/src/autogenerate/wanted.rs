//! What a project wants its schema to be: Rust models and SQL files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use limbeck_core::diff::Rename;
use limbeck_core::model::{self, Models};
use limbeck_core::schema::{Kind, ObjectId, Schema, Selection};
use limbeck_core::sql::token::Lexer;
use limbeck_core::{Code, Problem, Source, ddl};

use crate::config::Config;
use crate::error::Error;
use crate::scratch::{Piece, Said};

/// Models and schema files, read and parsed. PostgreSQL has not seen them yet.
#[derive(Debug)]
pub struct Wanted {
    /// What the models say, as they say it.
    pub models: Models,
    /// The schema files, in the order of the configuration.
    pub files: Vec<Arc<Source>>,
    /// `[compare]`.
    pub selection: Selection,
}

impl Wanted {
    /// Reads what `models` and `schema_files` in `limbeck.toml` name: files, or folders with all below them.
    ///
    /// # Errors
    /// Neither is configured; a file or folder that cannot be read; every mistake in a model, at its place.
    pub fn read(config: &Config) -> Result<Self, Error> {
        if config.models.is_empty() && config.schema_files.is_empty() {
            return Err(Problem::new(Code::ConfigMissing, "limbeck.toml names neither `models` nor `schema_files`")
                .note("without them there is nothing to compare the revisions with")
                .help("add models = [\"src/models\"], the folder of the structs with #[derive(Table)], or schema_files = \
                       [\"schema\"]; `limbeck models pull` writes models from a database or from the revisions")
                .into());
        }
        let models = model::read(&sources(&config.models, "rs")?, &config.model_options)?;
        let files = sources(&config.schema_files, "sql")?;
        Ok(Self { models, files, selection: config.compare.clone() })
    }

    /// Begins to [`read`](Self::read) on another thread: it takes about as long as a database needs to tell its schema.
    /// Await it when both are needed. (Of a runtime of tokio.)
    ///
    /// # Errors
    /// As reading.
    pub fn reading(config: &Config) -> impl Future<Output = Result<Self, Error>> + use<> {
        let config = config.clone();
        let reading = tokio::task::spawn_blocking(move || Self::read(&config));
        async { reading.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) }
    }

    /// What had another name, as the models say.
    pub fn renames(&self) -> Vec<Rename> {
        self.models.renames.iter().filter_map(rename).collect()
    }

    /// All statements: those of the models first. They are loaded in whatever order works. Only default privileges come
    /// before what they hold for, which is all that models and files make, and schemas before them.
    pub(super) fn pieces(&self) -> Result<Vec<Piece<'_>>, Problem> {
        let mut pieces = self.pieces_of(&self.models.schema);
        for file in &self.files {
            pieces.extend(Piece::of_file(file)?);
        }
        pieces.sort_by_key(|piece| match words(piece.text()).as_slice() {
            [create, schema, ..] if create == "create" && schema == "schema" => 0,
            [alter, default, ..] if alter == "alter" && default == "default" => 1,
            _ => 2,
        });
        Ok(pieces)
    }

    /// The statements of a part of what the models say, with their places.
    pub(super) fn pieces_of(&self, part: &Schema) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        for block in ddl::blocks(part) {
            let said = block.id.map(|id| Said { models: &self.models, id });
            pieces.extend(block.statements.into_iter().map(|sql| Piece::Own(sql, said.clone())));
        }
        pieces
    }
}

/// The first two words of a statement.
fn words(sql: &str) -> Vec<String> {
    let tokens = Lexer::new(sql, 0).filter(|token| !token.is_blank()).take(2);
    tokens.map(|token| sql[token.span].to_ascii_lowercase()).collect()
}

/// A hint of a model as the diff takes it.
fn rename(hint: &model::Rename) -> Option<Rename> {
    let (of, from) = (hint.id.qualified()?, hint.from.clone());
    Some(match (&hint.part, hint.id.kind) {
        (None, _) => Rename::Object { from: ObjectId { name: from, ..hint.id.clone() }, to: hint.id.clone() },
        (Some(to), Kind::Enum) => Rename::Value { of, from, to: to.clone() },
        (Some(to), _) => Rename::Column { table: of, from, to: to.clone() },
    })
}

/// The files with this extension that the paths name, or that are in the folders that they name.
///
/// # Errors
/// A path that is not there or cannot be read, a file that is not UTF-8.
pub(super) fn sources(paths: &[PathBuf], extension: &str) -> Result<Vec<Arc<Source>>, Problem> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            collect(path, extension, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    files.iter().map(|path| read(path)).collect()
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries: Vec<PathBuf> =
        entries.map_err(|error| unreadable(folder, &error))?.iter().map(fs::DirEntry::path).collect();
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() && !hidden {
            collect(&path, extension, files)?;
        } else if !hidden && path.extension().is_some_and(|end| end == extension) {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Arc<Source>, Problem> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Ok(Source::new(path.display().to_string(), &text))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::File, format!("cannot read {}: {error}", path.display()))
        .help("correct `models` or `schema_files` in limbeck.toml, or give this user permission to read it")
}

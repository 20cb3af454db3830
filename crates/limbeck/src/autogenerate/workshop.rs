//! Where schemas are worked out.

use std::path::Path;
use std::sync::Arc;

use limbeck_core::model::Shared;
use limbeck_core::schema::Schema;
use limbeck_core::sql::Values;
use limbeck_core::{Code, Problem, Source, ddl};
use sqlx::postgres::PgConnection;

use super::replay;
use super::wanted::{Wanted, sources};
use crate::catalog::{self, Filter, Read};
use crate::connect;
use crate::error::Error;
use crate::migrator::Options;
use crate::project::Project;
use crate::scratch::{self, Cache, Choice, Key, Piece, Scratch, ScratchOptions};
use crate::state::session::{FirstLook, StateOptions};

/// What a [`Workshop`] works with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where scratch databases are made.
    pub scratch: ScratchOptions,
    /// Where limbeck's own tables are, which are part of no schema here.
    pub state: StateOptions,
    /// Variables of revisions and schema files, with the values that they have on scratch databases.
    pub values: Values,
}

/// A schema in its normal form, and what is to be said about how it came about.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// The schema, as PostgreSQL prints it however often.
    pub schema: Schema,
    /// What was left out and what was assumed, in sentences.
    pub notes: Vec<String>,
    /// What is there and no schema can express, so that it is not compared.
    pub inexpressible: Vec<String>,
}

/// A place to work out schemas: a scratch server that is started when it is first needed, and what is known from
/// before. Close it at the end; dropping it ends a server of limbeck's own too, but not what was made on a named one (the
/// next run does that).
#[derive(Debug)]
pub struct Workshop {
    settings: Settings,
    cache: Cache,
    choice: Option<Choice>,
    scratch: Option<Scratch>,
    /// The role that migrates, as far as that is known: one of its name works on scratch databases, so that what statements
    /// say of it (grants, default privileges) means the same there.
    role: Option<String>,
}

impl Workshop {
    /// A workshop that has done nothing yet.
    pub fn new(settings: Settings) -> Self {
        let role = settings.state.role.clone();
        Self { settings, cache: Cache::of_user(), choice: None, scratch: None, role }
    }

    /// The scratch server, started if it was not needed before.
    pub(super) async fn scratch(&mut self) -> Result<&mut Scratch, Error> {
        if self.scratch.is_none() {
            let mut scratch = Scratch::open(self.choice().await?).await?;
            if let Some(role) = &self.role {
                scratch.act_as(role).await?;
            }
            self.scratch = Some(scratch);
        }
        self.scratch
            .as_mut()
            .ok_or_else(|| Problem::new(Code::Internal, "the scratch server vanished").into())
    }

    /// The major version of the scratch server, which need not run for that.
    ///
    /// # Errors
    /// There is none, or it cannot be reached.
    pub async fn major(&mut self) -> Result<u32, Error> {
        Ok(major_of(&self.version().await?)?)
    }

    /// The major version of the server that printed what was worked out: the scratch server's, or that of the live
    /// database where no scratch server was needed.
    ///
    /// # Errors
    /// As [`Workshop::major`].
    pub async fn printed_by(&mut self, live: Option<u32>) -> Result<u32, Error> {
        match live.filter(|_| self.choice.is_none()) {
            Some(major) => Ok(major),
            None => self.major().await,
        }
    }

    /// The major version that was preferred and that of the server which stood in for it, where one did so far.
    pub fn stand_in(&self) -> Option<(u32, u32)> {
        let Some(choice @ Choice::Own(_)) = &self.choice else { return None };
        let (wanted, there) = (self.settings.scratch.major?, major_of(&choice.version()).ok()?);
        (wanted != there).then_some((wanted, there))
    }

    /// What an empty database holds.
    ///
    /// # Errors
    /// The scratch server fails.
    pub async fn nothing(&mut self) -> Result<Schema, Error> {
        Ok(self.of_files(&[]).await?.schema)
    }

    /// The schema that revisions make, from nothing up to these targets (none: nothing).
    ///
    /// # Errors
    /// A revision that fails on an empty database, at its line.
    pub async fn replayed(&mut self, project: &Project, targets: &[String]) -> Result<Side, Error> {
        let mut key = self.key("replay").await?;
        key.add(&targets.join(" "));
        for revision in project.revisions() {
            let header = revision.header();
            key.add(header.id.value.as_str());
            header.down_revision.iter().for_each(|id| key.add(id.value.as_str()));
            header.depends_on.iter().for_each(|id| key.add(&id.value));
            key.add(revision.upgrade_text());
        }
        let notes = replay::left_out(project);
        if let Some(schema) = self.cache.get(&key) {
            return Ok(Side { schema, notes, ..Side::default() });
        }
        let options = self.options().await?;
        let scratch = self.scratch().await?;
        let database = scratch.create().await?;
        replay::run(scratch, &database, project, targets, options).await.map_err(replay::explained)?;
        Ok(Side { notes, ..self.finished(key, &database).await? })
    }

    /// The schema that models and schema files ask for.
    ///
    /// # Errors
    /// PostgreSQL refuses what they say, at the place in the file.
    pub async fn wanted(&mut self, wanted: &Wanted) -> Result<Side, Error> {
        let pieces = wanted.pieces()?;
        let mut key = self.key("wanted").await?;
        for statement in ddl::dump(&wanted.models.schema) {
            key.add(&statement);
        }
        for file in &wanted.files {
            key.add(file.text());
        }
        self.loaded(key, &pieces).await
    }

    /// The same beside a schema in normal form, with which it is to be compared: what models say exactly as that is
    /// printed needs no server.
    ///
    /// # Errors
    /// As [`Workshop::wanted`].
    pub async fn wanted_beside(&mut self, wanted: &Wanted, normal: &Schema) -> Result<Side, Error> {
        if !wanted.files.is_empty() {
            // Statements of any kind may change what the models make.
            return self.wanted(wanted).await;
        }
        let Shared { taken: mut schema, rest } = Shared::of(&wanted.models.schema, normal);
        if rest.objects.is_empty() {
            return Ok(Side { schema, ..Side::default() });
        }
        let mut key = self.key("wanted").await?;
        for statement in ddl::dump(&rest) {
            key.add(&statement);
        }
        let side = self.loaded(key, &wanted.pieces_of(&rest)).await?;
        schema.objects.extend(side.schema.objects);
        Ok(Side { schema, ..side })
    }

    /// The schema that SQL files make.
    ///
    /// # Errors
    /// A file that does not parse, or a statement that PostgreSQL refuses, at its place.
    pub async fn of_files(&mut self, files: &[Arc<Source>]) -> Result<Side, Error> {
        let mut key = self.key("files").await?;
        let mut pieces = Vec::new();
        for file in files {
            key.add(file.text());
            pieces.extend(Piece::of_file(file)?);
        }
        self.loaded(key, &pieces).await
    }

    /// The schema that an SQL file makes, or all SQL files of a folder and below.
    ///
    /// # Errors
    /// As [`Workshop::of_files`]; a path that cannot be read.
    pub async fn of_path(&mut self, path: &Path) -> Result<Side, Error> {
        self.of_files(&sources(&[path.to_owned()], "sql")?).await
    }

    /// The schema of a database, in the normal form of the scratch server, which should be of its major version.
    ///
    /// What is worked out from then on is worked out as a role of the name of the one that migrates that database. (Not on a
    /// named scratch server, where no roles are made.)
    ///
    /// # Errors
    /// What is in it cannot be expressed, or not be loaded on the scratch server.
    pub async fn live(&mut self, connection: &mut PgConnection) -> Result<Side, Error> {
        let state = self.state(None);
        let look = FirstLook::at(connection, &state).await?;
        let filter = Filter::own(&look, &state);
        self.act_as(catalog::migrator(connection, &filter).await?).await?;
        let read = catalog::read(connection, &filter).await?;
        Ok(Side {
            schema: self.normal(read.schema).await?,
            notes: Vec::new(),
            inexpressible: read.inexpressible,
        })
    }

    async fn act_as(&mut self, role: String) -> Result<(), Error> {
        let role = self.role.insert(role);
        match &mut self.scratch {
            Some(scratch) => scratch.act_as(role).await,
            None => Ok(()),
        }
    }

    async fn loaded(&mut self, key: Key, pieces: &[Piece<'_>]) -> Result<Side, Error> {
        if let Some(schema) = self.cache.get(&key) {
            return Ok(Side { schema, ..Side::default() });
        }
        let Options { values, state, .. } = self.options().await?;
        let scratch = self.scratch().await?;
        if let Some(read) = scratch.rehearse(pieces, Some(&state)).await? {
            return self.normalised(key, read).await;
        }
        let database = scratch.create().await?;
        let mut connection = scratch.connect(&database).await?;
        let loaded = scratch::load(&mut connection, pieces, &values, scratch.missing_roles()).await;
        connect::close(connection).await;
        loaded?;
        self.finished(key, &database).await
    }

    /// What a scratch database holds, which is no longer needed then.
    async fn finished(&mut self, key: Key, database: &str) -> Result<Side, Error> {
        let read = self.read(database).await?;
        self.scratch().await?.drop(database).await?;
        self.normalised(key, read).await
    }

    /// The normal form of what was read, which is kept.
    async fn normalised(&mut self, key: Key, read: Read) -> Result<Side, Error> {
        let schema = self.normal(read.schema).await?;
        // What is not part of a schema would be forgotten.
        if read.inexpressible.is_empty() {
            self.cache.put(&key, &schema);
        }
        Ok(Side { schema, notes: Vec::new(), inexpressible: read.inexpressible })
    }

    /// The normal form. Only what may print differently goes through a server, with what it needs.
    pub(super) async fn normal(&mut self, schema: Schema) -> Result<Schema, Error> {
        let part = schema.unsettled();
        if part.objects.is_empty() {
            return Ok(schema);
        }
        let version = self.version().await?;
        let key = scratch::normal_key(&version, self.role.as_deref(), &part);
        let normal = match self.cache.get(&key) {
            Some(known) => known,
            None => {
                let normal = scratch::normalise(self.scratch().await?, part.clone()).await?;
                self.cache.put(&key, &normal);
                normal
            }
        };
        Ok(scratch::with_normal(schema, &part, normal))
    }

    /// Reads a scratch database, without limbeck's own tables.
    pub(super) async fn read(&mut self, database: &str) -> Result<Read, Error> {
        let state = self.options().await?.state;
        let mut connection = self.scratch().await?.connect(database).await?;
        let read = read_without_own(&mut connection, &state).await;
        connect::close(connection).await;
        read
    }

    /// How revisions run on a scratch database.
    pub(super) async fn options(&mut self) -> Result<Options, Error> {
        // The role of the real database need not exist on a named server.
        let role = self.scratch().await?.role().map(str::to_owned);
        let (state, values) = (self.state(role), self.settings.values.clone());
        Ok(Options { state, values, ..Options::default() })
    }

    fn state(&self, role: Option<String>) -> StateOptions {
        StateOptions { role, ..self.settings.state.clone() }
    }

    async fn key(&mut self, kind: &str) -> Result<Key, Error> {
        let version = self.version().await?;
        let mut key = Key::new(kind);
        key.add(&version);
        key.add(&format!("{:?}", self.settings.state));
        key.add(self.role.as_deref().unwrap_or_default());
        // Hashed, so no value can be read from it.
        for name in self.settings.values.names() {
            key.add(name);
            key.add(self.settings.values.get(name).unwrap_or_default());
        }
        Ok(key)
    }

    async fn version(&mut self) -> Result<String, Error> {
        Ok(self.choice().await?.version())
    }

    /// Which server it is or will be, found out when that is first asked.
    async fn choice(&mut self) -> Result<&Choice, Error> {
        let choice = match self.choice.take() {
            Some(choice) => choice,
            None => Choice::of(&self.settings.scratch).await?,
        };
        Ok(self.choice.insert(choice))
    }

    /// Ends the scratch server, or drops what was made on a named one.
    ///
    /// # Errors
    /// That fails.
    pub async fn close(self) -> Result<(), Error> {
        match self.scratch {
            Some(scratch) => scratch.close().await,
            None => Ok(()),
        }
    }
}

async fn read_without_own(connection: &mut PgConnection, state: &StateOptions) -> Result<Read, Error> {
    let look = FirstLook::at(connection, state).await?;
    catalog::read(connection, &Filter::own(&look, state)).await
}

/// `15` of `15.14 (Debian 15.14-0+deb12u1)`.
fn major_of(version: &str) -> Result<u32, Problem> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits
        .parse()
        .map_err(|_| Problem::new(Code::Scratch, format!("the scratch server calls its version `{version}`")))
}

//! What `check`, `diff` and `revision --autogenerate` have in common: working out schemas and showing what differs.

use clap::Args;
use limbeck::autogenerate::{Difference, SchemaSource, Scope, Settings, Side, Terms, Wanted, Workshop};
use limbeck::connect::{Connection, DatabaseUrl, Origin, process_env};
use limbeck::{Error, ScratchOptions, StateOptions};
use limbeck_core::ddl::section::Mode;
use limbeck_core::diff::{Change, Changes, Owned};
use limbeck_core::revision::RevisionId;
use limbeck_core::schema::Schema;
use limbeck_core::{Code, Problem};
use serde_json::{Value, json};

use crate::app::App;
use crate::exit::Failure;
use crate::{database, logging, output};

/// Options of every verb that works out schemas.
#[derive(Debug, Default, Args)]
pub(super) struct Scratch {
    /// A server on which databases may be made and dropped, instead of one that limbeck starts for itself
    #[arg(long, value_name = "URL")]
    scratch: Option<String>,
}

impl Scratch {
    /// Goes about it. `live_major` is the version of a database that takes part.
    pub(super) fn workshop(&self, app: &App, live_major: Option<u32>) -> Result<Workshop, Error> {
        let config = app.config()?;
        let given = match &self.scratch {
            Some(text) => Some((DatabaseUrl::parse(text).map_err(Problem::from)?, Origin::Flag)),
            None => config.scratch.url.clone().map(|url| (url, Origin::Program)),
        };
        let spec = given.map(|(url, origin)| config.connect_spec(&url, origin, &process_env));
        let scratch = ScratchOptions {
            given: spec.transpose().map_err(Problem::from)?,
            preference: database::preference().map_err(database::problem)?,
            major: live_major.or(config.postgres_version.map(u32::from)),
        };
        let mut values = app.values(config)?;
        for (name, value) in &config.scratch.vars {
            values.set(name, value);
        }
        Ok(Workshop::new(Settings { scratch, state: StateOptions::of(config), values }))
    }
}

/// Ends a workshop. Says so if it worked on another version than it should have: what is printed differs a little between
/// them.
///
/// # Errors
/// As [`Workshop::close`].
pub(super) async fn close(workshop: Workshop) -> Result<(), Error> {
    if let Some((wanted, there)) = workshop.stand_in() {
        logging::warning(&format!(
            "PostgreSQL {wanted} is not installed here, so PostgreSQL {there} is used: what the two print differently \
             may look like a change, and what only one of them knows may be missed"
        ));
    }
    workshop.close().await
}

/// The schema that a name stands for.
///
/// # Errors
/// As working it out; what is there and cannot be expressed.
pub(super) async fn side(app: &App, workshop: &mut Workshop, source: &SchemaSource) -> Result<Side, Error> {
    let side = match source {
        SchemaSource::Models => workshop.wanted(&Wanted::read(app.config()?)?).await?,
        SchemaSource::Revisions(target) => {
            workshop.replayed(&*app.project()?, std::slice::from_ref(target)).await?
        }
        SchemaSource::Files(path) => workshop.of_path(path).await?,
        SchemaSource::Database => {
            let mut connection = app.database().await?.connect("limbeck").await?;
            let side = workshop.live(&mut connection).await;
            database::Database::disconnect(connection).await;
            side?
        }
        SchemaSource::Url(url) => {
            let spec = app.config()?.connect_spec(url, Origin::Flag, &process_env).map_err(Problem::from)?;
            let mut connection = limbeck::connect::connect(&spec, "limbeck").await.map_err(Problem::from)?;
            let side = workshop.live(&mut connection).await;
            limbeck::connect::close(connection).await;
            side?
        }
    };
    side.notes.iter().for_each(|note| logging::warning(note));
    Ok(side)
}

/// Where a project stands before its models are looked at.
pub(super) struct Current {
    pub(super) side: Side,
    live: Option<Live>,
    /// What the revisions make, where the side is a database that may hold something else: known when something differs.
    pub(super) revisions: Option<Schema>,
}

/// Of a database: its major version, and its rows of the version table.
struct Live {
    major: Option<u32>,
    rows: Vec<String>,
}

impl Current {
    /// What all revisions make; or what a database at head holds, of which only what the revisions make may be dropped.
    ///
    /// # Errors
    /// The database is not at head; as working out the sides.
    pub(super) async fn of(
        app: &App,
        workshop: &mut Workshop,
        live: Option<&mut Connection>,
    ) -> Result<Self, Failure> {
        let Some(connection) = live else {
            let side = side(app, workshop, &SchemaSource::Revisions("heads".to_owned())).await?;
            return Ok(Self { side, live: None, revisions: None });
        };
        let status = app.migrator(|_| ())?.status(connection).await?;
        if !status.is_ready() {
            return Err(Problem::new(Code::NotPossible, "Target database is not up to date.")
                .note(format!("pending: {}", ids(status.pending())))
                .help("run `limbeck upgrade head` on it first; or compare with the revisions, without --against")
                .into());
        }
        let live = Live { major: major(connection), rows: status.known_rows().to_vec() };
        Ok(Self { side: workshop.live(connection).await?, live: Some(live), revisions: None })
    }

    /// What leads from here to what is wanted.
    pub(super) async fn against(
        &mut self,
        app: &App,
        workshop: &mut Workshop,
        wanted: &Wanted,
    ) -> Result<Difference, Failure> {
        let to = workshop.wanted_beside(wanted, &self.side.schema).await?;
        refuse_inexpressible(&[&self.side, &to])?;
        let terms = Terms {
            scope: Scope::of(wanted),
            version: workshop.printed_by(self.live.as_ref().and_then(|live| live.major)).await?,
            renames: wanted.renames(),
            owned: Owned::Everything,
        };
        let difference = Difference::between(&self.side.schema, &to.schema, terms.clone());
        // What may be dropped need not be worked out where nothing differs.
        let Some(Live { rows, .. }) = self.live.as_ref().filter(|_| !difference.is_empty()) else {
            return Ok(difference);
        };
        let replayed = workshop.replayed(&*app.project()?, rows).await?.schema;
        let owned = Owned::Only(replayed.clone());
        self.revisions = Some(replayed);
        Ok(Difference::between(&self.side.schema, &to.schema, Terms { owned, ..terms }))
    }
}

fn ids(ids: &[RevisionId]) -> String {
    ids.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", ")
}

/// The major version of the server at the other end.
pub(super) fn major(connection: &Connection) -> Option<u32> {
    connection.server_version_num().map(|number| number / 10_000)
}

/// What cannot be compared must not look like agreement.
pub(super) fn refuse_inexpressible(sides: &[&Side]) -> Result<(), Problem> {
    let Some(first) = sides.iter().flat_map(|side| &side.inexpressible).next() else { return Ok(()) };
    let problem = Problem::new(Code::Inexpressible, format!("limbeck cannot compare {first}"));
    let problem = sides.iter().flat_map(|side| &side.inexpressible).skip(1).fold(problem, Problem::note);
    Err(problem.help(
        "compare the rest by taking it out of the database or files; what is not compared would be passed \
                      over in silence",
    ))
}

/// How statements are to be: gentle to those who use the tables, or plain.
pub(super) fn mode(plain: bool) -> Mode {
    if plain { Mode::Plain } else { Mode::Online }
}

/// A change in one line: `drop column users.age (destroys the values of users.age)`.
pub(super) fn line(change: &Change) -> String {
    let because = change.because.as_ref().map(|why| format!(", because {why}")).unwrap_or_default();
    match &change.loss {
        Some(loss) => format!("{}{because} (destroys {loss})", change.words),
        None => format!("{}{because}", change.words),
    }
}

/// All of them, for scripts.
pub(super) fn view(changes: &Changes) -> Value {
    let change = |change: &Change| {
        json!({
            "change": change.words,
            "object": change.object.to_string(),
            "because": change.because,
            "destroys": change.loss,
            "may_fail": change.risk,
        })
    };
    changes.changes.iter().map(change).collect()
}

/// Prints each change in a line.
pub(super) fn print(changes: &Changes) {
    for change in &changes.changes {
        output::line(&format!("  {}", line(change)));
    }
}

//! Databases to try things in: made on a server of limbeck's own, or on one that was named, and gone afterwards.

mod cache;
mod load;
mod normal;

use limbeck_core::{Code, Problem};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::catalog::{Filter, Read};
use crate::connect::{self, ConnectSpec, Connector};
use crate::error::Error;
use crate::execute::failure;
use crate::local::{self, Kind, Preference, ThrowAway};
use crate::quote::ident;
use crate::state::session::{FirstLook, StateOptions};

pub(crate) use cache::{Cache, Key};
pub(crate) use load::{MissingRoles, Piece, Said, load, make_role, role_in};
pub(crate) use normal::{load_into, name_shares, normal_key, normalise, with_normal};

/// How the names of databases on a named server begin; what follows is the run and a number.
const PREFIX: &str = "limbeck_scratch_";

/// Where scratch databases are made.
#[derive(Debug, Clone, Default)]
pub struct ScratchOptions {
    /// A server that was named (`--scratch`, `[scratch] url`): databases are made on it and dropped again. Its role
    /// needs CREATEDB.
    pub given: Option<ConnectSpec>,
    /// Otherwise, which kind of server of limbeck's own.
    pub preference: Preference,
    /// The major version to prefer, that of production.
    pub major: Option<u32>,
}

/// Which server it will be. Looking for programs takes longer than much of what they are needed for, so it is done once.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// The one that was named, with its version.
    Given(Box<ConnectSpec>, String),
    /// One of limbeck's own.
    Own(Kind),
}

impl Choice {
    /// Looks for programs, or asks the named server for its version. Starts nothing.
    pub(crate) async fn of(options: &ScratchOptions) -> Result<Self, Error> {
        let Some(spec) = &options.given else {
            let kind = ThrowAway::kind_for(options.preference, options.major);
            return Ok(Self::Own(kind.map_err(local_problem)?));
        };
        let mut connection = spec.connect(crate::APPLICATION).await?;
        let version = server_version(&mut connection).await;
        connect::close(connection).await;
        Ok(Self::Given(Box::new(spec.clone()), version?.text))
    }

    /// Its version, as far as that is known without starting it: caches are kept apart by this word.
    pub(crate) fn version(&self) -> String {
        match self {
            Self::Given(_, version) => version.clone(),
            Self::Own(Kind::Programs(programs)) => programs.version().to_string(),
            Self::Own(Kind::Embedded(version)) => format!("{version} embedded"),
        }
    }
}

/// A server for scratch databases. Close it: on a named server that drops what was made there. What a killed run left
/// there is dropped by the next one.
#[derive(Debug)]
pub(crate) struct Scratch {
    place: Place,
    version: ServerVersion,
    made: usize,
    /// A database in which nothing is ever made for good.
    bare: Option<String>,
    /// As whom sessions work, where that is not who they log in as.
    role: Option<String>,
}

#[derive(Debug)]
enum Place {
    Own(Box<ThrowAway>),
    Given(Box<Given>),
}

/// A named server, with the session that stands for this run there.
#[derive(Debug)]
struct Given {
    spec: ConnectSpec,
    admin: PgConnection,
    run: String,
}

/// Which PostgreSQL a schema was printed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerVersion {
    /// The major version.
    pub(crate) major: u32,
    /// As the server says it: `15.14 (Debian 15.14-0+deb12u1)`.
    pub(crate) text: String,
}

/// The statement with which every scratch session begins.
const SESSION: &str = "SET client_min_messages = error; SET check_function_bodies = off";

impl Scratch {
    /// Starts the server, or connects to the one that was named and removes what killed runs left there.
    pub(crate) async fn open(choice: &Choice) -> Result<Self, Error> {
        let place = match choice {
            Choice::Given(spec, _) => Place::Given(Box::new(Given::open((**spec).clone()).await?)),
            Choice::Own(kind) => {
                Place::Own(Box::new(ThrowAway::start(kind.clone()).await.map_err(local_problem)?))
            }
        };
        let version = ServerVersion { major: 0, text: String::new() };
        let mut scratch = Self { place, version, made: 0, bare: None, role: None };
        let mut connection = scratch.admin().await?;
        let version = server_version(connection.get()).await;
        connection.close().await;
        scratch.version = version?;
        Ok(scratch)
    }

    /// Which PostgreSQL it is.
    pub(crate) fn version(&self) -> &ServerVersion {
        &self.version
    }

    /// Lets all further sessions work as a role of this name, which may do everything. On a named server they work as whom
    /// they log in as.
    pub(crate) async fn act_as(&mut self, role: &str) -> Result<(), Error> {
        if matches!(self.place, Place::Given(_)) || self.role.as_deref() == Some(role) {
            return Ok(());
        }
        let mut admin = self.admin().await?;
        let there = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)");
        let there = there.bind(role).fetch_one(admin.get()).await;
        admin.close().await;
        let verb = if there.map_err(|error| failure::database(&error))? { "ALTER" } else { "CREATE" };
        self.execute(&format!("{verb} ROLE {} SUPERUSER", ident(role))).await?;
        self.role = Some(role.to_owned());
        Ok(())
    }

    /// As whom sessions work, where that is not who they log in as.
    pub(crate) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// What may be done where a role is missing: a server that goes as a whole may be given one.
    pub(crate) fn missing_roles(&self) -> MissingRoles {
        match self.place {
            Place::Own(_) => MissingRoles::Made,
            Place::Given(_) => MissingRoles::Refused,
        }
    }

    /// Makes an empty database and returns its name.
    pub(crate) async fn create(&mut self) -> Result<String, Error> {
        self.made += 1;
        let name = match &self.place {
            Place::Own(_) => format!("{PREFIX}{}", self.made),
            Place::Given(given) => format!("{PREFIX}{}_{}", given.run, self.made),
        };
        let sql = match (&self.place, self.made) {
            // It is there already, as empty as a new one, which would take a tenth of a second.
            (Place::Own(server), 1) if is_private(server) => {
                format!("ALTER DATABASE postgres RENAME TO {}", ident(&name))
            }
            _ => format!("CREATE DATABASE {} TEMPLATE template0", ident(&name)),
        };
        self.execute(&sql).await.map(|()| name)
    }

    /// Drops a scratch database that is no longer needed. A server of limbeck's own goes with all of them.
    pub(crate) async fn drop(&mut self, name: &str) -> Result<(), Error> {
        match self.place {
            Place::Own(_) => Ok(()),
            Place::Given(_) => self.execute(&format!("DROP DATABASE {}", ident(name))).await,
        }
    }

    /// What limbeck's own statements make in an empty database, without limbeck's own tables where these are named;
    /// `None` if they cannot be loaded just like that.
    pub(crate) async fn rehearse(
        &mut self,
        pieces: &[Piece<'_>],
        own_tables: Option<&StateOptions>,
    ) -> Result<Option<Read>, Error> {
        let Some(statements) = Piece::all_own(pieces) else { return Ok(None) };
        let bare = match (self.bare.take(), &self.place) {
            (Some(bare), _) => bare,
            (None, Place::Own(server)) => own_database(server).to_owned(),
            (None, Place::Given(_)) => self.create().await?,
        };
        let mut connection = self.connect(&bare).await?;
        self.bare = Some(bare);
        let read = match without(&mut connection, own_tables).await {
            Ok(filter) => load::rehearse(&mut connection, &statements, &filter).await,
            Err(error) => Err(error),
        };
        connect::close(connection).await;
        read
    }

    /// Connects to a scratch database. An embedded server serves one connection at a time: close it before the next.
    pub(crate) async fn connect(&self, name: &str) -> Result<PgConnection, Error> {
        let mut connection = open(&*self.connector(name)).await?;
        if let Some(role) = &self.role {
            let become_role = connection.execute(AssertSqlSafe(format!("SET ROLE {}", ident(role)))).await;
            become_role.map_err(|error| failure::database(&error))?;
        }
        Ok(connection)
    }

    fn connector(&self, name: &str) -> Box<dyn Connector> {
        match &self.place {
            Place::Own(server) => Box::new(server.url(name)),
            Place::Given(given) => Box::new(given.spec.clone().with_database(name)),
        }
    }

    async fn execute(&mut self, sql: &str) -> Result<(), Error> {
        let mut connection = self.admin().await?;
        let outcome = connection.get().execute(AssertSqlSafe(sql.to_owned())).await;
        connection.close().await;
        outcome.map(|_| ()).map_err(|error| {
            let problem = failure::database(&error).prefixed("the scratch server refused: ");
            problem.note(format!("the statement was: {sql}")).into()
        })
    }

    async fn admin(&mut self) -> Result<Admin<'_>, Error> {
        match &mut self.place {
            // The embedded server's remarks on a database that it drops are of no use to anybody.
            Place::Own(server) => {
                open(&server.url(own_database(server))).await.map(|own| Admin::Own(Box::new(own)))
            }
            Place::Given(given) => Ok(Admin::Lent(&mut given.admin)),
        }
    }

    /// Ends the server, or drops what was made on the named one.
    pub(crate) async fn close(self) -> Result<(), Error> {
        match self.place {
            Place::Own(server) => server.close().await.map_err(|error| local_problem(error).into()),
            Place::Given(mut given) => {
                let outcome = drop_databases(&mut given.admin, &format!("{PREFIX}{}_", given.run)).await;
                connect::close(given.admin).await;
                outcome
            }
        }
    }
}

/// A session on a scratch server.
async fn open(connector: &dyn Connector) -> Result<PgConnection, Error> {
    let mut connection = connector.connect(crate::APPLICATION).await?;
    connection.execute(SESSION).await.map_err(|error| failure::database(&error))?;
    Ok(connection)
}

/// What leaves limbeck's own tables out, where these are named.
async fn without(connection: &mut PgConnection, own_tables: Option<&StateOptions>) -> Result<Filter, Error> {
    let Some(state) = own_tables else { return Ok(Filter::default()) };
    Ok(Filter::own(&FirstLook::at(connection, state).await?, state))
}

/// Whether it is a server of its own processes, with the databases that `initdb` makes.
fn is_private(server: &ThrowAway) -> bool {
    matches!(server.kind(), Kind::Programs(_))
}

/// The database of a server of limbeck's own in which nothing is made.
fn own_database(server: &ThrowAway) -> &'static str {
    if is_private(server) { "template1" } else { "postgres" }
}

/// A session in which databases are made and dropped.
enum Admin<'a> {
    Own(Box<PgConnection>),
    Lent(&'a mut PgConnection),
}

impl Admin<'_> {
    fn get(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Lent(connection) => connection,
        }
    }

    async fn close(self) {
        if let Self::Own(connection) = self {
            connect::close(*connection).await;
        }
    }
}

impl Given {
    async fn open(spec: ConnectSpec) -> Result<Self, Error> {
        let run = format!("{:012x}", fastrand::u64(..) & 0xffff_ffff_ffff);
        // While this session lives, its application_name says that the run does.
        let mut admin = spec.connect(&format!("{PREFIX}{run}")).await?;
        sweep(&mut admin).await?;
        Ok(Self { spec, admin, run })
    }
}

/// Drops the databases of this role's runs that no longer have a session.
async fn sweep(admin: &mut PgConnection) -> Result<(), Error> {
    let dead = "SELECT DISTINCT substring(datname from '^limbeck_scratch_[0-9a-f]{12}_') FROM pg_database d
        WHERE datname ~ '^limbeck_scratch_[0-9a-f]{12}_[0-9]+$' AND pg_get_userbyid(datdba) = current_user
        AND NOT EXISTS (SELECT FROM pg_stat_activity a
            WHERE a.application_name = substring(d.datname from '^limbeck_scratch_[0-9a-f]{12}'))";
    let rows = sqlx::raw_sql(dead).fetch_all(&mut *admin).await.map_err(|error| failure::database(&error))?;
    for row in rows {
        let prefix: String = row.try_get(0).map_err(|error| failure::database(&error))?;
        drop_databases(admin, &prefix).await?;
    }
    Ok(())
}

async fn drop_databases(admin: &mut PgConnection, prefix: &str) -> Result<(), Error> {
    let failed = |error: sqlx::Error| failure::database(&error);
    let names: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)")
            .bind(prefix)
            .fetch_all(&mut *admin)
            .await
            .map_err(failed)?;
    for name in names {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", ident(&name));
        admin.execute(AssertSqlSafe(sql)).await.map_err(failed)?;
    }
    Ok(())
}

async fn server_version(connection: &mut PgConnection) -> Result<ServerVersion, Error> {
    let sql = "SELECT current_setting('server_version_num')::int4 / 10000, current_setting('server_version')";
    let row = sqlx::query(sql).fetch_one(connection).await.map_err(|error| failure::database(&error))?;
    let read = || Ok((row.try_get::<i32, _>(0)?, row.try_get(1)?));
    let (major, text) = read().map_err(|error: sqlx::Error| failure::database(&error))?;
    Ok(ServerVersion { major: major.unsigned_abs(), text })
}

fn local_problem(error: local::Error) -> Problem {
    let problem = Problem::new(Code::LocalServer, format!("no scratch server: {error}"));
    let or = "or name a server on which databases may be made and dropped: `--scratch URL`, or `url` under [scratch] \
              in limbeck.toml";
    problem.help(match error.help_text() {
        Some(help) => format!("{help}; {or}"),
        None => or.to_owned(),
    })
}

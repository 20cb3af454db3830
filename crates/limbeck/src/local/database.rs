//! The database that belongs to a project when no URL is given.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};

use super::account::Account;
#[cfg(feature = "embedded")]
use super::embedded::Embedded;
use super::folder::{self, Layout, Locked};
use super::server::{self, Others, PidFile, Server, blocking};
use super::watchdog::Hold;
use super::{Error, ErrorKind, Programs, Result, Version};

/// The folder inside the project that holds everything local.
const FOLDER: &str = ".limbeck";

/// The database's name.
const DATABASE: &str = "limbeck";

/// How long to wait for another process that starts or stops the server.
const OTHERS_PATIENCE: Duration = Duration::from_secs(150);

/// Which kind of server to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preference {
    /// The kind whose data are there already; for a new database installed programs, else the embedded one.
    #[default]
    Automatic,
    /// Installed programs only.
    Programs,
    /// The embedded PostgreSQL only.
    Embedded,
}

impl std::str::FromStr for Preference {
    type Err = Error;

    /// Reads what `LIMBECK_LOCAL` may say: `programs`, `embedded`, or nothing.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" | "auto" => Ok(Self::Automatic),
            "programs" => Ok(Self::Programs),
            "embedded" => Ok(Self::Embedded),
            other => {
                Err(Error::new(ErrorKind::NoPrograms, format!("there is no local server of kind `{other}`"))
                    .help("say `programs` or `embedded`"))
            }
        }
    }
}

/// Where a local database lives and how it is run.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// The project's folder; the data are in `.limbeck` inside it.
    pub project_dir: PathBuf,
    /// The major version for a new database, where several are installed (`postgres_version`).
    pub preferred_major: Option<u32>,
    /// Which kind of server.
    pub preference: Preference,
}

impl LocalOptions {
    /// The usual options for a project.
    pub fn new(project_dir: impl Into<PathBuf>) -> Self {
        Self { project_dir: project_dir.into(), preferred_major: None, preference: Preference::default() }
    }
}

/// What runs a local database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A server from installed programs.
    Programs(Programs),
    /// The PostgreSQL inside this program.
    Embedded(Version),
}

/// How many connections a server serves at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// Many, as usual.
    Many,
    /// One after another: a second one waits until the first has gone. There is no cancel and no timeout.
    OneAfterAnother,
}

/// Who started the server of an open local database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// This process.
    Owner,
    /// Another process, whose server is used too.
    Guest,
}

/// A project's local database, open: its server runs as long as this value lives.
///
/// Several processes may have it open at once; the first one starts the server. A server from programs ends
/// when the last of them has gone. The embedded one lives inside its owner: its [`LocalDatabase::close`]
/// waits for the guests.
#[derive(Debug)]
pub struct LocalDatabase {
    kind: Kind,
    url: String,
    socket_dir: PathBuf,
    place: Place,
    ownership: Ownership,
    session: Session,
}

/// What keeps the server running, and says so to others.
#[derive(Debug)]
enum Session {
    Owner {
        server: Server,
        users: File,
    },
    Guest {
        hold: Hold,
        users: File,
        layout: Layout,
    },
    #[cfg(feature = "embedded")]
    Embedded(Embedded),
}

/// The folder of a kind of server for a project.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The server's folder.
    pub(super) root: PathBuf,
    /// Why it is not inside the project.
    elsewhere: Option<String>,
}

/// What the state file says to guests.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    bin_dir: PathBuf,
}

impl LocalDatabase {
    /// Opens a project's local database, making it on first use.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoPrograms`] when neither kind of server can be had, [`ErrorKind::VersionMismatch`] when
    /// the data belong to a version that is not installed, and what concerns folders, waiting and starting.
    pub async fn open(options: LocalOptions) -> Result<Self> {
        let asked = options.clone();
        match blocking(move || choose(&asked)).await? {
            Chosen::Programs => Self::open_programs(options).await,
            Chosen::Embedded => Self::open_embedded(options).await,
        }
    }

    async fn open_programs(options: LocalOptions) -> Result<Self> {
        match blocking(move || start_or_join(&options)).await? {
            Joined::Started { server, users, place } => {
                ensure_database(&server.url("postgres")).await?;
                let state = State { bin_dir: server.programs().bin_dir().to_owned() };
                let json = serde_json::to_string(&state)
                    .map_err(|err| Error::new(ErrorKind::Start, "cannot write the state").source_of(err))?;
                server.announce(&json)?;
                let kind = Kind::Programs(server.programs().clone());
                let socket_dir = server.socket_dir().to_owned();
                Ok(Self::assemble(kind, socket_dir, place, Session::Owner { server, users }))
            }
            Joined::Found { hold, users, layout, programs, place } => {
                let socket_dir = layout.run.clone();
                let session = Session::Guest { hold, users, layout };
                Ok(Self::assemble(Kind::Programs(programs), socket_dir, place, session))
            }
        }
    }

    #[cfg(feature = "embedded")]
    async fn open_embedded(options: LocalOptions) -> Result<Self> {
        let (embedded, place) = blocking(move || {
            let place = place_for(&options.project_dir, "embedded", Account::Own)?;
            Ok((Embedded::open(&place.root, OTHERS_PATIENCE)?, place))
        })
        .await?;
        let socket_dir = embedded.socket_dir().to_owned();
        if embedded.lacks_database() {
            ensure_database(&server::url(&socket_dir, "postgres")).await?;
            embedded.has_database()?;
        }
        let kind = Kind::Embedded(super::embedded::version());
        Ok(Self::assemble(kind, socket_dir, place, Session::Embedded(embedded)))
    }

    #[cfg(not(feature = "embedded"))]
    #[expect(clippy::unused_async, reason = "with the feature it waits")]
    async fn open_embedded(_: LocalOptions) -> Result<Self> {
        Err(not_built_in())
    }

    fn assemble(kind: Kind, socket_dir: PathBuf, place: Place, session: Session) -> Self {
        let ownership = match &session {
            Session::Owner { .. } => Ownership::Owner,
            Session::Guest { .. } => Ownership::Guest,
            #[cfg(feature = "embedded")]
            Session::Embedded(embedded) => embedded.ownership(),
        };
        let url = server::url(&socket_dir, DATABASE);
        Self { kind, url, socket_dir, place, ownership, session }
    }

    /// Its URL, for libpq and for sqlx.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of the Unix socket, which `psql -h` takes; the port is 5432.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The database's name.
    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// The user to connect as, a superuser.
    pub fn user(&self) -> &'static str {
        server::SUPERUSER
    }

    /// What runs it.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// How many connections it serves at a time.
    pub fn concurrency(&self) -> Concurrency {
        match self.kind {
            Kind::Programs(_) => Concurrency::Many,
            Kind::Embedded(_) => Concurrency::OneAfterAnother,
        }
    }

    /// The folder with its data.
    pub fn location(&self) -> &Path {
        &self.place.root
    }

    /// Why the data are not inside the project's folder, if they are not.
    pub fn elsewhere(&self) -> Option<&str> {
        self.place.elsewhere.as_deref()
    }

    /// Who started the server.
    pub fn ownership(&self) -> Ownership {
        self.ownership
    }

    /// One line for a person: which server, and where.
    pub fn describe(&self) -> String {
        let which = match &self.kind {
            Kind::Programs(programs) => {
                format!("PostgreSQL {} from {}", programs.version(), programs.bin_dir().display())
            }
            Kind::Embedded(version) => format!("embedded PostgreSQL {version}"),
        };
        let also = match self.ownership {
            Ownership::Owner => "",
            Ownership::Guest => ", started by another process",
        };
        let why = self.elsewhere().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("local database: {which}, data in {}{why}{also}", self.location().display())
    }

    /// Lets go of it. The last process that does so waits until the server has stopped in good order.
    ///
    /// Dropping does the same without waiting (of the embedded server: without waiting for guests).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Stop`] when the server does not stop in time.
    pub async fn close(self) -> Result<()> {
        match self.session {
            Session::Owner { server, users } => blocking(move || close_owner(server, users)).await,
            Session::Guest { hold, users, layout } => {
                blocking(move || close_guest(hold, users, &layout)).await
            }
            #[cfg(feature = "embedded")]
            Session::Embedded(embedded) => blocking(move || embedded.close()).await,
        }
    }
}

enum Chosen {
    Programs,
    Embedded,
}

/// Decides by the preference, then by the data that are there, then by what is installed.
fn choose(options: &LocalOptions) -> Result<Chosen> {
    match options.preference {
        Preference::Programs => return Ok(Chosen::Programs),
        Preference::Embedded => return Ok(Chosen::Embedded),
        Preference::Automatic => {}
    }
    let local = options.project_dir.join(FOLDER);
    if local.join("postgres/data").exists() {
        return Ok(Chosen::Programs);
    }
    let built_in = cfg!(feature = "embedded");
    if built_in && local.join("embedded").exists() {
        return Ok(Chosen::Embedded);
    }
    match Programs::find(options.preferred_major) {
        Ok(_) => Ok(Chosen::Programs),
        Err(_) if built_in => Ok(Chosen::Embedded),
        Err(err) => {
            let help = err.help_text().unwrap_or_default();
            let help =
                format!("{help}; a limbeck built with the feature `embedded` brings its own PostgreSQL");
            Err(Error::new(err.kind(), err.to_string()).help(help))
        }
    }
}

#[cfg(not(feature = "embedded"))]
pub(super) fn not_built_in() -> Error {
    Error::new(ErrorKind::NotBuiltIn, "this build of limbeck has no embedded PostgreSQL").help(
        "install PostgreSQL's server programs (`apt install postgresql`, `brew install postgresql@17`), or \
         build limbeck with `--features embedded`",
    )
}

enum Joined {
    Started { server: Server, users: File, place: Place },
    Found { hold: Hold, users: File, layout: Layout, programs: Programs, place: Place },
}

/// Starts the server, or finds it running. While another process starts or stops it, this waits.
fn start_or_join(options: &LocalOptions) -> Result<Joined> {
    let account = Account::choose()?;
    let place = place_for(&options.project_dir, "postgres", account)?;
    let layout = Layout::of(&place.root);
    let users = folder::lock_file(&layout.users_lock())?;
    let lock = folder::lock_file(&layout.server_lock())?;
    let deadline = Instant::now() + OTHERS_PATIENCE;
    loop {
        // The users' lock first: whoever closes last holds it alone until the server has stopped.
        if let Locked::Taken = folder::outcome(users.try_lock_shared(), &layout.users_lock())? {
            if let Locked::Taken = folder::outcome(lock.try_lock(), &layout.server_lock())? {
                let server = start(options, layout, account, lock)?;
                return Ok(Joined::Started { server, users, place });
            }
            if let Some((hold, programs)) = join(&layout)? {
                return Ok(Joined::Found { hold, users, layout, programs, place });
            }
            users.unlock().map_err(|err| Error::folder("unlock", &layout.users_lock(), err))?;
        }
        if Instant::now() > deadline {
            return Err(busy(&layout));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn busy(layout: &Layout) -> Error {
    let holder =
        PidFile::read(&layout.data()).map(|file| format!(" (process {})", file.pid)).unwrap_or_default();
    let shown = layout.root.display();
    let message = format!("the PostgreSQL server in {shown}{holder} neither ends nor takes connections");
    Error::new(ErrorKind::Busy, message).help(format!("see its log, {}", layout.log().display()))
}

fn start(options: &LocalOptions, layout: Layout, account: Account, lock: File) -> Result<Server> {
    let data = layout.data();
    let (programs, account) = match fs::metadata(data.join("PG_VERSION")) {
        Ok(meta) => (programs_for(&layout, &meta)?, Account::owning(meta.uid(), meta.gid())),
        Err(_) => (Programs::find(options.preferred_major)?, account),
    };
    Server::durable(programs, layout, account, lock)
}

/// The programs of the major version that wrote the data.
fn programs_for(layout: &Layout, meta: &fs::Metadata) -> Result<Programs> {
    let data = layout.data();
    let own = rustix::process::geteuid();
    if !own.is_root() && own.as_raw() != meta.uid() {
        let message = format!("{} belongs to another user (id {})", data.display(), meta.uid());
        return Err(Error::new(ErrorKind::Folder, message).help("run limbeck as that user, or name a --url"));
    }
    let path = data.join("PG_VERSION");
    let text = fs::read_to_string(&path).map_err(|err| Error::folder("read", &path, err))?;
    let text = text.trim();
    let major = text.parse().map_err(|_| {
        Error::new(ErrorKind::VersionMismatch, format!("{} says `{text}`", path.display()))
            .help("limbeck's local databases are of PostgreSQL 10 or newer")
    })?;
    Programs::of_major(major).map_err(|err| {
        let folder = layout.root.display();
        let message = format!("the local database in {folder} was made by PostgreSQL {major}; {err}");
        let instead = format!("or remove {folder} to begin with an empty database");
        let help = format!("{}, {instead}", err.help_text().unwrap_or("install that version"));
        Error::new(ErrorKind::VersionMismatch, message).help(help)
    })
}

/// Takes hold of a server that runs, if it takes users: first the pipe, then the state, in this order.
fn join(layout: &Layout) -> Result<Option<(Hold, Programs)>> {
    let Some(hold) = Hold::take(&layout.control())? else { return Ok(None) };
    let Ok(state) = fs::read_to_string(layout.state()) else { return Ok(None) };
    let Ok(state) = serde_json::from_str::<State>(&state) else { return Ok(None) };
    Ok(Programs::in_folder(&state.bin_dir).map(|programs| (hold, programs)))
}

/// Whether nobody else uses the server; then the users' lock is ours alone until it is dropped, and nobody
/// comes in before the server has stopped.
fn others(users: &File, layout_users: &Path) -> Result<Others> {
    users.unlock().map_err(|err| Error::folder("unlock", layout_users, err))?;
    Ok(match folder::outcome(users.try_lock(), layout_users)? {
        Locked::Taken => Others::None,
        Locked::Held => Others::Remain,
    })
}

fn close_owner(server: Server, users: File) -> Result<()> {
    let others = others(&users, &server.folder().join("users.lock"))?;
    server.let_go(others)
}

fn close_guest(hold: Hold, users: File, layout: &Layout) -> Result<()> {
    let others = others(&users, &layout.users_lock())?;
    drop(hold);
    if others == Others::Remain {
        return Ok(());
    }
    let lock = folder::lock_file(&layout.server_lock())?;
    let deadline = Instant::now() + OTHERS_PATIENCE;
    while let Locked::Held = folder::outcome(lock.try_lock(), &layout.server_lock())? {
        if Instant::now() > deadline {
            return Err(busy(layout));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

async fn ensure_database(url: &str) -> Result<()> {
    let failed = |err: sqlx::Error| {
        let message = format!("the local server refused to make its database: {err}");
        Error::new(ErrorKind::Database, message).source_of(err)
    };
    let mut connection = PgConnection::connect(url).await.map_err(failed)?;
    let there: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(DATABASE)
        .fetch_optional(&mut connection)
        .await
        .map_err(failed)?;
    if there.is_none() {
        sqlx::query("CREATE DATABASE limbeck").execute(&mut connection).await.map_err(failed)?;
    }
    connection.close().await.map_err(failed)
}

/// Finds or makes the folder for a kind of server: inside the project where the server's user gets there,
/// else in `/var/lib/limbeck` (only when limbeck is root).
fn place_for(project_dir: &Path, kind: &str, account: Account) -> Result<Place> {
    let project =
        fs::canonicalize(project_dir).map_err(|err| Error::folder("find the folder", project_dir, err))?;
    let local = project.join(FOLDER);
    if account == Account::Own || account.can_enter(&project) {
        make_folder(&local)?;
        ignore_in_git(&local)?;
        let root = local.join(kind);
        make_folder(&root)?;
        if account != Account::Own {
            [&local, &root].into_iter().try_for_each(|folder| folder::let_pass(folder))?;
        }
        return Ok(Place { root, elsewhere: None });
    }
    let shelter = Path::new("/var/lib/limbeck");
    let own = shelter.join(format!("{:016x}", folder::path_hash(&project)));
    let root = own.join(kind);
    for folder in [shelter, &own, &root] {
        make_folder(folder)?;
        folder::let_pass(folder)?;
    }
    let note = own.join("project");
    let said = format!("{}\n", project.display());
    fs::write(&note, said).map_err(|err| Error::folder("write", &note, err))?;
    let why = format!("the server does not run as root, and its user cannot enter {}", project.display());
    Ok(Place { root, elsewhere: Some(why) })
}

fn make_folder(path: &Path) -> Result<()> {
    match fs::create_dir(path) {
        Err(err) if err.kind() != io::ErrorKind::AlreadyExists => Err(Error::folder("create", path, err)),
        _ => Ok(()),
    }
}

/// Nothing in the folder belongs into a repository.
fn ignore_in_git(local: &Path) -> Result<()> {
    let path = local.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    fs::write(&path, "*\n").map_err(|err| Error::folder("write", &path, err))
}

//! Where a case runs: its folder, its database, what is on its path.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use limbeck_testdb::{TestDb, TestServer};
use tokio::runtime::Runtime;

use crate::case::{Case, marked};
use crate::filters::Filters;

/// The programs that cases may call beside limbeck's own.
const HELPERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli_support/helpers");
const PROJECTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/projects");
const ADAPTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../apps/adapter");

/// One server for all cases of the process, reached through a runtime that outlives them.
static SERVER: LazyLock<(Runtime, TestServer)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let server = runtime.block_on(TestServer::start(None));
    runtime.block_on(ask_for_passwords(&server));
    // Cases may run as an unprivileged user, who must reach the socket.
    for folder in server.socket_dir().ancestors().take_while(|folder| *folder != Path::new("/tmp")) {
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
    }
    (runtime, server)
});

/// A cache for all cases of the process: the first one that needs a scratch server makes the template, and what one worked
/// out another one may use. It is new in every process, since what an older limbeck worked out would hide faults.
static CACHE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let made = tempfile::Builder::new().prefix("limbeck-cli-cache-").tempdir();
    made.unwrap_or_else(|error| panic!("no folder for a cache: {error}"))
});

/// Members of the role `locked` need their password.
async fn ask_for_passwords(server: &TestServer) {
    let lines = "local all +locked scram-sha-256\\nlocal all all trust\\n";
    let sql = format!(
        "CREATE ROLE locked; DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', \
         'cat >/dev/null; printf ''{lines}'' > ' || current_setting('hba_file')); END $$; SELECT pg_reload_conf()"
    );
    let mut connection = server.connect("postgres").await;
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("cannot write pg_hba.conf: {error}"));
}

/// A case's surroundings.
pub(crate) struct Place {
    root: tempfile::TempDir,
    folder: PathBuf,
    database: Option<TestDb>,
}

impl Place {
    pub(crate) fn new(case: &Case) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("limbeck-cli-").tempdir()?;
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755))?;
        let root_path = root.path().canonicalize()?;
        let folder = root_path.join("work");
        fs::create_dir(&folder)?;
        programs(&root_path.join("bin"))?;
        if let Some(name) = &case.project {
            let from =
                if name == "adapter" { PathBuf::from(ADAPTER) } else { Path::new(PROJECTS).join(name) };
            for part in ["limbeck.toml", "migrations", "src/models", "schema"] {
                if from.join(part).exists() {
                    fs::create_dir_all(folder.join(part).parent().unwrap_or(&folder))?;
                    copy(&from.join(part), &folder.join(part))?;
                }
            }
        }
        let database = case.with_database.then(|| {
            let (runtime, server) = &*SERVER;
            runtime.block_on(server.create_db())
        });
        Ok(Self { root, folder, database })
    }

    /// What is replaced in output by which name.
    pub(crate) fn names(&self) -> Vec<(String, &'static str)> {
        let mut names = vec![
            (self.folder.display().to_string(), "[WORK]"),
            (self.root.path().display().to_string(), "[ROOT]"),
        ];
        if let Some(database) = &self.database {
            let socket = SERVER.1.socket_dir().display().to_string();
            names.push((database.name().to_owned(), "[DB]"));
            names.push((socket.replace('/', "%2F"), "[SOCKET]"));
            names.push((socket, "[SOCKET]"));
        }
        names
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        fs::write(path, text)
    }

    pub(crate) fn run(&mut self, command: &str) -> io::Result<Output> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&self.folder).env_clear();
        let bin = self.root.path().join("bin");
        let mut path = vec![bin.display().to_string(), HELPERS.to_owned()];
        if let Some(database) = &self.database {
            path.push(SERVER.1.bin_dir().display().to_string());
            // What the helpers use; limbeck itself is told by DATABASE_URL alone.
            shell.env("DATABASE_URL", database.url()).env("CASE_URL", database.url());
            shell.env("CASE_DB", database.name()).env("CASE_BIN", SERVER.1.bin_dir());
        }
        path.push("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
        shell.env("PATH", path.join(":")).env("HOME", self.root.path()).env("LC_ALL", "C.UTF-8");
        shell.env("CASE_ROOT", self.root.path()).env("XDG_CACHE_HOME", CACHE.path());
        let output = shell.output()?;
        Ok(Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        })
    }
}

/// What a command left.
pub(crate) struct Output {
    stdout: String,
    stderr: String,
    code: i32,
}

impl Output {
    /// Both streams.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// As it stands in a case.
    pub(crate) fn transcript(&self, filters: &mut Filters) -> String {
        let mut text = String::new();
        for (mark, stream) in [('|', &self.stdout), ('!', &self.stderr)] {
            for line in filters.apply(stream).lines() {
                text.push_str(&marked(mark, line));
                text.push('\n');
            }
        }
        if self.code != 0 {
            text.push_str(&format!("= {}\n", self.code));
        }
        text
    }
}

/// `limbeck` and `alembic`, where every user can reach them.
fn programs(bin: &Path) -> io::Result<()> {
    fs::create_dir(bin)?;
    let program = bin.join("limbeck");
    let built = env!("CARGO_BIN_EXE_limbeck");
    if fs::hard_link(built, &program).is_err() {
        fs::copy(built, &program)?;
    }
    symlink("limbeck", bin.join("alembic"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

//! Verbs that work on scratch servers are killed: the run after them does as if nothing had happened, and nothing is
//! left of either, neither databases nor roles, processes or folders.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use limbeck_testdb::TestServer;
use sqlx::PgConnection;
use tokio::process::Command;

use super::bed::{PATIENCE, ended, said};

/// So many runs die, after equal parts of the time that an undisturbed one takes.
const DEATHS: u32 = 8;

/// A verb, and what it ends with.
struct Verb {
    args: &'static [&'static str],
    /// 1 where something differs.
    code: i32,
    /// Whether a revision is written.
    writes: bool,
}

const CHECK: Verb = Verb { args: &["check"], code: 1, writes: false };
const AUTOGENERATE: Verb =
    Verb { args: &["revision", "--autogenerate", "-m", "phones", "--rev-id", "n2"], code: 0, writes: true };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_on_a_server_of_its_own() {
    on_own_server(&CHECK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autogenerate_on_a_server_of_its_own() {
    on_own_server(&AUTOGENERATE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_on_a_named_server() {
    on_named_server(&CHECK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autogenerate_on_a_named_server() {
    on_named_server(&AUTOGENERATE).await;
}

async fn on_own_server(verb: &Verb) {
    let bench = Bench::new(None);
    let time = bench.undisturbed(verb).await;
    for death in 1..DEATHS {
        bench.dies_after(verb, time * death / DEATHS).await;
        bench.nobody_works().await;
        bench.runs(verb).await;
        bench.nobody_works().await;
        assert_eq!(names(&bench.temporary()), Vec::<String>::new(), "death {death}");
    }
}

async fn on_named_server(verb: &Verb) {
    let server = TestServer::start(None).await;
    let mut admin = server.connect("postgres").await;
    let before = databases_and_roles(&mut admin).await;
    let bench = Bench::new(Some(server.url("postgres")));
    let time = bench.undisturbed(verb).await;
    assert_eq!(databases_and_roles(&mut admin).await, before);
    let mut left = 0;
    for death in 1..DEATHS {
        bench.dies_after(verb, time * death / DEATHS).await;
        // Its backends end when they notice; a run that they belong to counts as alive.
        until_alone(&mut admin).await;
        left += databases_and_roles(&mut admin).await.len() - before.len();
        bench.runs(verb).await;
        assert_eq!(databases_and_roles(&mut admin).await, before, "death {death}");
    }
    eprintln!("{:?}: {left} databases were left by {} killed runs", verb.args, DEATHS - 1);
    drop(admin);
    server.close().await;
}

/// A project, and folders that nobody else uses.
struct Bench {
    root: tempfile::TempDir,
    scratch: Option<String>,
}

impl Bench {
    fn new(scratch: Option<String>) -> Self {
        // A short path, as sockets need it, that PostgreSQL's own user can enter.
        let root = tempfile::Builder::new().prefix("lk-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        let bench = Self { root, scratch };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/models"), &bench.folder("work"));
        let model = bench.folder("work/src/models/mod.rs");
        let text = fs::read_to_string(&model).unwrap();
        let field = "pub name: Option<String>,";
        assert!(text.contains(field));
        fs::write(&model, text.replacen(field, &format!("{field}\n    pub phone: Option<String>,"), 1))
            .unwrap();
        fs::create_dir(bench.temporary()).unwrap();
        fs::set_permissions(bench.temporary(), Permissions::from_mode(0o1777)).unwrap();
        bench
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn temporary(&self) -> PathBuf {
        self.folder("tmp")
    }

    /// The verb, at the beginning: nothing is known from before, and no revision is written.
    fn command(&self, verb: &Verb) -> Command {
        _ = fs::remove_dir_all(self.folder("cache/limbeck/schemas"));
        for written in self.written() {
            fs::remove_file(written).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_limbeck"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_COLOR", "1");
        command.env("TMPDIR", self.temporary()).env("XDG_CACHE_HOME", self.folder("cache"));
        command.env("HOME", self.root.path()).current_dir(self.folder("work")).args(verb.args);
        if let Some(url) = &self.scratch {
            command.args(["--scratch", url]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// The new revision.
    fn written(&self) -> Vec<PathBuf> {
        let folder = self.folder("work/migrations/versions");
        names(&folder).iter().filter(|name| name.contains("n2")).map(|name| folder.join(name)).collect()
    }

    async fn undisturbed(&self, verb: &Verb) -> Duration {
        // The first run also makes a cluster to copy.
        self.runs(verb).await;
        let began = Instant::now();
        self.runs(verb).await;
        began.elapsed()
    }

    /// The verb ends as it should.
    async fn runs(&self, verb: &Verb) {
        let output: Output = ended(self.command(verb).spawn().unwrap()).await;
        assert_eq!(output.status.code(), Some(verb.code), "{:?}: {}", verb.args, said(&output));
        assert_eq!(self.written().len(), usize::from(verb.writes), "{}", said(&output));
    }

    /// The verb is killed, or has ended before.
    async fn dies_after(&self, verb: &Verb, time: Duration) {
        let mut child = self.command(verb).spawn().unwrap();
        tokio::time::sleep(time).await;
        child.kill().await.unwrap();
        // A revision is there as a whole or not at all.
        for written in self.written() {
            let text = fs::read_to_string(&written).unwrap();
            assert!(text.contains("-- limbeck:downgrade"), "half a file:\n{text}");
        }
        let versions = names(&self.folder("work/migrations/versions"));
        assert!(versions.iter().all(|name| name.ends_with(".sql")), "{versions:?}");
    }

    /// Waits until no process has to do with the folder: what a dead run began ends by itself.
    async fn nobody_works(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(process) = process_with(&self.temporary()) {
            assert!(Instant::now() < deadline, "it is still there: {process}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The command line of a process that names a folder or works in it.
fn process_with(folder: &Path) -> Option<String> {
    let folder = folder.to_str().unwrap();
    let line = |process: PathBuf| {
        let line = fs::read(process.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let place = fs::read_link(process.join("cwd")).unwrap_or_default();
        (line.contains(folder) || place.starts_with(folder)).then_some(line)
    };
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| line(entry.path()))
}

async fn databases_and_roles(admin: &mut PgConnection) -> Vec<String> {
    let sql = "SELECT 'database ' || datname FROM pg_database UNION ALL SELECT 'role ' || rolname FROM pg_roles ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(admin).await.unwrap()
}

async fn until_alone(admin: &mut PgConnection) {
    let sql = "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let deadline = Instant::now() + PATIENCE;
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut *admin).await.unwrap() {
        assert!(Instant::now() < deadline, "somebody is still connected");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            drop(fs::copy(entry.path(), target))
        }
    }
}

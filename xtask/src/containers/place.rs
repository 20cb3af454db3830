//! A copy of the repository in which the test plays: commands typed there change nothing here.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::docker::{self, Images, Source};
use super::http;
use super::session::{On, Output, Session};
use crate::run::{Done, Failed, output, program, run, succeeds};

/// What Compose calls the folder's project; the guide names its volume.
const PROJECT: &str = "compose";

/// The repository's copy, in a folder with the programs and whatever is typed.
const COPY: &str = "transform-army";

/// A password that no log may show.
pub(crate) const PASSWORD: &str = "hush-hush-4711";
pub(crate) const ADMIN_KEY: &str = "9f2c1e7ab0d45c3388e6f1720a4b9d5e";

/// What a revision does that goes on when the gate is open.
pub(crate) const GATE: &str = "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_tables WHERE tablename = 'gate') LOOP \
                               PERFORM pg_sleep(0.1); END LOOP; END $$;";

/// The copy, the ports, the images.
pub(crate) struct Place {
    root: PathBuf,
    pub(crate) images: Images,
    pub(crate) ports: Ports,
    pub(crate) patience: Duration,
    blocks: Cell<usize>,
}

/// Where the services are published, so that they meet none that runs on this machine already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) redis: u16,
    pub(crate) adapter: u16,
    pub(crate) web: u16,
    pub(crate) proxy: u16,
    /// The first of ten, for the adapters in production.
    pub(crate) adapters: u16,
}

impl Place {
    /// Copies the repository and builds the images.
    pub(crate) fn make(source: Source) -> Result<Self, Failed> {
        insist_on_no_project()?;
        let root = env::temp_dir().join(format!("limbeck-containers-{}", std::process::id()));
        let failed = |why: std::io::Error| Failed::new(format!("{}: {why}", root.display()));
        fs::create_dir_all(root.join(COPY)).map_err(failed)?;
        copy_repository(&root.join(COPY))?;
        let images = docker::build(source, &root.join(COPY), &root.join("bin"))?;
        let patience = match source {
            Source::Prebuilt => Duration::from_secs(900),
            // The first start of the dev container compiles everything.
            Source::Sources => Duration::from_secs(3600),
        };
        Ok(Self { root, images, ports: Ports::free()?, patience, blocks: Cell::new(0) })
    }

    /// A path in the copy.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(COPY).join(path)
    }

    /// Types a block in a folder of the copy, and returns what is shown.
    pub(crate) fn bash(&self, folder: &str, text: &str, on: On) -> Result<Output, Failed> {
        self.start(folder, text, on)?.end()
    }

    /// The same without waiting for its end.
    pub(crate) fn start(&self, folder: &str, text: &str, on: On) -> Result<Session, Failed> {
        let number = self.blocks.replace(self.blocks.get() + 1);
        let script = self.root.join(format!("block-{number}.sh"));
        fs::write(&script, text).map_err(|why| Failed::new(format!("{}: {why}", script.display())))?;
        let mut bash = program("bash");
        bash.current_dir(self.path(folder));
        self.environment(&mut bash);
        Session::start(bash, &script, on, self.patience)
    }

    /// A command of Compose on the development's file, that must succeed.
    pub(crate) fn dev(&self, words: &str) -> Result<Output, Failed> {
        self.bash("infra/compose", &format!("docker-compose -f docker-compose.dev.yml {words}"), On::Pipe)?
            .ok()
    }

    /// The same on the production's.
    pub(crate) fn prod(&self, words: &str) -> Result<Output, Failed> {
        self.bash("infra/compose", &format!("docker-compose -f docker-compose.prod.yml {words}"), On::Pipe)
    }

    /// What the database says, a row a line.
    pub(crate) fn sql(&self, sql: &str) -> Result<String, Failed> {
        let psql = "psql -X -v ON_ERROR_STOP=1 -At -U postgres -d transform_army";
        Ok(self.dev(&format!("exec -T postgres {psql} -c \"{sql}\""))?.text.trim().to_owned())
    }

    /// Lets a revision go on that waits for [`GATE`].
    pub(crate) fn open_gate(&self) -> Done {
        self.sql("CREATE TABLE gate ()").map(drop)
    }

    /// The version table's rows.
    pub(crate) fn version(&self) -> Result<String, Failed> {
        self.sql("SELECT version_num FROM alembic_version ORDER BY 1")
    }

    /// An error unless the version table has this row, and no other.
    pub(crate) fn is_at(&self, expected: &str) -> Done {
        match self.version()? {
            version if version == expected => Ok(()),
            version => Err(Failed::new(format!("the database is at {version}, not at {expected}"))),
        }
    }

    /// The containers of a service in production.
    pub(crate) fn containers(&self, service: &str) -> Result<BTreeSet<String>, Failed> {
        let ids = self.prod(&format!("ps -q {service}"))?.ok()?;
        Ok(ids.text.lines().map(str::to_owned).collect())
    }

    /// The only container of a service in production.
    pub(crate) fn container(&self, service: &str) -> Result<String, Failed> {
        let found = self.containers(service)?;
        let one = found.first().filter(|_| found.len() == 1).cloned();
        one.ok_or_else(|| Failed::new(format!("not one container of {service}: {found:?}")))
    }

    /// `alembic` in apps/adapter, that must succeed.
    pub(crate) fn alembic(&self, words: &str) -> Result<Output, Failed> {
        self.bash("apps/adapter", &format!("alembic {words}"), On::Pipe)?.ok()
    }

    /// Waits until something is so.
    pub(crate) fn eventually(&self, what: &str, mut is_so: impl FnMut() -> bool) -> Done {
        let begun = Instant::now();
        while !is_so() {
            if begun.elapsed() > self.patience {
                return Err(Failed::new(format!("never: {what}")));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Starts the development's stack, and waits until the last of it answers.
    pub(crate) fn up(&self) -> Done {
        self.dev("up -d")?;
        self.ready()
    }

    /// Waits until the adapter is ready and the page is there.
    pub(crate) fn ready(&self) -> Done {
        self.eventually("the adapter is ready", || http::is_ok(self.ports.adapter, "/health/ready"))?;
        self.eventually("the page answers", || http::is_ok(self.ports.web, "/health"))
    }

    fn environment(&self, command: &mut Command) {
        let ports = self.ports;
        let path = env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.root.join("bin")).chain(env::split_paths(&path));
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if ["PG", "DB_", "LIMBECK_", "COMPOSE_", "ADAPTER_", "WEB_"].iter().any(|p| text.starts_with(p)) {
                command.env_remove(&name);
            }
        }
        let url = format!("postgresql://postgres:{PASSWORD}@127.0.0.1:{}/transform_army", ports.postgres);
        command
            .env("PATH", env::join_paths(path).unwrap_or_default())
            .env("DATABASE_URL", url)
            .env("NO_COLOR", "1")
            // How long Compose waits for Docker: a busy machine is no failure.
            .env("COMPOSE_HTTP_TIMEOUT", "900")
            .envs([("POSTGRES_PASSWORD", PASSWORD), ("ADMIN_API_KEY", ADMIN_KEY)])
            .envs([("DEV_IMAGE", self.images.dev), ("ADAPTER_IMAGE", self.images.adapter)])
            .env("WEB_IMAGE", self.images.web)
            .env("POSTGRES_PORT", ports.postgres.to_string())
            .env("REDIS_PORT", ports.redis.to_string())
            .env("ADAPTER_PORT", ports.adapter.to_string())
            .env("WEB_PORT", ports.web.to_string())
            .env("PROXY_PORT", ports.proxy.to_string())
            .env("ADAPTER_PORTS", format!("{}-{}", ports.adapters, ports.adapters + 9));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // With all volumes: they are the test's own, it has insisted on that.
        let down = "docker-compose -f docker-compose.dev.yml down --volumes --remove-orphans --timeout 2";
        if let Err(why) = self.bash("infra/compose", down, On::Pipe).and_then(Output::ok) {
            eprintln!("containers: not everything is removed: {}", why.why);
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The text of a revision with these two sections; line 10 is the first of the upgrade.
pub(crate) fn revision(id: &str, down: &str, [upgrade, downgrade]: [&str; 2]) -> String {
    format!(
        "-- {id}\n--\n-- revision: {id}\n-- down_revision: {down}\n-- branch_labels:\n-- depends_on:\n\
         -- created: 2026-11-01 14:30 UTC\n\n-- limbeck:upgrade\n{upgrade}\n\n-- limbeck:downgrade\n{downgrade}\n"
    )
}

impl Ports {
    fn free() -> Result<Self, Failed> {
        let failed = |why: std::io::Error| Failed::new(format!("no free port: {why}"));
        let listen = || TcpListener::bind(("127.0.0.1", 0));
        // All at once, so that they differ.
        let listeners: Vec<_> = (0..5).map(|_| listen()).collect::<Result<_, _>>().map_err(failed)?;
        let ports: Vec<u16> = listeners
            .iter()
            .map(|l| l.local_addr().map(|a| a.port()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        // Below the ports that the system gives out.
        let adapters = (20_000..30_000).step_by(10).find(|first| (*first..first + 10).all(is_free));
        let adapters = adapters.ok_or_else(|| Failed::new("no ten free ports in a row"))?;
        Ok(Self {
            postgres: ports[0],
            redis: ports[1],
            adapter: ports[2],
            web: ports[3],
            proxy: ports[4],
            adapters,
        })
    }
}

/// The guide's names are the names of a developer's own containers and data.
fn insist_on_no_project() -> Done {
    let label = format!("label=com.docker.compose.project={PROJECT}");
    let list = |words: &[&str]| output(program("docker").args(words).args(["--quiet", "--filter", &label]));
    let containers = list(&["ps", "--all"]).unwrap_or_default();
    let volumes = list(&["volume", "ls"]).unwrap_or_default();
    match containers.is_empty() && volumes.is_empty() {
        true => Ok(()),
        false => Err(Failed::new(
            "Containers or volumes of a Compose project called `compose` are there. The container test types the guide, which \
             destroys them: remove them yourself (`docker-compose -f infra/compose/docker-compose.dev.yml down --volumes`).",
        )),
    }
}

/// All files that Git knows or would take, as they are now.
fn copy_repository(to: &Path) -> Done {
    if !succeeds(program("git").args(["rev-parse", "--git-dir"])) {
        return Err(Failed::new("the container test copies the repository, and needs git for that"));
    }
    let copy = "git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do \
                [ ! -e \"$file\" ] || printf '%s\\0' \"$file\"; done | tar --null --files-from=- -c | tar -x -C \"$0\"";
    run(program("bash").args(["-eu", "-o", "pipefail", "-c", copy]).arg(to))
}

//! `cargo xtask servers`: versions of PostgreSQL that neither this machine nor a wheel has, in containers.
//!
//! Images need no registry: a Debian of that version's time is made by debootstrap, and its package installed in it.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::postgres::UNATTENDED;
use crate::run::{Done, Failed, cargo, program, run, succeeds};
use crate::venv::{self, ALEMBIC};
use crate::{places, servers};

/// Debian's release, and the PostgreSQL in it.
const VERSIONS: [(&str, u32); 2] = [("bullseye", 13), ("trixie", 17)];

const ADVICE: &str = "this needs root, Docker (docker info) and debootstrap (apt-get install debootstrap)";

/// Starts the servers, runs the tests that are for them, and removes what it started. The images are kept.
pub(crate) fn test() -> Done {
    if !succeeds(program("docker").arg("info")) || !succeeds(program("debootstrap").arg("--version")) {
        return Err(Failed::new(ADVICE));
    }
    let conformance = places::conformance_dir()?;
    let wheel = servers::ensure(&venv::python_of(&ALEMBIC.ensure()?))?;
    let mut tests = cargo()?;
    tests.args([
        "test",
        "--package",
        "limbeck",
        "--test",
        "catalog",
        "--test",
        "diff",
        "--test",
        "diff_pairs",
    ]);
    tests.args(["--", "--ignored", "in_a_container"]);
    tests.env("LIMBECK_CONFORMANCE_DIR", conformance).env("LIMBECK_TEST_PGSERVER", wheel);
    let mut running = Vec::new();
    for (release, version) in VERSIONS {
        let container = Container::start(&image(release, version)?, version)?;
        tests.env(format!("LIMBECK_TEST_SOCKET_{version}"), &container.socket);
        running.push(container);
    }
    run(&mut tests)
}

/// The image's name; it is made if it is not there.
fn image(release: &str, version: u32) -> Result<String, Failed> {
    let image = format!("limbeck-test-postgres:{version}");
    if succeeds(program("docker").args(["image", "inspect", &image])) {
        return Ok(image);
    }
    let folder = std::env::temp_dir().join(format!("limbeck-{release}-{}", std::process::id()));
    let made = system(release, &folder).and_then(|()| install(release, version, &image));
    _ = fs::remove_dir_all(&folder);
    made.map(|()| image)
}

fn base(release: &str) -> String {
    format!("limbeck-test-debian:{release}")
}

/// A Debian of this release as an image.
fn system(release: &str, folder: &Path) -> Done {
    let mut bootstrap = program("debootstrap");
    bootstrap.args(["--variant=minbase", release]).arg(folder);
    // Its packages are configured in the new system, and would ask there as they ask anywhere.
    run(bootstrap.envs([UNATTENDED]).stdin(Stdio::null()))?;
    let mut tar = program("tar");
    let mut tar =
        tar.arg("-C").arg(folder).args(["-c", "."]).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut import = program("docker");
    import.args(["import", "-", &base(release)]);
    if let Some(archive) = tar.stdout.take() {
        import.stdin(archive);
    }
    run(&mut import)?;
    let ended = tar.wait().map_err(failed)?;
    if ended.success() { Ok(()) } else { Err(Failed::new(format!("tar: {ended}"))) }
}

fn install(release: &str, version: u32, image: &str) -> Done {
    let (asks, nobody) = UNATTENDED;
    let text = format!(
        "FROM {}\nARG {asks}={nobody}\n\
         ENV PATH=/usr/lib/postgresql/{version}/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         RUN mkdir -p /etc/postgresql-common && echo create_main_cluster=false > /etc/postgresql-common/createcluster.conf \
         && apt-get update -q && apt-get install -q -y --no-install-recommends postgresql && apt-get clean\n",
        base(release)
    );
    let mut build = Command::new("docker");
    let mut build = build.args(["build", "-t", image, "-"]).stdin(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut input) = build.stdin.take() {
        input.write_all(text.as_bytes()).map_err(failed)?;
    }
    let ended = build.wait().map_err(failed)?;
    if ended.success() { Ok(()) } else { Err(Failed::new(format!("docker build of {image}: {ended}"))) }
}

/// A server that goes with this value.
struct Container {
    name: String,
    /// The folder of its socket.
    socket: PathBuf,
}

impl Container {
    fn start(image: &str, version: u32) -> Result<Self, Failed> {
        const SERVE: &str = "install -d -o postgres /data && exec su postgres -s /bin/sh -c \"PATH=$PATH; \
            initdb -D /data -A trust -E UTF8 --locale=C >/dev/null && exec postgres -D /data -k /socket -c listen_addresses= -c fsync=off\"";
        let name = format!("limbeck-test-postgres-{version}-{}", std::process::id());
        let container = Self { socket: PathBuf::from(format!("/tmp/{name}")), name };
        fs::create_dir_all(&container.socket).map_err(failed)?;
        fs::set_permissions(&container.socket, Permissions::from_mode(0o1777)).map_err(failed)?;
        let mount = format!("{}:/socket", container.socket.display());
        let mut start = program("docker");
        start.args(["run", "--detach", "--rm", "--name", &container.name, "--volume", &mount, image]);
        run(start.args(["sh", "-c", SERVE]))?;
        for _ in 0..600 {
            if succeeds(program("docker").args(["exec", &container.name, "pg_isready", "-h", "/socket"])) {
                return Ok(container);
            }
            thread::sleep(Duration::from_millis(200));
        }
        Err(Failed::new(format!(
            "the server in {} does not start: docker logs {}",
            container.name, container.name
        )))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        _ = succeeds(program("docker").args(["rm", "--force", &self.name]));
        _ = fs::remove_dir_all(&self.socket);
    }
}

fn failed(why: std::io::Error) -> Failed {
    Failed::new(why.to_string())
}

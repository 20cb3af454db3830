//! Docker, Compose, and the images under test.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::places;
use crate::postgres::{apt_install, can_apt, is_root};
use crate::run::{Done, Failed, cargo, output, program, run, succeeds};

const ADVICE: &str = "The container test needs Docker with Compose. Install them:\n  \
     Debian           apt-get install docker.io docker-compose\n  \
     Ubuntu           apt-get install docker.io docker-compose-v2\n  \
     Fedora           dnf install moby-engine docker-compose\n  \
     elsewhere        https://docs.docker.com/engine/install/";

/// Where the programs of the images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Built on this machine, and copied.
    Prebuilt,
    /// Built inside.
    Sources,
}

/// The names of the images under test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Images {
    pub(crate) dev: &'static str,
    pub(crate) adapter: &'static str,
    pub(crate) web: &'static str,
}

const PREBUILT: Images = Images {
    dev: "transform-army/adapter:test-dev",
    adapter: "transform-army/adapter:test",
    web: "transform-army/web:test",
};
const FROM_SOURCES: Images = Images {
    dev: "transform-army/adapter:dev",
    adapter: "transform-army/adapter:latest",
    web: "transform-army/web:latest",
};

/// Packages, and the programs that they make.
const PROGRAMS: [(&str, &str); 3] = [("limbeck-cli", "limbeck"), ("adapter", "adapter"), ("web", "web")];

const PLUGIN: &str = "docker compose";

/// An image of a service may be as large as this.
const LIMIT: u64 = 150_000_000;

/// Docker answers, or the error says what to install or to start.
pub(crate) fn ensure() -> Done {
    let installed = || succeeds(program("docker").arg("--version")) && compose().is_some();
    if !installed() && can_apt() {
        apt_install(&["docker.io", "docker-compose"])?;
    }
    if !installed() {
        return Err(Failed::new(ADVICE));
    }
    let answers = || succeeds(program("docker").arg("version"));
    if !answers() && is_root() {
        run(program("service").args(["docker", "start"]))
            .unwrap_or_else(|why| eprintln!("xtask: {}", why.why));
        (0..180).any(|_| {
            thread::sleep(Duration::from_secs(1));
            answers()
        });
    }
    match answers() {
        true => Ok(()),
        false => Err(Failed::new(
            "Docker is installed, but its daemon does not answer. Start it (`systemctl start docker`, or `service docker \
             start`), and see to it that you may use it (`usermod -aG docker $USER`).",
        )),
    }
}

/// How Compose is called here: the program that the guide types, else the plugin.
pub(crate) fn compose() -> Option<&'static str> {
    let program_is_there = succeeds(program("docker-compose").arg("version"));
    let plugin_is_there = || succeeds(program("docker").args(["compose", "version"]));
    match program_is_there {
        true => Some("docker-compose"),
        false => plugin_is_there().then_some(PLUGIN),
    }
}

/// What `docker inspect` says of a container, in this format; nothing if there is none.
pub(crate) fn inspect(container: &str, format: &str) -> String {
    output(program("docker").args(["inspect", "--format", format, container])).unwrap_or_default()
}

/// Where a container's ports are published, a line each.
pub(crate) fn published(container: &str) -> String {
    output(program("docker").args(["port", container])).unwrap_or_default()
}

/// Builds the images under test, and stand-ins for the base images that are out of reach. `context` is a copy of the
/// repository, `bin` a folder for the programs of this machine.
pub(crate) fn build(source: Source, context: &Path, bin: &Path) -> Result<Images, Failed> {
    let mut bases = vec!["debian:bookworm-slim", "postgres:15", "redis:7", "haproxy:2.6"];
    bases.extend((source == Source::Sources).then_some("rust:1-bookworm"));
    // The script says what to install where this cannot.
    if !succeeds(program("debootstrap").arg("--version")) && can_apt() {
        apt_install(&["debootstrap"])?;
    }
    run(program("infra/stand-ins.sh").args(bases))?;
    install_programs(bin)?;
    if source == Source::Prebuilt {
        copy_programs(bin, &context.join("bin"))?;
    }
    let (images, targets) = match source {
        Source::Prebuilt => (PREBUILT, ["adapter-prebuilt", "web-prebuilt", "dev-prebuilt"]),
        Source::Sources => (FROM_SOURCES, ["adapter", "web", "dev"]),
    };
    let dockerfile = context.join("apps/adapter/Dockerfile");
    for (target, name) in targets.into_iter().zip([images.adapter, images.web, images.dev]) {
        let begun = Instant::now();
        let mut build = program("docker");
        build.args(["build", "--target", target, "--tag", name, "--file"]).arg(&dockerfile).arg(context);
        if source == Source::Prebuilt {
            build.arg("--quiet");
        }
        run(&mut build)?;
        eprintln!("containers: {name} was built in {} s", begun.elapsed().as_secs());
    }
    for name in [images.adapter, images.web] {
        runs(name)?;
        report_size(name, source)?;
    }
    Ok(images)
}

/// Builds the programs here: for images that take them, and for the guide's commands outside of containers.
fn install_programs(bin: &Path) -> Done {
    let packages = PROGRAMS.into_iter().flat_map(|(package, _)| ["--package", package]);
    run(cargo()?.args(["build", "--no-default-features"]).args(packages))?;
    let failed = |why: std::io::Error| Failed::new(format!("{}: {why}", bin.display()));
    copy_programs(&places::target_dir()?.join("debug"), bin)?;
    symlink("limbeck", bin.join("alembic")).map_err(failed)?;
    if compose() == Some(PLUGIN) {
        let here = bin.join("docker-compose");
        fs::write(&here, format!("#!/bin/sh\nexec {PLUGIN} \"$@\"\n")).map_err(failed)?;
        fs::set_permissions(here, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    Ok(())
}

fn copy_programs(from: &Path, to: &Path) -> Done {
    let failed = |why: std::io::Error| Failed::new(format!("{}: {why}", to.display()));
    fs::create_dir_all(to).map_err(failed)?;
    for (_, name) in PROGRAMS {
        fs::copy(from.join(name), to.join(name)).map_err(failed)?;
    }
    Ok(())
}

/// Programs of a newer system than the image's find no C library in there.
fn runs(image: &str) -> Done {
    let program_of = if image.contains("/web:") { "web" } else { "limbeck" };
    let mut version = program("docker");
    version.args(["run", "--rm", "--entrypoint", program_of, image, "--version"]);
    run(&mut version).map_err(|failed| {
        let hint = "programs built on this machine do not run in the image; `cargo xtask containers --from-source` builds \
                    them inside";
        Failed { why: format!("{}\n{hint}", failed.why), ..failed }
    })
}

fn report_size(image: &str, source: Source) -> Done {
    let size = output(program("docker").args(["image", "inspect", "--format", "{{.Size}}", image]));
    let size: u64 =
        size.and_then(|size| size.parse().ok()).ok_or_else(|| Failed::new(format!("no size of {image}")))?;
    eprintln!("containers: {image} has {} MB", size / 1_000_000);
    // Programs with their debug information count for nothing.
    match source == Source::Sources && size > LIMIT {
        true => Err(Failed::new(format!("{image} is larger than {} MB", LIMIT / 1_000_000))),
        false => Ok(()),
    }
}

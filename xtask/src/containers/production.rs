//! The production's compose file: no default passwords, several adapters at once, nothing published or writable that need
//! not be.

use std::fs;

use super::docker;
use super::guide::Guide;
use super::http;
use super::place::{PASSWORD, Place};
use super::session::{On, Output};
use crate::run::{Done, Failed};

/// Without `.env`, every command says which variable is missing.
pub(crate) fn refuses_without_passwords(place: &Place) -> Done {
    for variable in ["POSTGRES_PASSWORD", "ADMIN_API_KEY"] {
        let text = format!("unset {variable}; docker-compose -f docker-compose.prod.yml up -d");
        let output = place.bash("infra/compose", &text, On::Pipe)?;
        if output.code == 0 {
            return Err(output.failed("it starts without a password"));
        }
        output.says(&[&format!("{variable} is not set"), ".env.example"])?;
    }
    Ok(())
}

/// How many adapters are ready.
pub(crate) fn ready_adapters(place: &Place) -> usize {
    let first = place.ports.adapters;
    (first..first + 10).filter(|port| http::is_ok(*port, "/health/ready")).count()
}

/// Waits until all of them are ready, on an empty database, and looks whether it was migrated once.
pub(crate) fn all_start(place: &Place, adapters: usize) -> Done {
    place.eventually("all adapters are ready", || ready_adapters(place) == adapters)?;
    let log = place.prod("logs --no-color adapter")?.ok()?;
    log.never_says(PASSWORD)?;
    let applied = log.text.matches("Running upgrade").count();
    let revisions = place.alembic("history")?.text.lines().count();
    if applied != revisions {
        return Err(log.failed(&format!("{applied} revisions were applied in all, of {revisions}")));
    }
    for container in place.containers("")? {
        let format = "{{.Name}} {{.RestartCount}} {{.HostConfig.ReadonlyRootfs}}";
        let seen = docker::inspect(&container, format);
        if !seen.ends_with(" 0 true") {
            return Err(Failed::new(format!("{seen}: it was started again, or can write")));
        }
    }
    Ok(())
}

/// The block begins with nothing there.
pub(crate) fn before(guide: &Guide) -> Done {
    guide.place.dev("down --volumes").map(drop)
}

/// Looks around, then goes back to the development's stack, on the same data.
pub(crate) fn after(guide: &Guide, _: &Output) -> Done {
    let place = guide.place;
    all_start(place, 3)?;
    place.eventually("the page answers", || http::is_ok(place.ports.web, "/health"))?;
    nothing_is_open(place)?;
    fs::remove_file(place.path("infra/compose/.env")).map_err(|why| Failed::new(format!(".env: {why}")))?;
    place.prod("down")?.ok()?;
    place.up()
}

fn nothing_is_open(place: &Place) -> Done {
    for service in ["postgres", "redis"] {
        let ports = docker::published(&place.container(service)?);
        if !ports.is_empty() {
            return Err(Failed::new(format!("{service} is published: {ports}")));
        }
    }
    for service in ["postgres", "redis", "adapter", "web"] {
        let written = place.prod(&format!("exec -T {service} touch /written"))?;
        if written.code == 0 {
            return Err(written.failed(&format!("{service} can write to its root file system")));
        }
    }
    place.prod("exec -T adapter id -u")?.ok()?.says(&["10001"])
}

//! Starts of the adapter's image: many at once, and those that fail, with their exit codes and what the log says.

use std::fs;
use std::time::Instant;

use super::docker;
use super::place::{self, PASSWORD, Place};
use super::production;
use super::session::{On, Output};
use crate::run::{Done, Failed, output, program, run};

/// On a database of their own; nothing is left.
pub(crate) fn all(place: &Place) -> Done {
    five_at_once(place)?;
    without_a_database(place)?;
    with_bad_revisions(place)?;
    a_long_migration(place)?;
    a_late_database(place)?;
    place.prod("down --volumes --timeout 2")?.ok().map(drop)
}

fn five_at_once(place: &Place) -> Done {
    let up = "ADAPTER_REPLICAS=5 docker-compose -f docker-compose.prod.yml up -d";
    let begun = Instant::now();
    place.bash("infra/compose", up, On::Pipe)?.ok()?;
    production::all_start(place, 5)?;
    eprintln!("containers: five adapters on an empty database ({:.1} s)", begun.elapsed().as_secs_f64());
    Ok(())
}

/// A one-off container of the adapter that must end with this code; what it says holds no password.
fn ends(place: &Place, what: &str, code: i32, options: &str) -> Result<Output, Failed> {
    let words = format!("run --rm -T -e LIMBECK_LOG_FORMAT=text {options} adapter");
    let output = place.prod(&words)?.ends_with(code)?;
    output.never_says(PASSWORD)?;
    eprintln!("containers: {what}: exit code {code}");
    Ok(output)
}

fn without_a_database(place: &Place) -> Done {
    let url = |rest: &str| format!("-e DATABASE_URL=postgresql://postgres:{rest}");
    let nobody =
        format!("{} -e DB_RETRY_INTERVAL=0.05", url(&format!("{PASSWORD}@postgres:1/transform_army")));
    ends(place, "no database", 1, &nobody)?.says(&["Failed to connect to PostgreSQL after 30 attempts"])?;
    let fewer = format!("{nobody} -e DB_MAX_RETRIES=2");
    ends(place, "no database, fewer attempts", 1, &fewer)?
        .says(&["Failed to connect to PostgreSQL after 2 attempts"])?;
    let wrong = ends(place, "a wrong password", 1, &url("wrong@postgres:5432/transform_army"))?;
    wrong.says(&["does not accept the password of `postgres`"])?;
    wrong.never_says("attempt ")
}

fn revision(place: &Place, id: &str, down: &str, upgrade: &str) -> Result<String, Failed> {
    let text = place::revision(id, down, [upgrade, ""]);
    let file = place.path(&format!("{id}.sql"));
    fs::write(&file, text).map_err(|why| Failed::new(format!("{}: {why}", file.display())))?;
    Ok(format!("-v {}:/app/migrations/versions/{id}.sql:ro", file.display()))
}

fn with_bad_revisions(place: &Place) -> Done {
    let broken = revision(place, "broken", "005", "CREATE TABLE half (id int);\nSELECT nil FROM half;")?;
    let words = [
        "migration failed",
        "migrations/versions/broken.sql:11",
        "SELECT nil FROM half;",
        "\"nil\" does not exist",
    ];
    ends(place, "a failing migration", 2, &broken)?.says(&words)?;
    let other = revision(place, "other", "004", "SELECT 1;")?;
    ends(place, "two heads", 2, &other)?.says(&["Multiple heads detected"])
}

/// While it runs, the container lives and is not ready, and nobody takes that for a failure.
fn a_long_migration(place: &Place) -> Done {
    let slow = revision(place, "slow", "005", place::GATE)?;
    let started = place.prod(&format!("run -d {slow} adapter"))?.ok()?;
    let name = started.text.trim().lines().last().unwrap_or_default().to_owned();
    let ask = |path: &str| {
        let get =
            format!("exec 3<>/dev/tcp/127.0.0.1/8000; printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3");
        output(program("docker").args(["exec", &name, "bash", "-c", &get])).unwrap_or_default()
    };
    place.eventually("it says that it migrates", || {
        ask("/health/ready").contains("Running upgrade 005 -> slow")
    })?;
    let (live, ready) = (ask("/health/live"), ask("/health/ready"));
    if !live.starts_with("HTTP/1.1 200") || !ready.starts_with("HTTP/1.1 503") {
        return Err(Failed::new(format!("while it migrates it answers: {live}\n{ready}")));
    }
    let health = || docker::inspect(&name, "{{.State.Health.Status}} {{.State.Running}}");
    // More of the image's checks have failed then than make a container unhealthy that was healthy once.
    let checks = || docker::inspect(&name, "{{len .State.Health.Log}}").parse().unwrap_or(0);
    place.eventually("its health is asked for", || checks() > 3)?;
    if health() != "starting true" {
        return Err(Failed::new(format!("while it migrates it is {}", health())));
    }
    place.open_gate()?;
    place.eventually("it is healthy", || health() == "healthy true")?;
    eprintln!("containers: alive during a long migration, healthy after it");
    run(program("docker").args(["rm", "--force", "--volumes", &name]))
}

fn a_late_database(place: &Place) -> Done {
    place.prod("stop postgres")?.ok()?;
    place.prod("restart --timeout 10 adapter")?.ok()?;
    let log = || place.prod("logs --no-color adapter").map(|output| output.text).unwrap_or_default();
    place.eventually("it waits", || log().contains("no database yet, attempt 2 of 30"))?;
    place.prod("start postgres")?.ok()?;
    place.eventually("all are ready", || production::ready_adapters(place) == 5)?;
    eprintln!("containers: a database that comes late is waited for");
    Ok(())
}

//! What happens to a production that is asked all the time: adapters restarted, releases deployed and taken back, the
//! network cut, the database killed in the middle of a migration.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::docker;
use super::http::{self, Request};
use super::load::Load;
use super::place::{self, ADMIN_KEY, Place};
use super::production;
use super::session::{On, Session};
use crate::run::{Done, Failed, program, run};

/// How many adapters serve.
const ADAPTERS: usize = 3;

/// What stands behind the proxy.
const COMPOSE: &str = "docker-compose -f docker-compose.prod.yml -f docker-compose.proxy.yml";

/// On an empty database; nothing is left.
pub(crate) fn all(place: &Place) -> Done {
    let releases = Releases::build(place)?;
    place.bash("infra/compose", &format!("ADAPTER_RATE_LIMIT=0 {COMPOSE} up -d"), On::Pipe)?.ok()?;
    production::all_start(place, ADAPTERS)?;
    place.eventually("the proxy answers", || http::is_ok(place.ports.proxy, "/health/ready"))?;
    clients_are_known(place)?;
    let load = Load::begin(place)?;
    load.goes_well(place)?.judge("before anything happens", true)?;
    one_after_the_other(place, &load)?;
    to_the_next_release_and_back(place, &load, &releases)?;
    a_release_that_fails(place, &load, &releases)?;
    without_network(place, &load)?;
    a_killed_database(place, &load, &releases)?;
    load.end(place)?;
    place.bash("infra/compose", &format!("{COMPOSE} down --volumes --timeout 2"), On::Pipe)?.ok().map(drop)
}

/// Audit logs have the client's address, not the proxy's, also where another proxy stands before that.
fn clients_are_known(place: &Place) -> Done {
    let request = Request {
        method: "POST",
        path: "/api/v1/admin/tenants",
        headers: &[("X-Admin-Key", ADMIN_KEY), ("X-Forwarded-For", "203.0.113.7")],
        body: "{\"name\": \"cedar\"}",
        patience: Duration::from_secs(10),
    };
    let answer = request.send(place.ports.proxy);
    let address = place.sql("SELECT ip_address FROM audit_logs")?;
    match address == "203.0.113.7" {
        true => Ok(()),
        false => Err(Failed::new(format!("the audit log has `{address}`; the answer was {answer:?}"))),
    }
}

/// Images of later releases: each has one revision more than the one before.
struct Releases {
    next: String,
    broken: String,
    slow: String,
}

impl Releases {
    fn build(place: &Place) -> Result<Self, Failed> {
        let first = place.images.adapter;
        let next = release(place, first, "006", "005", "ALTER TABLE action_logs ADD COLUMN origin text;")?;
        let broken =
            release(place, &next, "broken", "006", "ALTER TABLE action_logs ADD COLUMN origin text;")?;
        let slow = format!(
            "CREATE TABLE first_half (id int);\n-- limbeck:commit\n{}\nCREATE TABLE second_half (id int);",
            place::GATE
        );
        let slow = release(place, &next, "007", "006", &slow)?;
        Ok(Self { next, broken, slow })
    }
}

fn release(place: &Place, before: &str, id: &str, down: &str, upgrade: &str) -> Result<String, Failed> {
    let folder = place.path(&format!("release-{id}"));
    let failed = |why: std::io::Error| Failed::new(format!("{}: {why}", folder.display()));
    fs::create_dir_all(&folder).map_err(failed)?;
    let revision = place::revision(id, down, [upgrade, ""]);
    fs::write(folder.join(format!("{id}.sql")), revision).map_err(failed)?;
    let dockerfile = format!("FROM {before}\nCOPY {id}.sql /app/migrations/versions/\n");
    fs::write(folder.join("Dockerfile"), dockerfile).map_err(failed)?;
    let image = format!("transform-army/adapter:test-{id}");
    run(program("docker").args(["build", "--quiet", "--tag", &image]).arg(&folder))?;
    Ok(image)
}

fn is_healthy(container: &str) -> bool {
    docker::inspect(container, "{{.State.Health.Status}}") == "healthy"
}

/// Whether clients' requests come to an adapter since it was started.
fn is_asked(container: &str) -> bool {
    let metrics = port_of(container).ok().and_then(|port| http::get(port, "/metrics"));
    metrics.is_some_and(|(_, text)| text.contains("route=\"/api/v1/actions\",status=\"201\""))
}

/// Where a container's port is published.
fn port_of(container: &str) -> Result<u16, Failed> {
    let address = docker::published(container);
    let port = address.lines().next().and_then(|line| line.rsplit(':').next()?.parse().ok());
    port.ok_or_else(|| Failed::new(format!("{container} is published nowhere: {address}")))
}

fn one_after_the_other(place: &Place, load: &Load) -> Done {
    load.look();
    for container in place.containers("adapter")? {
        run(program("docker").args(["restart", "-t", "30", &container]))?;
        place.eventually("it is healthy", || is_healthy(&container))?;
        place.eventually("the proxy has seen it", || is_asked(&container))?;
    }
    load.look().judge("a rolling restart", false)
}

/// By the script of the guide; the old adapters are asked for their readiness all the time.
fn deploy(place: &Place, image: &str) -> Done {
    let old = place.containers("adapter")?;
    let ports = old.iter().map(|container| port_of(container)).collect::<Result<Vec<_>, _>>()?;
    let mut session = place.start("infra/compose", &deployment(image), On::Pipe)?;
    let ready = "ready; stopping the old ones";
    let mut asked = 0;
    while !session.has_said(ready) {
        if let Some(port) = ports.iter().find(|port| !stays_ready(**port, &mut session, ready)) {
            let said = session.end()?;
            return Err(said.failed(&format!("the old adapter at port {port} is not ready")));
        }
        asked += 1;
    }
    let said = session.end()?.ok()?;
    said.says(&[ready])?;
    let now = place.containers("adapter")?;
    if asked == 0 || now.len() != ADAPTERS || !now.is_disjoint(&old) {
        return Err(said.failed(&format!("before: {old:?}, after: {now:?}, asked {asked} times")));
    }
    for container in &now {
        if docker::inspect(container, "{{.Config.Image}} {{.RestartCount}}") != format!("{image} 0") {
            return Err(Failed::new(format!("{container} is not a fresh one of {image}")));
        }
    }
    Ok(())
}

/// Whether an old adapter says that it is ready, until the deployment says the same of the new ones. On a busy machine the
/// database may not answer it in time for once: not ready is who says so again and again.
fn stays_ready(port: u16, session: &mut Session, ready: &str) -> bool {
    for _ in 0..20 {
        if http::is_ok(port, "/health/ready") || session.has_said(ready) {
            return true;
        }
        thread::sleep(Duration::from_millis(200));
    }
    false
}

fn deployment(image: &str) -> String {
    format!("ADAPTER_RATE_LIMIT=0 ./deploy.sh {image}")
}

fn to_the_next_release_and_back(place: &Place, load: &Load, releases: &Releases) -> Done {
    load.look();
    deploy(place, &releases.next)?;
    load.look().judge("a deployment", false)?;
    deploy(place, place.images.adapter)?;
    load.look().judge("back to the release before", false)?;
    place.is_at("006")
}

/// It is taken away, and says why; what runs goes on.
fn a_release_that_fails(place: &Place, load: &Load, releases: &Releases) -> Done {
    let before = place.containers("adapter")?;
    let said = place.bash("infra/compose", &deployment(&releases.broken), On::Pipe)?.ends_with(1)?;
    said.says(&["broken.sql:10", "already exists", "was not deployed"])?;
    if place.containers("adapter")? != before {
        return Err(said.failed("not the same adapters run as before"));
    }
    place.is_at("006")?;
    load.look().judge("a deployment that fails", false)
}

/// No wrong answer, and no adapter has to be started again.
fn without_network(place: &Place, load: &Load) -> Done {
    let postgres = place.container("postgres")?;
    let networks =
        docker::inspect(&postgres, "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}");
    let before = starts(place)?;
    load.look();
    run(program("docker").args(["network", "disconnect", &networks, &postgres]))?;
    thread::sleep(Duration::from_secs(10));
    run(program("docker").args(["network", "connect", "--alias", "postgres", &networks, &postgres]))?;
    let begun = Instant::now();
    let seen = load.goes_well(place)?;
    let recovered = begun.elapsed().as_secs_f64();
    seen.judge("ten seconds without the network to the database", true)?;
    place.eventually("all are ready", || production::ready_adapters(place) == ADAPTERS)?;
    if starts(place)? != before {
        return Err(Failed::new("an adapter was started again"));
    }
    eprintln!("containers: the network is back: all went well again within {recovered:.1} s");
    Ok(())
}

/// How often each adapter was started.
fn starts(place: &Place) -> Result<Vec<String>, Failed> {
    let format = "{{.Id}} {{.RestartCount}} {{.State.StartedAt}}";
    Ok(place.containers("adapter")?.iter().map(|container| docker::inspect(container, format)).collect())
}

/// The new release's migration is between two segments; it goes on where it was.
fn a_killed_database(place: &Place, load: &Load, releases: &Releases) -> Done {
    let old = starts(place)?;
    let up = format!(
        "ADAPTER_RATE_LIMIT=0 ADAPTER_IMAGE={} {COMPOSE} up -d --no-deps --no-recreate --scale adapter={} adapter",
        releases.slow,
        2 * ADAPTERS
    );
    place.bash("infra/compose", &up, On::Pipe)?.ok()?;
    let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = 'limbeck 007' \
                  AND to_regclass('first_half') IS NOT NULL";
    place.eventually("the first segment is done", || place.sql(sleeps).is_ok_and(|count| count == "1"))?;
    let postgres = place.container("postgres")?;
    run(program("docker").args(["kill", &postgres]))?;
    thread::sleep(Duration::from_secs(3));
    run(program("docker").args(["start", &postgres]))?;
    let begun = Instant::now();
    place.eventually("the migration may go on", || place.open_gate().is_ok())?;
    place.eventually("all are ready", || production::ready_adapters(place) == 2 * ADAPTERS)?;
    let recovered = begun.elapsed().as_secs_f64();
    place.is_at("007")?;
    let halves = "SELECT to_regclass('first_half') IS NOT NULL AND to_regclass('second_half') IS NOT NULL";
    if place.sql(halves)? != "t" {
        return Err(Failed::new("a part of the revision is missing"));
    }
    let now = starts(place)?;
    if let Some(gone) = old.iter().find(|start| !now.contains(start)) {
        return Err(Failed::new(format!("an adapter that served was started again: {gone}")));
    }
    load.goes_well(place)?.judge("a database that is killed while it is migrated", true)?;
    eprintln!("containers: the database is back: all were ready {recovered:.1} s after its start");
    Ok(())
}

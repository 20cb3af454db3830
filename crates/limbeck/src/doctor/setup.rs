//! What can be said without a database: configuration, revisions, where the URL came from.

use limbeck_core::graph::Node;
use limbeck_core::{Code, Problem};

use super::{Finding, count, some_of};
use crate::config::{Config, Database, Environment};
use crate::connect::{ConnectSpec, Lookup, Origin};
use crate::error::Error;
use crate::migrator::Migrator;

const CONFIGURATION: &str = "configuration";
const REVISIONS: &str = "revisions";
const DATABASE: &str = "database";

/// The configuration that was found.
pub fn configuration(config: &Config) -> Finding {
    let file = config.file.as_ref().map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    let section = config.name.as_ref().map(|name| format!(", [databases.{name}]")).unwrap_or_default();
    let environment = match &config.environment {
        Environment::Unsaid => String::new(),
        Environment::Production => ", environment production".to_owned(),
        Environment::Named(name) => format!(", environment {name}"),
    };
    Finding::fine(CONFIGURATION, format!("{file}{section}{environment}"))
}

/// The revisions, or everything that is wrong with them.
pub fn revisions(config: &Config, read: Result<&Migrator, &Error>) -> Vec<Finding> {
    match read {
        Err(error) => error.problems().iter().map(|p| Finding::of_problem(REVISIONS, p)).collect(),
        Ok(migrator) if migrator.graph().is_empty() => vec![
            Finding::error(REVISIONS, "the project has no revisions")
                .help("limbeck revision -m \"...\"; or correct `script_location` in limbeck.toml"),
        ],
        Ok(migrator) => vec![heads(config, migrator)],
    }
}

fn heads(config: &Config, migrator: &Migrator) -> Finding {
    let graph = migrator.graph();
    let heads: Vec<String> = graph.heads().map(|node: &Node| node.id().to_string()).collect();
    let folders: Vec<String> =
        config.version_locations.iter().map(|path| path.display().to_string()).collect();
    let all = format!("{} in {}", count(graph.len(), "revision"), folders.join(", "));
    if let [head] = heads.as_slice() {
        return Finding::fine(REVISIONS, format!("{all}, head {head}"));
    }
    let what = format!("{all}, {} heads: {}", heads.len(), some_of(&heads, heads.len()));
    if config.start.target != "head" {
        return Finding::note(REVISIONS, what);
    }
    Finding::error(
        REVISIONS,
        format!("{what}; `upgrade head` and `start` fail with \"Multiple heads detected\""),
    )
    .help("limbeck merge heads -m \"...\"; or `[start] target = \"heads\"` where the branches are meant")
}

/// Where the database is, and where that is said.
pub fn database(url: &str, spec: &ConnectSpec) -> Vec<Finding> {
    let what = match spec.came_from() {
        Origin::Local => format!("{url}, the project's local database"),
        origin => format!("{url}, from {origin}"),
    };
    let reached = Finding::fine(DATABASE, what);
    let surprises = spec.warnings().iter().map(|warning| Finding::warning(DATABASE, warning));
    std::iter::once(reached).chain(surprises).collect()
}

/// The URL for migrating leads elsewhere than the service's.
pub fn other_database(config: &Config, spec: &ConnectSpec, env: Lookup<'_>) -> Option<Finding> {
    let migrates = Origin::Variable("LIMBECK_URL".to_owned());
    if *spec.came_from() != migrates {
        return None;
    }
    let without = |name: &str| if name == "LIMBECK_URL" { None } else { env(name) };
    let Ok(Database::Url(url, origin)) = config.database(None, &without) else { return None };
    let service = ConnectSpec::new(&url, env).ok()?;
    let same = service.database() == spec.database() && service.addresses().eq(spec.addresses());
    (!same).then(|| {
        Finding::warning(DATABASE, format!("LIMBECK_URL leads to the {spec}, but {origin} to the {service}"))
            .help("let both name the same database; only user and password may differ")
    })
}

/// No session: why, and what to look at. For a server that does not answer these are the steps of the guide's
/// "Database Connection Timeout".
pub fn unreachable(problem: &Problem) -> Finding {
    let finding = Finding::of_problem(DATABASE, problem);
    if !matches!(problem.code(), Code::ConnectUnreachable | Code::ConnectBusy) {
        return finding;
    }
    let first = finding.help.as_ref().map(|help| format!("{help}; ")).unwrap_or_default();
    finding.help(format!(
        "{first}where it only takes long to start, wait for it with `limbeck wait`, or raise DB_MAX_RETRIES and \
         DB_RETRY_INTERVAL"
    ))
}

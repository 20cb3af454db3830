use std::mem::ManuallyDrop;
use std::path::Path;

use clap::Args;
use limbeck::config::Config;
use limbeck::connect::{connect, process_env};
use limbeck::doctor::{self, Finding, Patient, Severity};
use limbeck::Error;
use serde_json::json;

use crate::app::{App, cancelled};
use crate::database::Database;
use crate::exit::{self, Failure};
use crate::output;
use crate::reporter::Verbosity;

/// Look for whatever could make a run or the service fail, and say what mends it
///
/// It reads the configuration, the revisions, the database's catalog and what other sessions do, as far as
/// it gets. It changes nothing, and takes no lock.
///
/// Exit codes: 0 all is well (notes may be there), 1 warnings (runs work, somebody should look), 2 errors (a
/// run or the service would fail).
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let findings = tokio::select! {
            findings = examine(app) => findings,
            () = app.cancelled() => return Err(cancelled().into()),
        };
        let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Fine);
        match self.json {
            true => output::json(&json!({
                "severity": worst.as_str(),
                "findings": findings.iter().map(view).collect::<Vec<_>>(),
            })),
            false => report(&findings, app.verbosity()),
        }
        match worst {
            Severity::Fine | Severity::Note => Ok(()),
            Severity::Warning => Err(Failure::Code(exit::DOCTOR_WARNS)),
            Severity::Error => Err(Failure::Code(exit::DOCTOR_FINDS_ERRORS)),
        }
    }
}

/// Everything that can be found out; what stands in the way of more is a finding itself.
async fn examine(app: &App) -> Vec<Finding> {
    let config = match app.config() {
        Ok(config) => config,
        Err(error) => return without_project(app, &error).await,
    };
    let mut findings = vec![doctor::configuration(config)];
    let migrator = app.migrator(|_| {}).map(ManuallyDrop::into_inner);
    findings.extend(doctor::revisions(config, migrator.as_ref()));
    match app.database().await {
        Err(error) => findings.extend(problems("database", &error)),
        Ok(database) => {
            let migrator = migrator.ok().filter(|migrator| !migrator.graph().is_empty());
            let patient = Patient { config, spec: database.spec(), migrator: migrator.as_ref() };
            findings.extend(on_database(database, &patient).await);
        }
    }
    findings
}

/// A database can be looked at without any revisions, where somebody names one.
async fn without_project(app: &App, error: &Error) -> Vec<Finding> {
    let mut findings = problems("configuration", error);
    let config = Config::defaults(Path::new(""));
    match app.database_alone(&config).await {
        Err(error) => findings.extend(problems("database", &error)),
        Ok(None) => {}
        Ok(Some(database)) => {
            let patient = Patient { config: &config, spec: database.spec(), migrator: None };
            findings.extend(on_database(database, &patient).await);
        }
    }
    findings
}

async fn on_database(database: &Database, patient: &Patient<'_>) -> Vec<Finding> {
    let mut connection = match connect(&doctor::impatient(database.spec()), "limbeck doctor").await {
        Ok(connection) => connection,
        Err(error) => return vec![doctor::unreachable(&error.into())],
    };
    let mut findings = doctor::database(&database.masked_url(), patient.spec);
    findings.extend(doctor::other_database(patient.config, patient.spec, &process_env));
    findings.extend(doctor::examine(&mut connection, patient).await);
    Database::disconnect(connection).await;
    findings
}

fn problems(check: &'static str, error: &Error) -> Vec<Finding> {
    error.problems().iter().map(|problem| Finding::of_problem(check, problem)).collect()
}

fn view(finding: &Finding) -> serde_json::Value {
    json!({
        "check": finding.check,
        "severity": finding.severity.as_str(),
        "what": finding.what,
        "help": finding.help,
    })
}

/// One line each, what mends it below. `--quiet` leaves out what is no trouble.
fn report(findings: &[Finding], verbosity: Verbosity) {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    let least = if verbosity == Verbosity::Quiet { Severity::Warning } else { Severity::Fine };
    for finding in findings.iter().filter(|finding| finding.severity >= least) {
        let Finding { check, severity, what, help } = finding;
        output::line(&format!("{check:width$}  {:7}  {what}", severity.as_str()));
        if let Some(help) = help {
            output::line(&format!("{:width$}  {:7}  help: {help}", "", ""));
        }
    }
    if verbosity == Verbosity::Normal {
        output::progress(&summary(findings));
    }
}

fn summary(findings: &[Finding]) -> String {
    let number = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    match (number(Severity::Error), number(Severity::Warning)) {
        (0, 0) => "Nothing needs to be done.".to_owned(),
        (errors, warnings) => format!("{}, {}.", counted(errors, "error"), counted(warnings, "warning")),
    }
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

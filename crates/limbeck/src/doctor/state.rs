//! Limbeck's own state: the version rows, what is pending, interrupted or edited, the journal.

use limbeck_core::revision::RevisionId;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::{Check, Context, Finding, Patient, count, some_of};
use crate::edited::WhenEdited;
use crate::error::Error;
use crate::execute::cancel::Cancel;
use crate::migrator::{Migrator, Status};
use crate::quote::literal;
use crate::state::pooling;
use crate::state::session::{FirstLook, Session, StateOptions};
use crate::state::version_table::{self, VersionTable};
use crate::validate::missing_tables;

const ROWS: &str = "version-rows";
const POOLER: &str = "pooler";
const JOURNAL: &str = "journal";
const PENDING: &str = "pending";
const INTERRUPTED: &str = "interrupted";
const EDITED: &str = "edited";
const REQUIRED: &str = "required-tables";

/// Reads the state; the version table is returned where it could be found.
pub(super) async fn examine(
    connection: &mut PgConnection,
    patient: &Patient<'_>,
) -> (Option<VersionTable>, Vec<Finding>) {
    // The role was taken when the connection was made.
    let options = StateOptions { role: None, ..StateOptions::of(patient.config) };
    let look = match FirstLook::at(connection, &options).await {
        Ok(look) => look,
        Err(error) => return (None, problems(ROWS, &error)),
    };
    let versions = look.versions().clone();
    let mut findings = pooler(look.clone(), connection, options.clone(), patient).await;
    findings.push(setup(patient.migrator, look.clone(), connection, options).await);
    match patient.migrator {
        None => findings.push(bare_rows(look.rows(), &versions)),
        Some(migrator) => findings.extend(against(migrator, look, connection, patient).await),
    }
    (Some(versions), findings)
}

/// The state as the revisions see it.
async fn against(
    migrator: &Migrator,
    look: FirstLook,
    connection: &mut PgConnection,
    patient: &Patient<'_>,
) -> Vec<Finding> {
    let versions = look.versions().clone();
    let status = match migrator.status_after(look, connection).await {
        Ok(status) => status,
        Err(error) => return problems(ROWS, &error),
    };
    let mut findings = vec![
        rows(&status, &versions),
        pending(&status, patient),
        interrupted(&status),
        edited(&status, patient),
    ];
    findings.extend(required(connection, patient, &status).await);
    findings
}

fn problems(check: &'static str, error: &Error) -> Vec<Finding> {
    error.problems().iter().map(|problem| Finding::of_problem(check, problem)).collect()
}

/// A pooler between here and the server, behind which limbeck migrates nothing.
async fn pooler(
    look: FirstLook,
    connection: &mut PgConnection,
    options: StateOptions,
    patient: &Patient<'_>,
) -> Vec<Finding> {
    let (mut session, _) = Session::after(look, connection, options, crate::APPLICATION);
    match pooling::refuse(&mut session, Some(patient.spec), &Cancel::default()).await {
        Ok(()) => Vec::new(),
        Err(error) => problems(POOLER, &error),
    }
}

/// Whether what is missing can be created, and the journal's format.
async fn setup(
    migrator: Option<&Migrator>,
    look: FirstLook,
    connection: &mut PgConnection,
    options: StateOptions,
) -> Finding {
    let (mut session, _) = Session::after(look, connection, options, crate::APPLICATION);
    let ids = migrator.into_iter().flat_map(|migrator| migrator.graph().oldest_first());
    let longest = version_table::longest(ids.map(|node| node.id()));
    if let Err(error) = session.setup(longest).await {
        let finding = error.problems().first().map(|problem| Finding::of_problem(JOURNAL, problem));
        return finding.unwrap_or_else(|| Finding::error(JOURNAL, error.to_string()));
    }
    match (session.facts.has_journal, session.journal_is_older()) {
        (false, _) => Finding::fine(JOURNAL, "not there yet; the first run creates it"),
        (true, true) => Finding::note(JOURNAL, "written by an older limbeck; the next run adds what is new"),
        (true, false) => Finding::fine(JOURNAL, format!("{}.journal", session.journal.schema)),
    }
}

/// The rows where no revisions are known to compare them with.
fn bare_rows(rows: &[String], versions: &VersionTable) -> Finding {
    let table = versions.key();
    Finding::note(
        ROWS,
        match rows {
            [] => format!("{table} is empty or not there: nothing is applied"),
            rows => format!("{} in {table}", rows.join(", ")),
        },
    )
}

fn rows(status: &Status, versions: &VersionTable) -> Finding {
    let table = versions.key();
    match (status.rows(), status.ahead()) {
        ([], _) => Finding::fine(ROWS, format!("{table} is empty or not there: nothing is applied")),
        (rows, []) => Finding::fine(ROWS, format!("{} in {table}", rows.join(", "))),
        (_, ahead) if status.known_rows().is_empty() => Finding::warning(
            ROWS,
            format!("{table} holds {}, and none of these revisions is below it", list(ahead)),
        )
        .help("is this another project's database? Correct the URL, or `script_location` in limbeck.toml"),
        (_, ahead) => Finding::note(
            ROWS,
            format!("{} in {table} comes from a newer release: the database is ahead", list(ahead)),
        ),
    }
}

fn pending(status: &Status, patient: &Patient<'_>) -> Finding {
    let pending: Vec<String> = status.pending().iter().map(ToString::to_string).collect();
    if pending.is_empty() {
        return Finding::fine(PENDING, "every revision is applied");
    }
    let what = format!("{}: {}", count(pending.len(), "revision"), some_of(&pending, pending.len()));
    Finding::note(PENDING, what).help(format!("limbeck upgrade {}", patient.config.start.target))
}

fn interrupted(status: &Status) -> Finding {
    let Some(running) = status.running() else { return Finding::fine(INTERRUPTED, "nothing is half done") };
    let (direction, revision) = (&running.direction, &running.revision);
    let what = format!(
        "the {direction} of {revision} was interrupted after {} of {} segments",
        running.committed, running.segments
    );
    let what = match &running.intent {
        Some(intent) => format!("{what}, in: {intent}"),
        None => what,
    };
    let again = match direction.as_str() {
        "upgrade" => format!("limbeck upgrade {revision}, which goes on where it stopped"),
        _ => format!("limbeck downgrade to a target below {revision}, which goes on where it stopped"),
    };
    Finding::error(INTERRUPTED, what).help(match running.intent {
        None => again,
        Some(_) => format!(
            "{again}; if it cannot tell what became of the statement, look for yourself, and limbeck resolve {revision} \
             --done or --not-done"
        ),
    })
}

/// Applied revisions whose file no longer says what was applied.
fn edited(status: &Status, patient: &Patient<'_>) -> Finding {
    let edited = status.edited().iter().filter(|edited| edited.upgrade.is_some());
    let files: Vec<String> = edited.map(|edited| edited.file.clone()).collect();
    if files.is_empty() {
        return Finding::fine(EDITED, "the applied revisions' files are as they were applied");
    }
    let what = format!("edited after they were applied: {}", some_of(&files, files.len()));
    let finding = match patient.config.edited {
        WhenEdited::Warn => Finding::warning(EDITED, what),
        WhenEdited::Refuse => {
            Finding::error(EDITED, format!("{what}; `edited = \"refuse\"` stops every upgrade"))
        }
    };
    finding.help(
        "put the files back (`git log -p FILE`), and make a new revision for the change; or, where the database is \
         as they say now, `limbeck repair`",
    )
}

/// The guide's "Schema Validation Warnings".
async fn required(connection: &mut PgConnection, patient: &Patient<'_>, status: &Status) -> Option<Finding> {
    let tables = &patient.config.required_tables;
    if tables.is_empty() || !status.pending().is_empty() {
        return None;
    }
    Some(match missing_tables(connection, tables).await {
        Err(error) => problems(REQUIRED, &error).into_iter().next()?,
        Ok(missing) if missing.is_empty() => {
            Finding::fine(REQUIRED, format!("all {} are there", count(tables.len(), "table")))
        }
        Ok(missing) => {
            Finding::warning(REQUIRED, format!("missing: {}", missing.join(", ")))
                .help("`limbeck history -i` says what is applied; a table that was dropped by hand is not brought back by migrating")
        }
    })
}

fn list(ids: &[RevisionId]) -> String {
    ids.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", ")
}

/// Version tables of the same name elsewhere: a search path that leads two programs to two of them.
pub(super) const TABLES: Check = Check {
    name: "version-tables",
    sql: |context| {
        let name = &context.patient.config.version_table;
        format!(
            "SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
             ON n.oid = c.relnamespace WHERE c.relname = {} AND c.relkind IN ('r', 'p') AND n.nspname <> {} ORDER BY 1",
            literal(name),
            literal(context.versions.as_ref().map_or("", |versions| &versions.schema))
        )
    },
    read: tables,
};

fn tables(rows: &[PgRow], context: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let Some(versions) = &context.versions else { return Ok(Vec::new()) };
    let names: Vec<String> = rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("{} is used, and there is also {}", versions.key(), some_of(&names, names.len()));
    Ok(vec![
        Finding::note(TABLES.name, what)
            .help("where both belong to this project, say which with `version_table_schema` in limbeck.toml"),
    ])
}

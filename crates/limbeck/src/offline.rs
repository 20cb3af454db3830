//! `--sql`: the parts that the executor would send, as a script. It never reads the database.

use std::fmt::Write as _;

use limbeck_core::plan::{self, Plan, Purge};
use limbeck_core::revision::RevisionId;
use limbeck_core::sql::{BATCH, BatchOptions, Statement};
use limbeck_core::{Code, Problem};

use crate::error::Error;
use crate::execute::outlook::has_to_wait;
use crate::execute::parts::{
    Effort, Entries, Maker, Part, Prepared, Transaction, TransactionMode, is_segmented,
};
use crate::execute::prepare::prepare;
use crate::execute::steps::refuse_in_sql;
use crate::migrator::{Job, Options};
use crate::project::Project;
use crate::stamp;
use crate::state::journal::Journal;
use crate::state::session::{StateOptions, settings};
use crate::state::version_table::{self, VersionTable};

/// Where the version table is taken to be when nothing says otherwise: a script cannot ask the server.
const DEFAULT_SCHEMA: &str = "public";

/// The script of a job.
pub(crate) fn render(project: &Project, options: &Options, job: Job<'_>) -> Result<String, Error> {
    let graph = project.graph();
    match job {
        Job::Upgrade(target) => migrate(project, options, &plan::upgrade_offline(graph, target)?),
        Job::Downgrade(target) => migrate(project, options, &plan::downgrade_offline(graph, target)?),
        Job::Stamp(targets, purge) => stamped(project, options, targets, purge),
    }
}

/// The script that creates limbeck's state.
pub(crate) fn ensure_version(options: &Options) -> String {
    let mut script = Script::default();
    script.transaction(&setup(&journal(options), 0));
    script.text
}

fn migrate(project: &Project, options: &Options, plan: &Plan) -> Result<String, Error> {
    let journal = journal(options);
    let steps = prepare(project, plan, &options.values, options.mode)?;
    refuse_in_sql(&steps)?;
    let maker = Maker {
        journal: &journal,
        values: &options.values,
        mode: options.mode,
        restore: script_settings(&options.state),
        // A script may pass through a pooler, and is read by people.
        entries: Entries::Spelled,
        effort: Effort::Everything,
    };
    let single = options.mode == TransactionMode::Single;
    let mut script = Script { options: Some(options), ..Script::default() };
    let mut opening = setup(&journal, version_table::longest(steps.iter().flat_map(|step| &step.rows)));
    opening.extend(script_settings(&options.state));
    // Where a revision is one transaction, the check of the version rows rolls back all that follow a failed
    // one. Where it is several, psql itself must not go on.
    if steps.iter().any(is_segmented) {
        script.stop_at_errors();
    }
    if single {
        script.statement("BEGIN");
    }
    for step in &steps {
        script.comment(&running_line(step));
        for part in maker.segments(step, 0)?.iter().flat_map(|segment| &segment.parts) {
            script.part(step, part, &std::mem::take(&mut opening))?;
        }
    }
    if single {
        script.statement("COMMIT");
    }
    Ok(script.text)
}

fn stamped(project: &Project, options: &Options, targets: &[String], purge: Purge) -> Result<String, Error> {
    let stamp = match purge {
        Purge::Purge => plan::stamp(project.graph(), &[], targets, purge)?,
        Purge::Keep => plan::stamp_offline(project.graph(), targets)?,
    };
    let before: Vec<String> = stamp.before.iter().map(ToString::to_string).collect();
    let journal = journal(options);
    let mut statements = setup(&journal, version_table::longest(&stamp.after));
    statements.extend(script_settings(&options.state));
    statements.extend(stamp::changes(project, &journal, &before, &stamp)?);
    let mut script = Script::default();
    for change in &stamp.changes {
        script.comment(&format!("Running stamp_revision {} -> {}", join(&change.from), join(&change.to)));
    }
    script.transaction(&statements);
    Ok(script.text)
}

fn journal(options: &Options) -> Journal {
    let schema = options.state.version_table_schema.clone().unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
    Journal {
        schema: options.state.journal_schema.clone(),
        versions: VersionTable { schema, name: options.state.version_table.clone() },
        client: format!("limbeck {} --sql", env!("CARGO_PKG_VERSION")),
    }
}

fn setup(journal: &Journal, longest: usize) -> Vec<String> {
    let mut statements = vec![journal.versions.create(longest)];
    statements.extend(journal.versions.widen_if_narrow(longest));
    statements.extend(journal.create());
    statements.push(journal.widen());
    statements
}

/// The run's settings, and those that its driver pins when it connects.
fn script_settings(options: &StateOptions) -> Vec<String> {
    let mut statements = settings(options, crate::APPLICATION);
    statements.push("SET client_encoding = 'UTF8'".to_owned());
    statements.push("SET TimeZone = 'UTC'".to_owned());
    statements.push("SET DateStyle = 'ISO, MDY'".to_owned());
    statements
}

fn running_line(step: &Prepared<'_>) -> String {
    let word = step.step.direction.as_str();
    format!("Running {word} {} -> {}", join(&step.step.from), join(&step.step.to))
}

fn join(ids: &[RevisionId]) -> String {
    let ids: Vec<&str> = ids.iter().map(RevisionId::as_str).collect();
    ids.join(", ")
}

/// A script in the making.
#[derive(Default)]
struct Script<'a> {
    text: String,
    options: Option<&'a Options>,
}

impl Script<'_> {
    fn statement(&mut self, sql: &str) {
        let _ = write!(self.text, "{sql};\n\n");
    }

    fn stop_at_errors(&mut self) {
        self.text.push_str("\\set ON_ERROR_STOP on\n\n");
    }

    fn comment(&mut self, line: &str) {
        let _ = write!(self.text, "-- {line}\n\n");
    }

    fn statements(&mut self, statements: &[String]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn transaction(&mut self, statements: &[String]) {
        self.statement("BEGIN");
        self.statements(statements);
        self.statement("COMMIT");
    }

    fn part(&mut self, step: &Prepared<'_>, part: &Part<'_>, opening: &[String]) -> Result<(), Problem> {
        match part {
            Part::Transaction(transaction) => self.whole(transaction, opening),
            Part::Alone(alone) => {
                self.statements(&alone.settings);
                self.own(alone.statement)
            }
            // Refused before anything was printed.
            Part::Rust(_) => Ok(()),
            Part::Batches { settings, statement, options } => {
                self.statements(settings);
                self.batches(step, statement, options)
            }
        }
    }

    fn whole(&mut self, transaction: &Transaction<'_>, opening: &[String]) -> Result<(), Problem> {
        let own = self.options.is_none_or(|options| options.mode == TransactionMode::PerRevision);
        if own {
            self.statement("BEGIN");
        }
        self.statements(opening);
        self.statements(&transaction.head);
        for statement in &transaction.body {
            self.own(statement)?;
        }
        self.statements(&transaction.tail);
        if own {
            self.statement("COMMIT");
        }
        Ok(())
    }

    fn own(&mut self, statement: &Statement) -> Result<(), Problem> {
        let Some(options) = self.options else { return Ok(()) };
        let rendered = statement.render(&options.values)?;
        self.statement(rendered.sql.trim_end());
        Ok(())
    }

    /// A DO block that commits after each batch; it must stand outside of a transaction.
    fn batches(
        &mut self,
        step: &Prepared<'_>,
        statement: &Statement,
        batch: &BatchOptions,
    ) -> Result<(), Problem> {
        let Some(options) = self.options else { return Ok(()) };
        let sql = statement.render(&options.values.with(BATCH, batch.size.to_string()))?.sql;
        let tag = "$limbeck_batch$";
        if sql.contains(tag) {
            return Err(Problem::new(
                Code::NotPossible,
                format!(
                    "revision {}: a batch statement that contains {tag} cannot be printed as SQL",
                    step.step.revision
                ),
            )
            .help("use another dollar quote in the file"));
        }
        // Statistics are read once per transaction.
        let wait = has_to_wait(batch).map_or_else(String::new, |busy| {
            format!("        WHILE {busy} LOOP\n            PERFORM pg_sleep(0.5);\n            COMMIT;\n        END LOOP;\n")
        });
        let (counted, ceiling) = batch.max_rows.map_or_else(Default::default, |rows| {
            (
                "    total bigint := 0;\n",
                format!("        total := total + touched;\n        IF total > {rows} THEN\n            RAISE EXCEPTION 'limbeck: the batch statement has touched % rows, and no more than {rows} were to be expected', total;\n        END IF;\n"),
            )
        });
        self.statement(&format!(
            "DO {tag}\nDECLARE\n    touched bigint;\n{counted}BEGIN\n    LOOP\n{wait}        {};\n        GET DIAGNOSTICS touched = ROW_COUNT;\n        COMMIT;\n        EXIT WHEN touched = 0;\n{ceiling}        PERFORM pg_sleep({});\n    END LOOP;\nEND\n{tag}",
            sql.trim_end(),
            batch.pause.as_secs_f64()
        ));
        Ok(())
    }
}

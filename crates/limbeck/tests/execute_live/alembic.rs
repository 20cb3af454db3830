//! One database handed back and forth between the real Alembic and limbeck: after every step the rows are
//! those that Alembic alone leaves in a second database.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use limbeck::Migrator;
use limbeck::core::graph::{Applied, describe};
use limbeck::core::plan::Purge;
use limbeck::{Error, Job, Report};
use limbeck_testdb::TestDb;
use tempfile::TempDir;

use crate::support::{Rev, migrator, rows, run, shown, value};

/// The `alembic` program that xtask names or installs.
fn program() -> PathBuf {
    let given = std::env::var_os("LIMBECK_TEST_ALEMBIC").filter(|value| !value.is_empty());
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache"))).unwrap_or_default();
    let program = given.map_or_else(|| cache.join("limbeck/alembic-venv/bin/alembic"), PathBuf::from);
    assert!(
        program.is_file(),
        "the real Alembic is missing: {} is not there. `cargo xtask test` installs it; LIMBECK_TEST_ALEMBIC may \
         name an alembic program with psycopg2.",
        program.display()
    );
    program
}

const ENV_PY: &str = "
import os
from alembic import context
from sqlalchemy import MetaData, create_engine

with create_engine(os.environ['URL']).connect() as connection:
    context.configure(connection=connection, target_metadata=MetaData(), transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
";

/// Alembic's command line, one command after another in one process: starting Python takes most of the time.
const DRIVER: &str = "
import contextlib, os, sys, traceback
from alembic.config import main
for line in sys.stdin:
    os.environ['URL'], *arguments = line.rstrip('\\n').split('\\t')
    end = 'done'
    with contextlib.redirect_stderr(sys.stdout):
        try:
            main(arguments)
        except SystemExit:
            end = 'failed'
        except Exception:
            traceback.print_exc()
            end = 'failed'
    print('\\0' + end, flush=True)
";

/// An Alembic project with the same revisions.
struct Alembic {
    folder: TempDir,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Alembic {
    fn new(revs: &[Rev]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let versions = folder.path().join("scripts/versions");
        std::fs::create_dir_all(&versions).unwrap();
        let ini = folder.path().join("alembic.ini");
        std::fs::write(ini, "[alembic]\nscript_location = %(here)s/scripts\npath_separator = os\n").unwrap();
        std::fs::write(folder.path().join("scripts/env.py"), ENV_PY).unwrap();
        for rev in revs {
            std::fs::write(versions.join(format!("{}.py", rev.id)), python(rev)).unwrap();
        }
        let mut process = Command::new(interpreter())
            .args(["-B", "-c", DRIVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { folder, process, input, output }
    }

    /// Whether a command succeeds, and what it prints.
    fn command(&mut self, db: &TestDb, arguments: &[&str]) -> (bool, String) {
        let url = db.url().replacen("postgresql://", "postgresql+psycopg2://", 1);
        let ini = self.folder.path().join("alembic.ini").display().to_string();
        let line = [&[&url, "-c", &ini], arguments].concat().join("\t");
        writeln!(self.input, "{line}").unwrap();
        let mut printed = String::new();
        loop {
            let start = printed.len();
            assert_ne!(self.output.read_line(&mut printed).unwrap(), 0, "alembic ended: {printed}");
            if let Some(end) = printed[start..].strip_prefix('\0') {
                let succeeded = end.trim() == "done";
                printed.truncate(start);
                return (succeeded, printed);
            }
        }
    }

    /// Runs it, and expects success; what it prints.
    fn run(&mut self, db: &TestDb, arguments: &[&str]) -> String {
        let (succeeded, printed) = self.command(db, arguments);
        assert!(succeeded, "alembic {arguments:?}: {printed}");
        printed
    }
}

impl Drop for Alembic {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The Python that the program's first line names.
fn interpreter() -> PathBuf {
    let program = program();
    let text = std::fs::read_to_string(&program).unwrap();
    let first = text.lines().next().unwrap_or_default();
    match first.strip_prefix("#!") {
        Some(python) if Path::new(python.trim()).is_file() => python.trim().into(),
        _ => panic!("{}: its first line names no Python, but is: {first}", program.display()),
    }
}

/// A revision as Alembic has it: the same id, edges and SQL.
fn python(rev: &Rev) -> String {
    let list = |ids: &[String]| ids.iter().map(|id| format!("'{id}', ")).collect::<String>();
    let optional =
        |ids: &[String]| if ids.is_empty() { "None".to_owned() } else { format!("({})", list(ids)) };
    let mut text = format!(
        "'''message of {}'''\nfrom alembic import op\nrevision = '{}'\ndown_revision = {}\nbranch_labels = {}\n\
         depends_on = {}\n",
        rev.id,
        rev.id,
        optional(&rev.parents),
        optional(&rev.labels),
        optional(&rev.depends_on)
    );
    let (up, down) = rev.body.split_once("-- limbeck:downgrade\n").unwrap();
    for (name, sql) in [("upgrade", up.trim_start_matches("-- limbeck:upgrade\n")), ("downgrade", down)] {
        let _ = write!(text, "\ndef {name}():\n    op.execute('''{sql}''')\n");
    }
    text
}

/// `id < parents ; dependencies #label`, one a line.
fn revisions(graph: &str) -> Vec<Rev> {
    graph.lines().map(str::trim).filter(|line| !line.is_empty()).map(revision).collect()
}

fn revision(line: &str) -> Rev {
    let (line, label) = line.split_once('#').unwrap_or((line, ""));
    let (line, depends) = line.split_once(';').unwrap_or((line, ""));
    let (id, parents) = line.split_once('<').unwrap_or((line, ""));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let id = id.trim();
    // A stamp leaves tables where the other tool would make them.
    let up = format!("CREATE TABLE IF NOT EXISTS t_{id} (id int);");
    let rev = Rev::new(id, &[], &up, &format!("DROP TABLE IF EXISTS t_{id};"));
    Rev { parents: words(parents), depends_on: words(depends), labels: words(label), ..rev }
}

const GRAPH: &str = "
    a1
    a2 < a1
    a3 < a2
    b2 < a1 #side
    b3 < b2 ; a2
    m < a3 b3
    c1 #other
    c2 < c1 ; a3
    c3 < c2
    d1 < m
    d2 < m
    n < d1 c3
";

const STEPS: &[&str] = &[
    "upgrade a2",
    "upgrade b2",
    "upgrade b3",
    "upgrade +1",
    "downgrade b2",
    "upgrade m",
    "upgrade other@head",
    "downgrade c1",
    "upgrade c2",
    "upgrade d1",
    "upgrade heads",
    "downgrade m",
    "upgrade n",
    "downgrade a2",
    "stamp heads",
    "downgrade b2",
    "stamp --purge a3",
    "upgrade heads",
    "stamp c1",
    "stamp base",
    "upgrade d2",
    "downgrade side@a1",
    "upgrade heads",
    "downgrade base",
];

async fn limbeck(migrator: &Migrator, db: &TestDb, step: &str) -> Result<Report, Error> {
    let words: Vec<&str> = step.split(' ').collect();
    let targets = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    match words[..] {
        ["upgrade", target] => run(migrator, db.url(), Job::Upgrade(target)).await,
        ["downgrade", target] => run(migrator, db.url(), Job::Downgrade(target)).await,
        ["stamp", "--purge", ref rest @ ..] => {
            run(migrator, db.url(), Job::Stamp(&targets(rest), Purge::Purge)).await
        }
        ["stamp", ref rest @ ..] => run(migrator, db.url(), Job::Stamp(&targets(rest), Purge::Keep)).await,
        _ => panic!("{step}"),
    }
}

const TABLES: &str = "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables \
                      WHERE schemaname = 'public' AND tablename LIKE 't\\_%'";

/// What `current` prints, by both tools.
async fn check_current(alembic: &mut Alembic, migrator: &Migrator, db: &TestDb, after: &str) {
    let mut connection = db.connect().await;
    let status = migrator.status(&mut connection).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    let applied = Applied::new(migrator.graph(), status.known_rows()).unwrap();
    let mut ours: Vec<String> = applied.branch_ends().into_iter().map(describe::current_line).collect();
    let printed = alembic.run(db, &["current"]);
    let mut theirs: Vec<&str> = printed.lines().collect();
    ours.sort();
    theirs.sort_unstable();
    assert_eq!(ours, theirs, "current after {after}");
}

#[tokio::test]
async fn both_tools_take_turns() {
    let revs = revisions(GRAPH);
    let mut alembic = Alembic::new(&revs);
    let migrator = migrator(&revs);
    let alone = TestDb::new().await;
    // Each step is done by either tool, after every other one was done by either.
    let mixed = [TestDb::new().await, TestDb::new().await];
    for (at, step) in STEPS.iter().enumerate() {
        let words: Vec<&str> = step.split(' ').collect();
        let [by_alembic, by_limbeck] = [&mixed[at % 2], &mixed[(at + 1) % 2]];
        alembic.run(&alone, &words);
        alembic.run(by_alembic, &words);
        limbeck(&migrator, by_limbeck, step)
            .await
            .unwrap_or_else(|error| panic!("{step}: {}", shown(&error)));
        let expected = (rows(alone.url()).await, value(alone.url(), TABLES).await);
        for (tool, db) in [("alembic", by_alembic), ("limbeck", by_limbeck)] {
            let found = (rows(db.url()).await, value(db.url(), TABLES).await);
            assert_eq!(found, expected, "{step} by {tool}, after {:?}", &STEPS[..at]);
        }
        check_current(&mut alembic, &migrator, by_limbeck, step).await;
    }
}

/// Alembic's comparison of a database with models sees neither journal nor version table.
#[tokio::test]
async fn alembic_check_does_not_see_the_journal() {
    let revs = [Rev::new("a1", &[], "SELECT 1;", "")];
    let mut alembic = Alembic::new(&revs);
    let db = TestDb::new().await;
    limbeck(&migrator(&revs), &db, "upgrade head").await.unwrap();
    let (succeeded, printed) = alembic.command(&db, &["check"]);
    assert!(succeeded && printed.contains("No new upgrade operations detected."), "{printed}");
}

/// The lines that users know, printed by both.
#[tokio::test]
async fn views_agree() {
    let revs = revisions(GRAPH);
    let mut alembic = Alembic::new(&revs);
    let migrator = migrator(&revs);
    let graph = migrator.graph();
    let db = TestDb::new().await;
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let history: String =
        graph.newest_first().map(|node| describe::history_line(node, describe::Mark::Plain) + "\n").collect();
    // Alembic prints labels in no order.
    let theirs = alembic.run(&db, &["history"]).replace("(side, other)", "(other, side)");
    assert_eq!(sorted(history), sorted(theirs));
}

/// A revision that was interrupted is no row yet: Alembic sees the database as it was before.
#[tokio::test]
async fn alembic_sees_the_rows_from_before_an_interrupted_revision() {
    let up = "CREATE TABLE t_a2 (id int);\nCREATE INDEX CONCURRENTLY t_a2_id ON t_a2 (id);\nINSERT INTO late VALUES (1);";
    let revs = [
        Rev::new("a1", &[], "CREATE TABLE t_a1 (id int);", "DROP TABLE t_a1;"),
        Rev::new("a2", &["a1"], up, "DROP TABLE t_a2;"),
        Rev::new("a3", &["a2"], "CREATE TABLE t_a3 (id int);", "DROP TABLE t_a3;"),
    ];
    let mut alembic = Alembic::new(&revs);
    let migrator = migrator(&revs);
    let db = TestDb::new().await;
    limbeck(&migrator, &db, "upgrade head").await.unwrap_err();
    assert_eq!(rows(db.url()).await, "a1");
    assert_eq!(alembic.run(&db, &["current"]), "a1\n");
    let (succeeded, printed) = alembic.command(&db, &["check"]);
    assert!(!succeeded && printed.contains("Target database is not up to date."), "{printed}");
    // Where it goes on from there, limbeck's entry is void; where limbeck does, Alembic sees that too.
    value(db.url(), "CREATE TABLE late (id int)").await;
    limbeck(&migrator, &db, "upgrade a2").await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(alembic.run(&db, &["current"]), "a2\n");
    alembic.run(&db, &["upgrade", "head"]);
    limbeck(&migrator, &db, "downgrade a1").await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    assert_eq!(alembic.run(&db, &["current"]), "a1\n");
}

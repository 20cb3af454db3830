//! `tests/execute_cases/*.txt`: revisions, commands, and what they must print. Each case runs once in
//! segments and once statement by statement, and both must print the same.
//!
//! A case is a row of blocks, each begun by `=== command arguments`; a block's lines are what the command
//! is given (`revision`) or what it must print (all others). `$db` stands for the database's name.
//! `interrupt JOB RANGE` leaves the database as a crash does after a statement's intent is journalled.
//! `# words` is a heading. `LIMBECK_BLESS=1` writes down what was printed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use limbeck::core::plan::Purge;
use limbeck::core::sql::Values;
use limbeck::log::{Log, LogEntry, LogFilter};
use limbeck::{
    Cancel, Control, Error, Event, FirstLook, Job, Migrator, Options, Pace, Repair, Report, Switch,
    TransactionMode, Verdict,
};
use limbeck_testdb::TestDb;
use sqlx::Connection as _;

use crate::support::{JOURNAL, Rev, query, shown, switched, until_unlocked, watched, with_options};

/// How many cases run at once.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/execute_cases");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let only = std::env::var("LIMBECK_CASE").unwrap_or_default();
    files.retain(|file| file.display().to_string().contains(&only));
    files.sort();
    assert!(!files.is_empty());
    let failed: Vec<String> = futures_util::stream::iter(files)
        .map(check)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |f| f)
        .collect()
        .await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Runs one case twice; what differs from its file.
async fn check(file: PathBuf) -> Option<String> {
    let text = fs::read_to_string(&file).unwrap();
    let blocks = blocks(&text);
    let segment = print(&blocks, Pace::Segment).await;
    let statement = print(&blocks, Pace::Statement).await;
    let name = file.file_name().unwrap().to_string_lossy();
    if segment != statement {
        return Some(format!("{name}: in segments:\n{segment}\nstatement by statement:\n{statement}"));
    }
    if segment == text {
        return None;
    }
    if std::env::var_os("LIMBECK_BLESS").is_some() {
        fs::write(&file, segment).unwrap();
        return None;
    }
    Some(format!("{name}: printed\n{segment}"))
}

struct Block<'t> {
    command: &'t str,
    lines: String,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("=== "), blocks.last_mut()) {
            (Some(command), _) => blocks.push(Block { command, lines: String::new() }),
            (None, Some(block)) => block.lines.push_str(&(line.to_owned() + "\n")),
            (None, None) => blocks.push(Block { command: "", lines: line.to_owned() + "\n" }),
        }
    }
    blocks
}

/// A database with the project so far.
struct Case {
    db: TestDb,
    connection: sqlx::postgres::PgConnection,
    revs: Vec<Rev>,
    options: Options,
}

async fn print(blocks: &[Block<'_>], pace: Pace) -> String {
    let db = TestDb::new().await;
    let connection = db.connect().await;
    let options = Options { pace, ..Options::default() };
    let mut case = Case { db, connection, revs: Vec::new(), options };
    let mut printed = String::new();
    for block in blocks {
        let (word, rest) = block.command.split_once(' ').unwrap_or((block.command, ""));
        let answer = match word {
            "" => {
                printed.push_str(&block.lines);
                continue;
            }
            "revision" => {
                case.revision(rest, &block.lines);
                block.lines.clone()
            }
            "forget" => {
                case.revs.retain(|rev| rev.id != rest);
                String::new()
            }
            "option" => {
                case.option(rest);
                String::new()
            }
            _ => case.command(word, rest).await,
        };
        let answer = answer.replace(case.db.name(), "$db");
        let answer = answer.trim_end();
        let _ =
            write!(printed, "=== {}\n{answer}{}\n", block.command, if answer.is_empty() { "" } else { "\n" });
    }
    case.db.drop().await;
    printed.truncate(printed.trim_end().len());
    printed + "\n"
}

impl Case {
    /// `ID [<- PARENTS] [depends DEPENDENCIES]`: a new revision, or an edited one.
    fn revision(&mut self, words: &str, body: &str) {
        let (words, depends) = words.split_once(" depends ").unwrap_or((words, ""));
        let (id, parents) = words.split_once(" <- ").unwrap_or((words, ""));
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let rev = Rev {
            id: id.trim().to_owned(),
            parents: list(parents),
            depends_on: list(depends),
            labels: Vec::new(),
            body: body.trim_end().replace("$db", self.db.name()) + "\n",
        };
        self.revs.retain(|old| old.id != rev.id);
        self.revs.push(rev);
    }

    /// `single`, `declare NAME`, `set NAME=VALUE`, ...
    fn option(&mut self, words: &str) {
        let (name, rest) = words.split_once(' ').unwrap_or((words, ""));
        let rest = rest.replace("$db", self.db.name());
        match name {
            "single" => self.options.mode = TransactionMode::Single,
            "per-revision" => self.options.mode = TransactionMode::PerRevision,
            "forget-values" => self.options.values = Values::default(),
            "declare" => self.options.values.declare(rest),
            "set" => {
                let (name, value) = rest.split_once('=').unwrap();
                self.options.values.set(name, value.replace("\\n", "\n"));
            }
            "role" => self.options.state.role = Some(rest),
            "version_table" => self.options.state.version_table = rest,
            "version_table_schema" => self.options.state.version_table_schema = Some(rest),
            "journal_schema" => self.options.state.journal_schema = rest,
            "lock_timeout_ms" => {
                self.options.state.lock_timeout = std::time::Duration::from_millis(rest.parse().unwrap());
            }
            _ => panic!("no option {name}"),
        }
    }

    fn migrator(&self) -> Migrator {
        with_options(&self.revs, self.options.clone())
    }

    async fn command(&mut self, word: &str, rest: &str) -> String {
        let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        until_unlocked(&mut self.connection).await;
        match word {
            "upgrade" => self.job(Job::Upgrade(rest)).await,
            "downgrade" => self.job(Job::Downgrade(rest)).await,
            "stamp" => match words.split_first() {
                Some((first, targets)) if first == "--purge" => {
                    self.job(Job::Stamp(targets, Purge::Purge)).await
                }
                _ => self.job(Job::Stamp(&words, Purge::Keep)).await,
            },
            "#" => String::new(),
            "resolve" => self.resolve(&words).await,
            "interrupt" => self.interrupt(&words).await,
            "switch" => self.switch().await,
            "preview-switch" => {
                let plan = self.migrator().preview_switch(&mut self.connection).await;
                plan.map_or_else(|error| shown(&error), |switch| what(&switch))
            }
            "repair" => self.repair(&words).await,
            "log" => self.log(&words).await,
            "status" => self.status().await,
            "sql" => {
                let sql = rest.replace("$db", self.db.name());
                query(&mut self.connection, &sql).await
            }
            "rows" => {
                query(&mut self.connection, "SELECT version_num FROM alembic_version ORDER BY version_num")
                    .await
            }
            "journal" => query(&mut self.connection, JOURNAL).await,
            "tables" => query(&mut self.connection, TABLES).await,
            _ => panic!("no command {word}"),
        }
    }

    async fn job(&mut self, job: Job<'_>) -> String {
        let mut events = Vec::new();
        let outcome = watched(&self.migrator(), self.db.url(), job, &Cancel::default(), &mut events).await;
        let mut text: String = events.iter().map(|line| line.to_owned() + "\n").collect();
        text.push_str(&outcome_text(&outcome));
        text
    }

    /// `REVISION --done|--not-done [NOTE]`
    async fn resolve(&mut self, words: &[String]) -> String {
        let verdict = match words[1].as_str() {
            "--done" => Verdict::Done,
            "--not-done" => Verdict::NotDone,
            other => panic!("{other}"),
        };
        let note = words[2..].join(" ");
        let note = (!note.is_empty()).then_some(note.as_str());
        let mut quiet = |_: Event<'_>| {};
        let mut control = Control { cancel: Cancel::default(), emit: &mut quiet };
        // The connection holds the lock until it ends.
        let mut connection = self.db.connect().await;
        let outcome =
            self.migrator().resolve(&mut connection, None, &words[0], verdict, note, &mut control).await;
        connection.close().await.unwrap();
        outcome.err().map_or_else(String::new, |error| shown(&error))
    }

    /// `upgrade|downgrade RANGE`: what `--sql` prints, up to where the first intent is committed.
    async fn interrupt(&mut self, words: &[String]) -> String {
        let job = match words[0].as_str() {
            "upgrade" => Job::Upgrade(&words[1]),
            "downgrade" => Job::Downgrade(&words[1]),
            other => panic!("{other}"),
        };
        let script = self.migrator().to_sql(job).unwrap_or_else(|error| panic!("{}", shown(&error)));
        let intent = script.find(" SET intent = ").unwrap_or_else(|| panic!("no intent in\n{script}"));
        let end = intent + script[intent..].find("COMMIT;").unwrap();
        let begun: String = script[..end]
            .lines()
            .filter(|line| !line.starts_with('\\'))
            .map(|line| format!("{line}\n"))
            .collect();
        query(&mut self.connection, &(begun + "COMMIT; RESET ALL; RESET SESSION AUTHORIZATION")).await
    }

    async fn switch(&mut self) -> String {
        let mut events = Vec::new();
        let outcome = switched(&self.migrator(), self.db.url(), &mut events).await;
        let mut text: String = events.iter().map(|line| line.to_owned() + "\n").collect();
        text.push_str(&outcome_text(&outcome));
        text
    }

    async fn repair(&mut self, words: &[String]) -> String {
        let migrator = self.migrator();
        let mut emit = |_: Event<'_>| {};
        let mut control = Control { cancel: Cancel::default(), emit: &mut emit };
        // What holds the lock must be closed.
        let mut connection = self.db.connect().await;
        let look = match FirstLook::at(&mut connection, &self.options.state).await {
            Ok(look) => look,
            Err(error) => return shown(&error),
        };
        let request = Repair { revisions: words, note: Some("a reason") };
        match migrator.repair(look, &mut connection, None, request, &mut control).await {
            Ok(edited) => edited.iter().map(|edited| format!("accepted {}\n", edited.revision)).collect(),
            Err(error) => shown(&error),
        }
    }

    /// What does not differ from run to run.
    async fn log(&mut self, words: &[String]) -> String {
        let filter = LogFilter { revisions: words, limit: None };
        let entries = match self.migrator().log(&mut self.connection, filter).await {
            Ok(Log::Entries(entries)) => entries,
            Ok(Log::NoJournal) => return "no journal".to_owned(),
            Err(error) => return shown(&error),
        };
        let line = |entry: &LogEntry| {
            let LogEntry { direction, revision, state, note, .. } = entry;
            let took = if entry.elapsed.is_some() { "ended" } else { "did not end" };
            format!(
                "{direction} {revision} {state}, {took}{}\n",
                note.as_ref().map(|note| format!(": {note}")).unwrap_or_default()
            )
        };
        entries.iter().map(line).collect()
    }

    async fn status(&mut self) -> String {
        match self.migrator().status(&mut self.connection).await {
            Ok(status) => {
                let mut text = format!("rows {:?} pending {:?}", status.rows(), status.pending());
                if !status.ahead().is_empty() {
                    let _ = write!(text, " ahead {:?} known {:?}", status.ahead(), status.known_rows());
                }
                if let Some(running) = status.running() {
                    let _ = write!(
                        text,
                        "\nunfinished: {} of {}, {} of {} segments, intent {:?}",
                        running.direction,
                        running.revision,
                        running.committed,
                        running.segments,
                        running.intent
                    );
                }
                text
            }
            Err(error) => shown(&error),
        }
    }
}

fn what(switch: &Switch) -> String {
    let undone: Vec<&str> = switch.undone().iter().map(|undone| undone.revision.as_str()).collect();
    let applied: Vec<&str> = switch.applied().map(AsRef::as_ref).collect();
    format!("would undo: {}; would apply: {}\n", undone.join(" "), applied.join(" "))
}

const TABLES: &str = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', \
                      'information_schema') ORDER BY 1";

fn outcome_text(outcome: &Result<Report, Error>) -> String {
    match outcome {
        Ok(report) => format!("rows: {}\n", report.rows.join(" ")),
        Err(error) => shown(error),
    }
}

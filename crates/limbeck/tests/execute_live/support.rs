//! Revisions made of a few words, runs that are watched, and the database as text.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use limbeck::core::plan::Direction;
use limbeck::core::{Problem, Source};
use limbeck::{
    Cancel, Control, Error, Event, Job, Migrator, Options, Pace, Project, Report, TransactionMode,
};
use limbeck_testdb::{TestDb, TestServer};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row};

/// A revision: header in short, and the text from the first directive on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rev {
    pub(crate) id: String,
    pub(crate) parents: Vec<String>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) body: String,
}

impl Rev {
    /// A revision with these two sections.
    pub(crate) fn new(id: &str, parents: &[&str], up: &str, down: &str) -> Self {
        let body = format!("-- limbeck:upgrade\n{up}\n\n-- limbeck:downgrade\n{down}\n");
        let parents = parents.iter().map(ToString::to_string).collect();
        Self { id: id.to_owned(), parents, body, ..Self::default() }
    }

    pub(crate) fn depends_on(mut self, ids: &[&str]) -> Self {
        self.depends_on = ids.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn source(&self) -> Arc<Source> {
        let text = format!(
            "-- message of {}\n--\n-- revision: {}\n-- down_revision: {}\n-- branch_labels: {}\n-- depends_on: {}\n\n{}",
            self.id,
            self.id,
            self.parents.join(", "),
            self.labels.join(", "),
            self.depends_on.join(", "),
            self.body
        );
        Source::new(format!("{}.sql", self.id), &text)
    }
}

/// A line of revisions, each with the table `t_<id>`.
pub(crate) fn line(ids: &[&str]) -> Vec<Rev> {
    let mut revs = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let parents: &[&str] = if at == 0 { &[] } else { &ids[at - 1..at] };
        revs.push(table(id, parents));
    }
    revs
}

/// A revision that makes the table `t_<id>`.
pub(crate) fn table(id: &str, parents: &[&str]) -> Rev {
    Rev::new(id, parents, &format!("CREATE TABLE t_{id} (id int);"), &format!("DROP TABLE t_{id};"))
}

pub(crate) fn migrator(revs: &[Rev]) -> Migrator {
    with_options(revs, Options::default())
}

pub(crate) fn with_options(revs: &[Rev], options: Options) -> Migrator {
    let sources: Vec<_> = revs.iter().map(Rev::source).collect();
    let project = Project::from_sources(&sources).unwrap_or_else(|error| panic!("{error:#}"));
    Migrator::new(project).with_options(options)
}

pub(crate) fn paced(pace: Pace) -> Options {
    Options { pace, ..Options::default() }
}

pub(crate) fn single() -> Options {
    Options { mode: TransactionMode::Single, ..Options::default() }
}

/// Does a job, and forgets its events.
pub(crate) async fn run(migrator: &Migrator, url: &str, job: Job<'_>) -> Result<Report, Error> {
    let mut events = Vec::new();
    watched(migrator, url, job, &Cancel::default(), &mut events).await
}

/// Does a job, and writes its events down.
pub(crate) async fn watched(
    migrator: &Migrator,
    url: &str,
    job: Job<'_>,
    cancel: &Cancel,
    events: &mut Vec<String>,
) -> Result<Report, Error> {
    overheard(migrator, url, job, cancel, events, |_| {}).await
}

/// As [`watched`], and somebody else hears each event as it comes.
pub(crate) async fn overheard(
    migrator: &Migrator,
    url: &str,
    job: Job<'_>,
    cancel: &Cancel,
    events: &mut Vec<String>,
    mut ear: impl FnMut(&Event<'_>) + Send,
) -> Result<Report, Error> {
    let mut emit = |event: Event<'_>| {
        events.extend(event_line(&event));
        ear(&event);
    };
    let mut control = Control { cancel: cancel.clone(), emit: &mut emit };
    migrator.run(&url, job, &mut control).await
}

/// Shows what a switch would do, and does it; writes its events down.
pub(crate) async fn switched(
    migrator: &Migrator,
    url: &str,
    events: &mut Vec<String>,
) -> Result<Report, Error> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let plan = migrator.preview_switch(&mut connection).await?;
    let mut emit = |event: Event<'_>| events.extend(event_line(&event));
    let mut control = Control { cancel: Cancel::default(), emit: &mut emit };
    let outcome = migrator.switch(&mut connection, None, &plan, &mut control).await;
    connection.close().await.unwrap();
    outcome
}

pub(crate) async fn up(migrator: &Migrator, url: &str, target: &str) -> Report {
    run(migrator, url, Job::Upgrade(target)).await.unwrap_or_else(|error| panic!("{error:#}"))
}

pub(crate) async fn down(migrator: &Migrator, url: &str, target: &str) -> Report {
    run(migrator, url, Job::Downgrade(target)).await.unwrap_or_else(|error| panic!("{error:#}"))
}

/// An event as one line, where it is the same in every run.
fn event_line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Waiting { holder, .. } => {
            format!("waiting for {}", holder.map_or("nobody", |holder| &holder.application))
        }
        Event::Ahead { rows } => format!("ahead: {rows:?}"),
        Event::Edited { revision, file } => format!("edited: {revision} in {file}"),
        Event::NothingToDo => "nothing to do".to_owned(),
        Event::StepFinished { step, .. } => match step.direction {
            Direction::Upgrade => format!("applied {}", step.revision),
            Direction::Downgrade => format!("undone {}", step.revision),
        },
        Event::Resuming { revision, committed, of, rows: 0 } => {
            format!("resuming {revision} after {committed} of {of}")
        }
        Event::Resuming { revision, committed, of, rows } => {
            format!("resuming {revision} after {committed} of {of} and {rows} rows")
        }
        Event::Settled { revision, found, then, .. } => format!("settled {revision}: {found}: {then:?}"),
        Event::Batch { rows, .. } => format!("batch: {rows} rows so far"),
        Event::Retrying { attempt, .. } => format!("retrying: {attempt}"),
        Event::Stamped { change } => format!("stamped {:?} -> {:?}", change.from, change.to),
        Event::Cancelling => "cancelling".to_owned(),
        _ => return None,
    })
}

/// Every problem with its place, the line it is in, and carets.
pub(crate) fn shown(error: &Error) -> String {
    error.problems().iter().map(shown_problem).collect()
}

fn shown_problem(problem: &Problem) -> String {
    let mut text = format!("error[{}]: {problem:#}\n", problem.code().as_str());
    if let Some(place) = problem.place() {
        let source = place.source.text();
        let start = source[..place.span.start].rfind('\n').map_or(0, |at| at + 1);
        let line = source[start..].lines().next().unwrap_or_default();
        let before: String = source[start..place.span.start].chars().map(|_| ' ').collect();
        let carets = "^".repeat(source[place.span.clone()].chars().count().max(1));
        let _ = writeln!(text, "| {line}\n| {before}{carets}");
    }
    text
}

pub(crate) async fn exec(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

/// The rows of a query whose columns are all text, or an error's text.
pub(crate) async fn query(connection: &mut PgConnection, sql: &str) -> String {
    match sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await {
        Ok(rows) => rows.iter().map(|row| row_text(row) + "\n").collect(),
        Err(error) => format!("{error}\n"),
    }
}

/// What a loaded machine may need; nothing passes or fails by being quick.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// What a gated revision does: it waits until nobody holds the gate.
pub(crate) const GATE: &str =
    "DO $$ BEGIN WHILE NOT pg_try_advisory_xact_lock(42) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;";

/// Holds a gated revision back for as long as it lives.
pub(crate) struct Gate(PgConnection);

impl Gate {
    pub(crate) async fn closed(db: &TestDb) -> Self {
        let mut connection = db.connect().await;
        exec(&mut connection, "SELECT pg_advisory_lock(42)").await;
        Self(connection)
    }

    pub(crate) async fn open(self) {
        self.0.close().await.unwrap();
    }
}

/// Returns when a query says this.
pub(crate) async fn until_is(url: &str, sql: &str, wanted: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let begin = Instant::now();
    while query(&mut connection, sql).await.trim_end() != wanted {
        assert!(begin.elapsed() < PATIENCE, "{sql} never says {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    connection.close().await.unwrap();
}

/// Returns when a session with this `application_name` is at work, with its process id.
pub(crate) async fn until_running(url: &str, application: &str) -> i32 {
    let sql = format!(
        "SELECT pid::text FROM pg_stat_activity WHERE application_name = '{application}' \
         AND datname = current_database() AND state = 'active'"
    );
    let mut connection = PgConnection::connect(url).await.unwrap();
    let begin = Instant::now();
    loop {
        if let Ok(pid) = query(&mut connection, &sql).await.trim_end().parse() {
            return pid;
        }
        assert!(begin.elapsed() < PATIENCE, "no session is called {application}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns when no run holds its lock in this database. A run is over before the server has ended its session, and the lock
/// goes with that.
pub(crate) async fn until_unlocked(connection: &mut PgConnection) {
    let locks = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let begin = Instant::now();
    while query(connection, locks).await != "0\n" {
        assert!(begin.elapsed() < PATIENCE, "a lock is left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn row_text(row: &PgRow) -> String {
    let cell = |at| match row.try_get_unchecked::<Option<String>, _>(at) {
        Ok(text) => text.unwrap_or_else(|| "NULL".to_owned()),
        Err(error) => panic!("column {at} is no text: {error}"),
    };
    (0..row.len()).map(cell).collect::<Vec<_>>().join(" | ")
}

/// One value of a query.
pub(crate) async fn value(url: &str, sql: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let answer = query(&mut connection, sql).await;
    connection.close().await.unwrap();
    answer.trim_end().to_owned()
}

/// The version table's rows, sorted.
pub(crate) async fn rows(url: &str) -> String {
    value(url, "SELECT coalesce(string_agg(version_num, ' ' ORDER BY version_num), '') FROM alembic_version")
        .await
}

/// The journal without what differs from run to run.
pub(crate) async fn journal(url: &str) -> String {
    value(url, JOURNAL).await
}

pub(crate) const JOURNAL: &str = "SELECT concat_ws(' ', revision, direction, state, segment || '/' || segments, 'rows=' || version_rows::text, \
     'intent=' || intent) FROM limbeck.journal ORDER BY id";

/// All of the journal but times and client.
const WHOLE_JOURNAL: &str = "SELECT id::text, format::text, version_table, revision, direction, state, parents::text, depends_on::text, \
     message, checksum, downgrade_checksum, downgrade, segments::text, segment::text, intent, catalog, note, \
     version_rows::text, (started_at <= finished_at)::text, database_user FROM limbeck.journal ORDER BY id";

/// Everything in a database as text: schema and rows as pg_dump prints them, then the journal.
pub(crate) async fn whole(db: &TestDb) -> String {
    let dump = pg_dump(
        db.url(),
        &["--exclude-table-data=limbeck.journal", "--exclude-table-data=limbeck.journal_id_seq"],
    )
    .await;
    let journal = value(db.url(), WHOLE_JOURNAL).await;
    format!("{dump}\n{journal}\n")
}

/// What pg_dump prints, without the lines that differ from run to run.
pub(crate) async fn pg_dump(url: &str, arguments: &[&str]) -> String {
    let program = TestServer::shared().await.bin_dir().join("pg_dump");
    let output = Command::new(program).args(arguments).arg("--dbname").arg(url).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with('\\')).map(|line| line.to_owned() + "\n").collect()
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The adapter's revisions, with the variables that its `limbeck.toml` declares.
pub(crate) fn adapter(options: Options) -> Migrator {
    let folder = root().join("apps/adapter/migrations/versions");
    let mut values = options.values.clone();
    values.set("app_role", "adapter_app");
    values.set("admin_role", "adapter_admin");
    let migrator = Migrator::from_dir(folder).unwrap_or_else(|error| panic!("{error:#}"));
    migrator.with_options(Options { values, ..options })
}

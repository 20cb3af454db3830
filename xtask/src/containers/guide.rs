//! The guide's blocks, in order: what must be so before one is typed, how it ends, and what must be so then.

use std::fs;
use std::time::Instant;

use super::page::{self, Block};
use super::place::{self, PASSWORD, Place};
use super::session::{INTERRUPT, On, Output, Session};
use super::{http, production};
use crate::run::{Done, Failed};

const PAGE: &str = "docs/database-migrations.md";

/// The reader of the guide, and what is open on the desk.
pub(crate) struct Guide<'p> {
    pub(crate) place: &'p Place,
    /// The first of two terminals.
    terminal: Option<Session>,
    /// Whether there was a block of a name.
    seen: Vec<String>,
}

/// What belongs to a block beside its text.
struct Step {
    before: Before,
    ends: Ends,
    after: After,
}

/// How a block comes to an end.
enum Ends {
    ByItself,
    /// Something is typed when it has said these words.
    Typed {
        after: &'static str,
        keys: &'static [u8],
    },
    /// With Ctrl-C, when this is so.
    Interrupted {
        when: fn(&Place) -> bool,
    },
    /// It stays in another terminal until the next block that is interrupted has ended.
    Later {
        when: fn(&Place) -> bool,
    },
}

/// Types the whole page.
pub(crate) fn all(place: &Place) -> Done {
    let text = fs::read_to_string(place.path(PAGE)).map_err(|why| Failed::new(format!("{PAGE}: {why}")))?;
    let mut guide = Guide { place, terminal: None, seen: Vec::new() };
    for block in page::blocks(&text) {
        guide.type_block(&block).map_err(|failed| Failed {
            why: format!("{PAGE}:{}: {}\n{}", block.line, failed.why, block.text),
            ..failed
        })?;
    }
    let unseen = STEPS.iter().find(|(name, _)| !guide.seen.iter().any(|seen| seen == name));
    unseen.map_or(Ok(()), |(name, _)| Err(Failed::new(format!("{PAGE} has no block called `{name}`"))))
}

impl Guide<'_> {
    fn type_block(&mut self, block: &Block) -> Done {
        let begun = Instant::now();
        let step = match &block.name {
            Some(name) => STEPS.iter().find(|(known, _)| known == name).map(|(_, step)| step),
            None => Some(&PLAIN),
        };
        let step =
            step.ok_or_else(|| Failed::new("no step of xtask/src/containers/guide.rs has this name"))?;
        (step.before)(self)?;
        let output = self.run(block, &step.ends)?;
        if let Some(output) = output {
            (step.after)(self, &output)?;
        }
        let name = block.name.clone().unwrap_or_default();
        eprintln!("containers: {PAGE}:{} {name} ({:.1} s)", block.line, begun.elapsed().as_secs_f64());
        self.seen.push(name);
        Ok(())
    }

    fn run(&mut self, block: &Block, ends: &Ends) -> Result<Option<Output>, Failed> {
        // `docker-compose exec` wants a terminal; on one, a downgrade outside would ask.
        let on = if block.text.contains("docker-compose") { On::Terminal } else { On::Pipe };
        let text = block.text.replace("<revision_id>", "004");
        match ends {
            Ends::ByItself => self.place.bash(folder(block), &text, on)?.ok().map(Some),
            Ends::Typed { after, keys } => {
                let mut session = self.place.start(folder(block), &text, On::Terminal)?;
                session.wait_for(after)?;
                session.type_in(keys);
                session.end().map(Some)
            }
            Ends::Interrupted { when } => {
                let mut session = self.place.start(folder(block), &text, On::Terminal)?;
                self.place.eventually("it runs", || when(self.place))?;
                session.type_in(INTERRUPT);
                let output = session.end()?;
                if let Some(mut other) = self.terminal.take() {
                    other.type_in(INTERRUPT);
                    other.end()?;
                }
                Ok(Some(output))
            }
            Ends::Later { when } => {
                let session = self.place.start(folder(block), &text, On::Terminal)?;
                self.place.eventually("it runs", || when(self.place))?;
                self.terminal = Some(session);
                Ok(None)
            }
        }
    }

    /// Adds a revision's file to the working copy.
    fn write_revision(&self, id: &str, down: &str, sections: [&str; 2]) -> Done {
        self.write(&format!("{VERSIONS}/{id}.sql"), &place::revision(id, down, sections))
    }

    fn write(&self, path: &str, text: &str) -> Done {
        fs::write(self.place.path(path), text).map_err(|why| Failed::new(format!("{path}: {why}")))
    }

    /// The one file of the revisions whose name ends so.
    fn revision_file(&self, end: &str) -> Result<String, Failed> {
        let entries = fs::read_dir(self.place.path(VERSIONS)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .into_iter()
            .find(|name| name.ends_with(end))
            .ok_or_else(|| Failed::new(format!("no file ends with {end}")))
    }

    /// Whether the adapter's log has this in it, as often as that.
    fn waits_for_log(&self, words: &str) -> Done {
        let log = || self.place.dev("logs --no-color adapter").map(|output| output.text).unwrap_or_default();
        self.place.eventually(&format!("`{words}` in the adapter's log"), || log().contains(words))
    }
}

const VERSIONS: &str = "apps/adapter/migrations/versions";

/// The folder in which a reader types a block: the project's root where it says itself where to go.
fn folder(block: &Block) -> &'static str {
    let goes =
        block.text.lines().any(|line| line.starts_with("cd ")) || block.text.contains("infra/compose/");
    match block.text.contains("docker-compose") {
        _ if goes => ".",
        true => "infra/compose",
        false => "apps/adapter",
    }
}

fn nothing(_: &Guide) -> Done {
    Ok(())
}

fn fine(_: &Guide, _: &Output) -> Done {
    Ok(())
}

fn adapter_is_ready(place: &Place) -> bool {
    http::is_ok(place.ports.adapter, "/health/ready")
}

fn page_answers(place: &Place) -> bool {
    adapter_is_ready(place) && http::is_ok(place.ports.web, "/health")
}

/// Everything runs, and nothing of the data before is there.
fn begins_anew(place: &Place) -> bool {
    page_answers(place) && place.sql("SELECT to_regclass('trace') IS NULL").is_ok_and(|gone| gone == "t")
}

fn database_answers(place: &Place) -> bool {
    place.sql("SELECT 1").is_ok()
}

type Before = fn(&Guide) -> Done;
type After = fn(&Guide, &Output) -> Done;

const PLAIN: Step = checked(fine);

const fn checked(after: After) -> Step {
    prepared(nothing, after)
}

const fn prepared(before: Before, after: After) -> Step {
    ending(before, Ends::ByItself, after)
}

const fn ending(before: Before, ends: Ends, after: After) -> Step {
    Step { before, ends, after }
}

/// The blocks that have a name.
const STEPS: &[(&str, Step)] = &[
    ("development", checked(|guide, _| guide.place.ready())),
    ("production", prepared(production::before, production::after)),
    ("local", checked(local)),
    ("upgraded", prepared(one_down, upgraded)),
    ("forced", prepared(one_down, is_at_head)),
    ("autogenerate", prepared(change_models, generated)),
    ("template", checked(template)),
    ("failed", prepared(break_something, failed)),
    ("inspected", checked(inspected)),
    ("stamped", checked(stamped)),
    ("stamped-in-production", prepared(down_to_005, stamped_in_production)),
    ("retries", checked(retries)),
    ("healthy", checked(|_, output| output.says(&["healthy", "ready to accept connections"]))),
    ("url", checked(|_, output| output.says(&["DATABASE_URL=postgresql://postgres:"]))),
    ("two-heads", prepared(second_head, two_heads)),
    ("merged", checked(merged)),
    ("rollback", checked(|guide, _| guide.place.is_at("004"))),
    ("one-step", checked(one_step)),
    ("missing-table", prepared(hide_table, |_, output| output.never_says("idempotency_keys"))),
    ("table-back", checked(table_back)),
    ("database-only", ending(down, Ends::Later { when: database_answers }, fine)),
    ("local-adapter", ending(nothing, Ends::Interrupted { when: adapter_is_ready }, stopped)),
    ("round-trip", prepared(after_merge, is_at_head)),
    ("backup", prepared(leave_trace, backed_up)),
    ("restore", prepared(spoil, restored)),
    ("monitoring", checked(|_, output| output.says(&["(head)", "migration: "]))),
    (
        "emergency-bash",
        ending(nothing, Ends::Typed { after: "root@", keys: b"alembic current; exit\n" }, at_head_inside),
    ),
    (
        "emergency-adapter",
        ending(nothing, Ends::Typed { after: "listening", keys: INTERRUPT }, without_migration),
    ),
    ("reset", ending(leave_trace, Ends::Interrupted { when: begins_anew }, reset)),
];

/// The working copy's only head.
fn head(guide: &Guide) -> Result<String, Failed> {
    let heads = guide.place.alembic("heads")?.text;
    Ok(heads.split_whitespace().next().unwrap_or_default().to_owned())
}

/// All of this working copy's revisions, and no others, are applied.
fn is_at_head(guide: &Guide, _: &Output) -> Done {
    let head = head(guide)?;
    guide.place.is_at(&head)
}

fn one_down(guide: &Guide) -> Done {
    guide.place.alembic("downgrade -1").map(drop)
}

fn local(guide: &Guide, output: &Output) -> Done {
    output.says(&["Running downgrade 005 -> 004", "<base> -> 001", "004"])?;
    guide.place.is_at("004")
}

fn upgraded(guide: &Guide, output: &Output) -> Done {
    output.says(&["Running upgrade", "(head)", "Rev: 005 (head)", "Parent: 004"])?;
    is_at_head(guide, output)
}

const MODEL: &str = r#"use limbeck::Table;
use sqlx::types::Uuid;

// What a user prefers.
#[derive(Table)]
#[table(name = "user_preferences")]
pub(crate) struct UserPreference {
    #[column(primary_key)]
    pub(crate) id: Uuid,
    pub(crate) theme: Option<String>,
}
"#;

fn change_models(guide: &Guide) -> Done {
    guide.write("apps/adapter/src/models/user_preference.rs", MODEL)
}

fn generated(guide: &Guide, output: &Output) -> Done {
    let name = guide.revision_file("_add_user_preferences_table.sql")?;
    let parts: Vec<&str> = name.split('_').collect();
    let digits = |part: &str, count| part.len() == count && part.chars().all(|c| c.is_ascii_digit());
    let is_id = parts[2].len() == 12 && parts[2].chars().all(|c| c.is_ascii_hexdigit());
    if !(digits(parts[0], 8) && digits(parts[1], 4) && is_id) {
        return Err(output.failed(&format!("the name {name} is not YYYYMMDD_HHMM_<revision>_<slug>.sql")));
    }
    guide.place.sql("SELECT id, theme FROM user_preferences")?;
    is_at_head(guide, output)
}

fn template(guide: &Guide, output: &Output) -> Done {
    guide.revision_file("_custom_data_migration.sql")?;
    is_at_head(guide, output)
}

fn break_something(guide: &Guide) -> Done {
    let head = head(guide)?;
    guide.write_revision("broken", &head, ["CREATE TABLE half (id int);\nSELECT nil FROM half;", ""])?;
    // Where the container sees that a file has come, it starts again.
    guide.waits_for_log("migration failed")
}

fn failed(_: &Guide, output: &Output) -> Done {
    output.says(&[
        "migration failed",
        "broken.sql:11",
        "SELECT nil FROM half;",
        "column \"nil\" does not exist",
    ])
}

fn inspected(guide: &Guide, output: &Output) -> Done {
    output.says(&["version_num", "(1 row)"])?;
    output.never_says("broken")?;
    let half = guide.place.sql("SELECT to_regclass('half') IS NULL")?;
    if half == "t" { Ok(()) } else { Err(output.failed("half of the revision is left")) }
}

fn stamped(guide: &Guide, output: &Output) -> Done {
    output.says(&["stamp_revision", "broken"])?;
    guide.place.is_at("broken")?;
    // As before, for what follows.
    let file = guide.place.path(&format!("{VERSIONS}/broken.sql"));
    let failed = |why: std::io::Error| Failed::new(format!("{}: {why}", file.display()));
    let text = fs::read_to_string(&file).map_err(failed)?;
    let down = text.lines().find_map(|line| line.strip_prefix("-- down_revision: ")).unwrap_or_default();
    guide.place.alembic(&format!("stamp {down}"))?;
    fs::remove_file(&file).map_err(failed)?;
    guide.place.ready()
}

fn down_to_005(guide: &Guide) -> Done {
    guide.place.alembic("downgrade 005").map(drop)
}

fn stamped_in_production(guide: &Guide, _: &Output) -> Done {
    guide.place.is_at("005")?;
    guide.place.alembic("upgrade head").map(drop)
}

fn retries(guide: &Guide, output: &Output) -> Done {
    guide.place.ready()?;
    let variables = guide.place.dev("exec -T adapter env")?;
    variables
        .says(&["DB_MAX_RETRIES=60", "DB_RETRY_INTERVAL=3"])
        .map_err(|_| output.failed("they are not passed on"))
}

fn second_head(guide: &Guide) -> Done {
    guide.write_revision("other", "005", ["CREATE TABLE other (id int);", "DROP TABLE other;"])?;
    guide.waits_for_log("Multiple heads detected")
}

fn two_heads(_: &Guide, output: &Output) -> Done {
    output.says(&["other (head)"])?;
    match output.text.matches("(head)").count() {
        2 => Ok(()),
        _ => Err(output.failed("two heads are not shown")),
    }
}

/// The container starts again where it sees the merge's file, and migrates then: only after that a rollback lasts.
fn merged(guide: &Guide, output: &Output) -> Done {
    is_at_head(guide, output)?;
    guide.waits_for_log(&format!("complete, the database is at {}", head(guide)?))
}

fn one_step(guide: &Guide, output: &Output) -> Done {
    output.says(&["Running downgrade 004 -> 003"])?;
    guide.place.is_at("003")?;
    guide.place.alembic("upgrade head").map(drop)
}

/// One step down from a merge is ambiguous, as it is for Alembic.
fn after_merge(guide: &Guide) -> Done {
    let head = head(guide)?;
    guide.write_revision("after", &head, ["CREATE TABLE after_merge (id int);", "DROP TABLE after_merge;"])
}

fn hide_table(guide: &Guide) -> Done {
    guide.place.sql("ALTER TABLE idempotency_keys RENAME TO hidden")?;
    guide.place.dev("restart adapter")?;
    guide.waits_for_log("Database schema validation failed - some tables may be missing")?;
    // It starts all the same.
    guide.place.ready()
}

fn table_back(guide: &Guide, output: &Output) -> Done {
    output.says(&["(head)"])?;
    guide.place.sql("ALTER TABLE hidden RENAME TO idempotency_keys").map(drop)
}

fn down(guide: &Guide) -> Done {
    guide.place.dev("down").map(drop)
}

fn stopped(guide: &Guide, output: &Output) -> Done {
    output.says(&["stopped"])?;
    guide.place.up()
}

fn at_head_inside(_: &Guide, output: &Output) -> Done {
    output.says(&["(head)"])
}

fn without_migration(_: &Guide, output: &Output) -> Done {
    output.never_says("migration: ")
}

fn leave_trace(guide: &Guide) -> Done {
    guide.place.sql("CREATE TABLE trace AS SELECT 4711 AS number").map(drop)
}

fn backed_up(guide: &Guide, output: &Output) -> Done {
    let dump = guide.place.path("infra/compose/before-deployment.dump");
    match fs::read(&dump) {
        Ok(bytes) if bytes.starts_with(b"PGDMP") => Ok(()),
        _ => Err(output.failed("that is no dump")),
    }
}

fn spoil(guide: &Guide) -> Done {
    guide.place.sql("DROP TABLE trace; DELETE FROM tenants").map(drop)
}

fn restored(guide: &Guide, output: &Output) -> Done {
    guide.place.ready()?;
    let found = guide.place.sql("SELECT number, (SELECT count(*) > 0 FROM tenants) FROM trace")?;
    if found == "4711|t" { guide.place.sql("DROP TABLE trace").map(drop) } else { Err(output.failed(&found)) }
}

fn reset(guide: &Guide, output: &Output) -> Done {
    output.never_says(PASSWORD)?;
    guide.place.up()?;
    is_at_head(guide, output)?;
    let gone = guide.place.sql("SELECT to_regclass('trace') IS NULL")?;
    if gone == "t" { Ok(()) } else { Err(output.failed("the old data is there")) }
}

//! `tests/diff_cases/*/*.txt`: two schemas, what leads from one to the other and back, and whether it does.
//!
//! A case is a row of blocks, each begun by a line `-- name`: options (below), `before` and `after` with their SQL, then
//! what is expected: `words`, `upgrade` and `downgrade`. Both schemas are loaded into databases of one server and read;
//! the plan is run by the executor and what it leaves is compared with what it was to lead to; then the way back.
//! `LIMBECK_BLESS=1` writes down what came out, `LIMBECK_CASE=word` runs the cases with that in their path.
//!
//! Options: `plain`; `rename KIND OLD NEW` (a table, `rename column TABLE OLD NEW`, `rename value ENUM OLD NEW`);
//! `candidates` (they are listed); `partitions` (compared, too); `only 15` or `only 18` (not on other servers, which lack
//! something); `since 15` (not on older ones).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "diff_support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use limbeck::Job;
use limbeck::core::ddl::section::{Mode, Style, section, statements};
use limbeck::core::diff::{Changes, Options, Partitions, Rename, back, candidates, diff};
use limbeck::core::model::Shared;
use limbeck::core::schema::{Kind, Name, Object, ObjectId, Schema};
use support::{TestServer, Work, left, revision, server_of};

/// How many cases run at once.
const AT_ONCE: usize = 3;

#[tokio::test]
async fn cases_on_15() {
    cases(15, 1).await;
}

#[tokio::test]
async fn cases_on_16() {
    cases(16, 4).await;
}

#[tokio::test]
async fn cases_on_18() {
    cases(18, 4).await;
}

#[tokio::test]
#[ignore = "needs containers: cargo xtask servers"]
async fn cases_on_13_in_a_container() {
    cases(13, 1).await;
}

#[tokio::test]
#[ignore = "needs containers: cargo xtask servers"]
async fn cases_on_17_in_a_container() {
    cases(17, 1).await;
}

/// From one case's schema to another's, which have nothing to do with each other: all kinds meet.
#[tokio::test]
async fn strangers() {
    let mut files = files();
    files.retain(|file| !is_for_others(&fs::read_to_string(file).unwrap(), 15));
    let server = server_of(15).await;
    let (mut work, mut goal) = (Work::new(&server).await, Work::new(&server).await);
    let mut failed = Vec::new();
    for number in 0..STRANGERS {
        let [one, other] = [number * 7919 + 37, number * 104_729 + 301].map(|at| &files[at % files.len()]);
        let case = |file: &Path| Case::parse(&fs::read_to_string(file).unwrap(), 15);
        let mixed = Case { after: case(other).after, options: Options::new(15), ..case(one) };
        let (printed, failure) = run(&work, &goal, &mixed).await;
        failed.extend(
            failure.map(|why| format!("=== {} to {}: {why}\n{printed}", one.display(), other.display())),
        );
        (work, goal) = (work.emptied(&server).await, goal.emptied(&server).await);
    }
    server.close().await;
    assert!(failed.is_empty(), "{} of {STRANGERS}:\n{}", failed.len(), failed.join("\n"));
}

/// How many pairs of strangers meet; each takes as long as a case.
const STRANGERS: usize = 30;

/// All cases on a server of this version. What they print is compared on the one that a case is for, or 15: others print
/// views and constraints in their own ways, and have other online forms. On those every so many cases run, for the sake
/// of time, and those that are for that version only (`LIMBECK_TEST_ALL_STATES=1`: all).
async fn cases(version: u32, step: usize) {
    let step = if std::env::var_os("LIMBECK_TEST_ALL_STATES").is_some() { 1 } else { step };
    let own = format!("-- only {version}\n");
    let is_own = |file: &PathBuf| fs::read_to_string(file).unwrap().contains(&own);
    let all = files().into_iter().enumerate();
    let chosen = all.filter(|(at, file)| at.is_multiple_of(step) || is_own(file));
    let files: Vec<_> = chosen.map(|(_, file)| file).collect();
    let server = server_of(version).await;
    let workers = (0..AT_ONCE).map(|worker| {
        let files = files.iter().skip(worker).step_by(AT_ONCE);
        check_all(&server, files, version)
    });
    let failed: Vec<String> = join_all(workers).await.into_iter().flatten().collect();
    server.close().await;
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), files.len(), failed.join("\n"));
}

/// The cases that are asked for.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff_cases");
    let only = std::env::var("LIMBECK_CASE").unwrap_or_default();
    let mut files = Vec::new();
    for group in fs::read_dir(folder).unwrap() {
        files.extend(fs::read_dir(group.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.retain(|file| file.display().to_string().contains(&only));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Cases one after the other, in the same two databases; what is wrong with them.
async fn check_all(server: &TestServer, files: impl Iterator<Item = &PathBuf>, version: u32) -> Vec<String> {
    let (mut work, mut goal) = (Work::new(server).await, Work::new(server).await);
    let mut failed = Vec::new();
    for file in files {
        failed.extend(check(&work, &goal, file, version).await);
        (work, goal) = (work.emptied(server).await, goal.emptied(server).await);
    }
    failed
}

/// One case; what is wrong with it.
async fn check(work: &Work, goal: &Work, file: &Path, version: u32) -> Option<String> {
    let text = fs::read_to_string(file).unwrap();
    let case = Case::parse(&text, version);
    let only = text.lines().find_map(|line| line.strip_prefix("-- only ")?.parse().ok());
    // The wheel's servers come without extensions.
    let lacks = matches!(version, 16 | 18) && text.contains("CREATE EXTENSION");
    if lacks || is_for_others(&text, version) {
        return None;
    }
    let name = format!("{}/{}", file.parent()?.file_name()?.display(), file.file_name()?.display());
    let (printed, failure) = run(work, goal, &case).await;
    if let Some(failure) = failure {
        return Some(format!("=== {name}: {failure}\n{printed}"));
    }
    if printed == text || version != only.unwrap_or(15) {
        return None;
    }
    if std::env::var_os("LIMBECK_BLESS").is_some() {
        fs::write(file, printed).unwrap();
        return None;
    }
    Some(format!("=== {name}: printed\n{printed}"))
}

/// Whether servers of a version lack something that a case is about.
fn is_for_others(text: &str, version: u32) -> bool {
    let named = |word: &str| text.lines().find_map(|line| line.strip_prefix(word)?.parse::<u32>().ok());
    named("-- only ").is_some_and(|only| only != version)
        || named("-- since ").is_some_and(|since| version < since)
}

/// What a case says.
struct Case {
    head: String,
    options: Options,
    mode: Mode,
    candidates: bool,
    before: String,
    after: String,
}

impl Case {
    fn parse(text: &str, version: u32) -> Self {
        let mut case = Self {
            head: String::new(),
            options: Options::new(version),
            mode: Mode::Online,
            candidates: false,
            before: String::new(),
            after: String::new(),
        };
        let mut block = "";
        for line in text.lines() {
            match line.strip_prefix("-- ") {
                Some("plain") => case.mode = Mode::Plain,
                Some("candidates") => case.candidates = true,
                Some("partitions") => case.options.partitions = Partitions::Compare,
                Some(words) if words.starts_with("rename ") => case.options.renames.push(rename(words)),
                Some(name @ ("before" | "after" | "words" | "upgrade" | "downgrade")) => {
                    block = name;
                    continue;
                }
                _ => {}
            }
            let part = match block {
                "" => &mut case.head,
                "before" => &mut case.before,
                "after" => &mut case.after,
                _ => continue,
            };
            part.push_str(line);
            part.push('\n');
        }
        case
    }
}

/// `rename KIND OLD NEW`, `rename column TABLE OLD NEW`, `rename value ENUM OLD NEW`.
fn rename(words: &str) -> Rename {
    let words: Vec<&str> = words.split_whitespace().skip(1).collect();
    let name = |text: &str| {
        let (schema, name) = text.split_once('.').unwrap_or(("public", text));
        Name::new(schema, name)
    };
    match words.as_slice() {
        ["column", table, from, to] => {
            Rename::Column { table: name(table), from: (*from).into(), to: (*to).into() }
        }
        ["value", of, from, to] => Rename::Value { of: name(of), from: (*from).into(), to: (*to).into() },
        ["schema", from, to] => Rename::Object {
            from: ObjectId::global(Kind::Schema, *from),
            to: ObjectId::global(Kind::Schema, *to),
        },
        ["function", from, to] => {
            let id = |text: &str| {
                let (own, arguments) = text.split_once('(').unwrap();
                ObjectId::with_arguments(Kind::Routine, &name(own), arguments.trim_end_matches(')'))
            };
            Rename::Object { from: id(from), to: id(to) }
        }
        [kind, from, to] => {
            let kinds = [
                ("table", Kind::Table),
                ("view", Kind::View),
                ("enum", Kind::Enum),
                ("domain", Kind::Domain),
                ("composite", Kind::Composite),
                ("sequence", Kind::Sequence),
                ("collation", Kind::Collation),
                ("matview", Kind::MaterializedView),
            ];
            let kind = kinds.iter().find(|(word, _)| word == kind).unwrap().1;
            Rename::Object {
                from: ObjectId::relation(kind, &name(from)),
                to: ObjectId::relation(kind, &name(to)),
            }
        }
        other => panic!("{other:?}"),
    }
}

/// What a case prints, and what went wrong.
async fn run(work: &Work, goal: &Work, case: &Case) -> (String, Option<String>) {
    if let Err(error) = work.load(&case.before).await {
        return (String::new(), Some(format!("before: {error}")));
    }
    if let Err(error) = goal.load(&case.after).await {
        return (String::new(), Some(format!("after: {error}")));
    }
    let (before, after) = (work.read().await, goal.read().await);
    if let Some(wrong) = wrongly_shared(&before, &after) {
        return (String::new(), Some(wrong));
    }
    let there = diff(&before, &after, &case.options);
    let back = back(&before, &after, &case.options);
    let style = Style { version: case.options.version, mode: case.mode };
    let (up, down) = (section(&statements(&there, &style)), section(&statements(&back, &style)));
    let printed = print(case, &before, &after, &there, (&up, &down));
    let failure = prove(work, (&before, &after), case, (&up, &down)).await;
    (printed, failure)
}

/// What models would take from the schema before, without asking a server, is what a server makes of them.
fn wrongly_shared(before: &Schema, after: &Schema) -> Option<String> {
    // Models do not say that it is there.
    let public = ObjectId::global(Kind::Schema, "public");
    let mut written = after.clone();
    written.objects.remove(&public);
    written.objects.values_mut().for_each(|entry| entry.needs.clear());
    let Shared { mut taken, rest } = Shared::of(&written, before);
    taken.objects.remove(&public);
    let is_there = |id: &ObjectId| taken.objects.contains_key(id) || rest.objects.contains_key(id);
    if let Some(lost) = written.objects.keys().find(|id| !is_there(id)) {
        return Some(format!("neither shared nor not: {lost}"));
    }
    let wrong = taken.objects.iter().find(|(id, entry)| {
        let Some(real) = after.objects.get(id) else { return true };
        !real.says_the_same_as(entry) && !same_columns(&real.object, &entry.object)
            || real.needs != entry.needs
    });
    wrong.map(|(id, entry)| format!("wrongly shared: {id}: {entry:?} is {:?}", after.objects.get(id)))
}

/// The order of columns is not compared.
fn same_columns(one: &Object, other: &Object) -> bool {
    let sorted = |object: &Object| match object {
        Object::Table(table) => {
            let mut table = table.clone();
            table.columns.sort_by(|a, b| a.name.cmp(&b.name));
            Some(table)
        }
        _ => None,
    };
    sorted(one).is_some() && sorted(one) == sorted(other)
}

fn print(case: &Case, before: &Schema, after: &Schema, there: &Changes, (up, down): (&str, &str)) -> String {
    let mut printed = format!("{}-- before\n{}-- after\n{}-- words\n", case.head, case.before, case.after);
    if case.candidates {
        for candidate in candidates(before, after) {
            let _ = writeln!(printed, "candidate: {} ({})", candidate.words, candidate.likeness);
        }
    }
    for change in &there.changes {
        printed.push_str(&change.words);
        for (what, text) in [("destroys", &change.loss), ("because", &change.because)] {
            if let Some(text) = text {
                let _ = write!(printed, " [{what}: {text}]");
            }
        }
        printed.push('\n');
    }
    let _ = write!(printed, "-- upgrade\n{up}-- downgrade\n{down}");
    printed
}

/// Runs the plan and its way back; what is wrong afterwards.
async fn prove(
    work: &Work,
    (before, after): (&Schema, &Schema),
    case: &Case,
    (up, down): (&str, &str),
) -> Option<String> {
    let revision = match revision(up, down) {
        Ok(revision) => revision,
        Err(error) => return Some(format!("the plan cannot be read: {error}")),
    };
    if let Err(error) = work.migrate(&revision, Job::Upgrade("head")).await {
        return Some(format!("the upgrade fails: {error}"));
    }
    let rest = diff(&work.read().await, after, &Options { renames: Vec::new(), ..case.options.clone() });
    if !rest.is_empty() {
        return Some(format!("the upgrade leaves {}", left(&rest)));
    }
    if let Err(error) = work.migrate(&revision, Job::Downgrade("base")).await {
        return Some(format!("the downgrade fails: {error}"));
    }
    let options = Options { renames: Vec::new(), ..case.options.reversed() };
    let rest = diff(&work.read().await, before, &options);
    (!rest.is_empty()).then(|| format!("the downgrade leaves {}", left(&rest)))
}

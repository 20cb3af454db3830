//! Directives: comments that start with `limbeck:`, each alone on its line.

use std::sync::Arc;
use std::time::Duration;

use super::token::is_variable_part;
use crate::nearest;
use crate::problem::{Code, Place, Problem, Source, Span};
use crate::revision::Spanned;

/// What a directive says. Its grammar is the table `FORMS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directive {
    /// The upgrade section begins.
    Upgrade,
    /// The downgrade section begins.
    Downgrade,
    /// There is no downgrade, for this reason.
    Irreversible(String),
    /// What is before it is committed.
    Commit,
    /// The next statement runs outside a transaction.
    Autocommit(Retry),
    /// The next statement runs in batches.
    Batch(BatchOptions),
    /// Here runs a function that the application registers.
    Rust,
    /// The next statement runs only under this condition.
    When(Condition),
    /// Timeouts of this revision.
    Timeout(Timeouts),
    /// Something that a reader should see.
    Mark(Mark),
}

/// Whether a statement outside a transaction may run again when its outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The author did not say so: only for statements whose outcome the catalog tells.
    Unmarked,
    /// The author says that it may: `autocommit idempotent`.
    Idempotent,
}

/// `batch size=5000 pause=100ms`, and perhaps ceilings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// What `:'batch'` is bound to; never 0.
    pub size: u64,
    /// How long to wait between two transactions.
    pub pause: Duration,
    /// As many rows may be touched in all; never 0.
    pub max_rows: Option<u64>,
    /// No batch begins while a replica is further behind than this.
    pub max_lag: Option<Duration>,
    /// No batch begins while more other sessions than this are active.
    pub max_active: Option<u64>,
}

/// `when <variable>=<value>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The variable's name.
    pub variable: String,
    /// The value that it must have, as written.
    pub value: String,
}

/// `timeout statement=30s lock=3s`; zero switches a timeout off, as in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// `statement_timeout`, if the revision says one.
    pub statement: Option<Duration>,
    /// `lock_timeout`, if the revision says one.
    pub lock: Option<Duration>,
}

/// A mark: it changes nothing, it is there to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which one.
    pub kind: MarkKind,
    /// What follows it on its line.
    pub text: String,
}

/// The marks that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// Something is dropped.
    Destructive,
    /// Whether a statement succeeds depends on rows.
    DependsOnData,
    /// It was not proved on a server.
    Unproved,
}

impl MarkKind {
    /// The directive's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Destructive => "destructive",
            Self::DependsOnData => "depends-on-data",
            Self::Unproved => "unproved",
        }
    }
}

/// One directive's name, how it is written, and how its arguments are read.
struct Form {
    name: &'static str,
    usage: &'static str,
    read: fn(&str) -> Result<Directive, String>,
}

/// Every directive; messages, suggestions and reading derive from this table.
const FORMS: &[Form] = &[
    Form { name: "upgrade", usage: "upgrade", read: |args| bare(args, Directive::Upgrade) },
    Form { name: "downgrade", usage: "downgrade", read: |args| bare(args, Directive::Downgrade) },
    Form { name: "irreversible", usage: "irreversible <reason>", read: irreversible },
    Form { name: "commit", usage: "commit", read: |args| bare(args, Directive::Commit) },
    Form { name: "autocommit", usage: "autocommit` or `-- limbeck:autocommit idempotent", read: autocommit },
    Form { name: "batch", usage: "batch size=5000 pause=100ms", read: batch },
    Form { name: "rust", usage: "rust", read: |args| bare(args, Directive::Rust) },
    Form { name: "when", usage: "when <variable>=<value>", read: when },
    Form { name: "timeout", usage: "timeout statement=30s lock=3s", read: timeout },
    Form { name: "destructive", usage: "destructive", read: |text| mark(MarkKind::Destructive, text) },
    Form {
        name: "depends-on-data",
        usage: "depends-on-data",
        read: |text| mark(MarkKind::DependsOnData, text),
    },
    Form { name: "unproved", usage: "unproved", read: |text| mark(MarkKind::Unproved, text) },
];

/// The directive's name, for messages.
impl Directive {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Irreversible(_) => "irreversible",
            Self::Commit => "commit",
            Self::Autocommit(_) => "autocommit",
            Self::Batch(_) => "batch",
            Self::Rust => "rust",
            Self::When(_) => "when",
            Self::Timeout(_) => "timeout",
            Self::Mark(mark) => mark.kind.as_str(),
        }
    }
}

/// Whether a comment's text, without its dashes, is a directive or somebody's attempt at one. A message
/// line for which this holds has to be escaped.
pub(crate) fn looks_like_directive(comment: &str) -> bool {
    after_prefix(comment).is_some()
}

/// What follows `limbeck:`, however that is written.
fn after_prefix(comment: &str) -> Option<&str> {
    let text = comment.trim_start();
    let (word, rest) = text.split_at_checked("limbeck".len())?;
    if word.eq_ignore_ascii_case("limbeck") { rest.trim_start().strip_prefix(':') } else { None }
}

/// Reads a line comment; `None` for one that is no directive.
///
/// # Errors
/// [`Code::RevisionDirective`] with the directive's place.
pub(crate) fn read(source: &Arc<Source>, comment: &Span) -> Result<Option<Spanned<Directive>>, Problem> {
    let body = &source.text()[comment.start + "--".len()..comment.end];
    let Some(text) = after_prefix(body) else { return Ok(None) };
    let text = text.trim_end();
    let span = comment.start..comment.start + "--".len() + body.trim_end().len();
    let wrong =
        |message: String| Problem::new(Code::RevisionDirective, message).at(Place::new(source, span.clone()));
    let (name, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if name.is_empty() || !body.trim_start().starts_with("limbeck:") {
        let meant = match text.split_whitespace().next() {
            Some(name) => {
                format!("write `-- limbeck:{}`, in small letters and without blanks", name.to_lowercase())
            }
            None => "write `-- limbeck:upgrade`, for example".into(),
        };
        return Err(wrong("a directive begins with exactly `limbeck:` and its name".into()).help(meant));
    }
    let Some(form) = FORMS.iter().find(|form| form.name == name) else {
        return Err(wrong(format!("unknown directive `{name}`")).help(unknown_help(name)));
    };
    let usage = || format!("write `-- limbeck:{}`", form.usage);
    if !alone_on_its_line(source.text(), comment.start) {
        let message = format!("the directive `{name}` follows something else on its line");
        return Err(wrong(message).help("put it on a line of its own, before the statement that it is for"));
    }
    let value =
        (form.read)(arguments.trim()).map_err(|why| wrong(format!("`{name}` {why}")).help(usage()))?;
    Ok(Some(Spanned { value, span }))
}

fn alone_on_its_line(text: &str, comment: usize) -> bool {
    let line = text[..comment].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    text[line..comment].chars().all(char::is_whitespace)
}

fn unknown_help(name: &str) -> String {
    let names = FORMS.iter().map(|form| form.name);
    match nearest(name, names.clone()) {
        Some(known) => format!("did you mean `-- limbeck:{known}`?"),
        None => format!("the directives are: {}", names.collect::<Vec<_>>().join(", ")),
    }
}

fn bare(arguments: &str, directive: Directive) -> Result<Directive, String> {
    if arguments.is_empty() {
        Ok(directive)
    } else {
        Err(format!("takes no arguments, but has `{arguments}`"))
    }
}

fn irreversible(reason: &str) -> Result<Directive, String> {
    if reason.is_empty() {
        return Err("needs a reason, which whoever wants to go back will read".into());
    }
    Ok(Directive::Irreversible(reason.into()))
}

fn autocommit(arguments: &str) -> Result<Directive, String> {
    match arguments {
        "" => Ok(Directive::Autocommit(Retry::Unmarked)),
        "idempotent" => Ok(Directive::Autocommit(Retry::Idempotent)),
        other => Err(format!("takes only `idempotent`, not `{other}`")),
    }
}

fn batch(arguments: &str) -> Result<Directive, String> {
    let [size, pause, max_rows, max_lag, max_active] =
        settings(arguments, ["size", "pause", "max_rows", "max_lag", "max_active"])?;
    let size = size.ok_or("needs a size, the number that :'batch' stands for")?;
    Ok(Directive::Batch(BatchOptions {
        size: positive("size", size)?,
        pause: pause.map(duration).transpose()?.unwrap_or_default(),
        max_rows: max_rows.map(|rows| positive("max_rows", rows)).transpose()?,
        max_lag: max_lag.map(duration).transpose()?,
        max_active: max_active.map(|sessions| positive("max_active", sessions)).transpose()?,
    }))
}

/// A number that PostgreSQL can hold, too.
fn positive(key: &str, text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if number > 0 && i64::try_from(number).is_ok() => Ok(number),
        _ => Err(format!("has the {key} `{text}`, which is not a positive whole number")),
    }
}

fn when(arguments: &str) -> Result<Directive, String> {
    let (variable, value) = arguments.split_once('=').ok_or("needs a variable, `=` and a value")?;
    let (variable, value) = (variable.trim_end(), value.trim_start());
    if variable.is_empty() || !variable.bytes().all(is_variable_part) {
        return Err(format!("has `{variable}`, which is not a variable's name"));
    }
    Ok(Directive::When(Condition { variable: variable.into(), value: value.into() }))
}

fn timeout(arguments: &str) -> Result<Directive, String> {
    let [statement, lock] = settings(arguments, ["statement", "lock"])?;
    if statement.or(lock).is_none() {
        return Err("needs `statement=`, `lock=` or both".into());
    }
    let statement = statement.map(duration).transpose()?;
    Ok(Directive::Timeout(Timeouts { statement, lock: lock.map(duration).transpose()? }))
}

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn mark(kind: MarkKind, text: &str) -> Result<Directive, String> {
    Ok(Directive::Mark(Mark { kind, text: text.into() }))
}

/// Reads `key=value` pairs with these keys, each at most once.
fn settings<'a, const N: usize>(arguments: &'a str, keys: [&str; N]) -> Result<[Option<&'a str>; N], String> {
    let mut found = [None; N];
    for setting in arguments.split_whitespace() {
        let (key, value) =
            setting.split_once('=').ok_or_else(|| format!("has `{setting}` without a value"))?;
        let at = keys.iter().position(|known| *known == key);
        let at = at.ok_or_else(|| format!("knows no `{key}`, only {}", listed(&keys)))?;
        if found[at].replace(value).is_some() {
            return Err(format!("has `{key}` twice"));
        }
    }
    Ok(found)
}

/// `a`, `b` and `c`.
fn listed(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match keys.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Units of time, as in PostgreSQL's settings, in milliseconds.
const UNITS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" if number == "0" => Some(1),
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
    };
    // PostgreSQL's own limit for a timeout.
    let limit = u64::from(i32::MAX.unsigned_abs());
    let milliseconds = number.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor));
    match milliseconds.filter(|all| *all <= limit) {
        Some(all) => Ok(Duration::from_millis(all)),
        None => Err(format!("has `{text}`, which is not a time such as 100ms, 30s, 5min or 1h")),
    }
}

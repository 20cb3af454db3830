//! Names for what differs from run to run.

use std::sync::LazyLock;

use regex::Regex;

/// Ids that were generated, in the order in which they appeared.
pub(crate) struct Filters {
    case: String,
    names: Vec<(String, &'static str)>,
    ids: Vec<String>,
}

static ID: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:\b|_)([0-9a-f]{12})(?:\b|_)"));

/// Times and other numbers of one run.
static VARYING: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\b20\d{6}_\d{4}_", "[DATE]_"),
        (r"\b20\d\d-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "[TIME]"),
        (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", "[TIME]"),
        (r"\btook \d+(\.\d)? m?s\b", "took [DURATION]"),
        (r#""elapsed_seconds": [\d.e-]+"#, r#""elapsed_seconds": [DURATION]"#),
        (r#""database_user": "\w+""#, r#""database_user": "[USER]""#),
        (r"\bby \w+, limbeck \d", "by [USER], limbeck 0"),
        (r"limbeck \d+\.\d+\.\d+ on [\w.-]+", "limbeck [VERSION] on [HOST]"),
        (r"\bpid \d+", "pid [PID]"),
        (r"\bsession \d+", "session [PID]"),
        (r"limbeck \d+\.\d+\.\d+", "limbeck [VERSION]"),
        (r"PostgreSQL \d+\.\d+", "PostgreSQL [VERSION]"),
        (r"\d+ [GM]iB free in .*", "[SPACE] free in [FOLDER]"),
        (r"\btransaction that is \d+ s old", "transaction that is [AGE] old"),
        (r"\bis \d+ s old;", "is [AGE] old;"),
        (r"\b\d+ s so far", "[AGE] so far"),
        (r"pid IN \(\d+\)", "pid IN ([PID])"),
        (r"pg_terminate_backend\(\d+\)", "pg_terminate_backend([PID])"),
    ]
    .map(|(pattern, name)| (regex(pattern), name))
    .into()
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

impl Filters {
    /// `case`: the text of the case; ids that it writes itself are no generated ones.
    pub(crate) fn new(case: &str, names: Vec<(String, &'static str)>) -> Self {
        Self { case: case.to_owned(), names, ids: Vec::new() }
    }

    /// Puts names into output.
    pub(crate) fn apply(&mut self, output: &str) -> String {
        let mut text = output.to_owned();
        for (value, name) in &self.names {
            text = text.replace(value, name);
        }
        for (pattern, name) in VARYING.iter() {
            text = pattern.replace_all(&text, *name).into_owned();
        }
        for found in ID.captures_iter(&text) {
            let id = &found[1];
            if !self.case.contains(id) && !self.ids.iter().any(|known| known == id) {
                self.ids.push(id.to_owned());
            }
        }
        for (n, id) in self.ids.iter().enumerate() {
            text = text.replace(id, &name(n));
        }
        text
    }

    /// Puts ids in the place of their names.
    pub(crate) fn reverse(&self, command: &str) -> String {
        let ids = self.ids.iter().enumerate();
        ids.fold(command.to_owned(), |command, (n, id)| command.replace(&name(n), id))
    }
}

fn name(n: usize) -> String {
    format!("<id{}>", n + 1)
}

//! No output shows a secret: whatever a case gives as a password, or as the value of a variable called
//! `secret`, may stand in nothing that limbeck prints.

use std::sync::LazyLock;

use regex::Regex;

static GIVEN: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"://[^:@/\s]*:([^\s/]+)@",
        r"(?i)password=([^&\s'\x22)]+)",
        r"-x [\x22']?secret=([^\s\x22]+)",
        r"SECRET=([^\s\x22]+)",
        r"password_command = .*?\becho (\S+?)[\x22']",
    ]
    .map(|pattern| Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")))
    .into()
});

/// Shorter ones would be found in ordinary words.
const SHORTEST: usize = 5;

/// The secrets of a case.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// All that a case's text gives.
    pub(crate) fn of(case: &str) -> Self {
        // What limbeck printed last time shows URLs with masked passwords.
        let given = case.lines().filter(|line| !line.starts_with(['|', '!', '#']));
        let in_line = |line: &str| -> Vec<String> {
            let captures = GIVEN.iter().flat_map(|pattern| pattern.captures_iter(line));
            captures.map(|found| found[1].to_owned()).collect()
        };
        let is_secret = |text: &String| text.len() >= SHORTEST && !text.contains(['$', '*']);
        Self(given.flat_map(in_line).filter(is_secret).collect())
    }

    /// The secret that a command of limbeck's has shown.
    pub(crate) fn shown_by(&self, command: &str, output: &str) -> Option<&str> {
        let is_ours = ["limbeck", "alembic"].iter().any(|name| command.contains(name));
        self.0.iter().filter(|_| is_ours).map(String::as_str).find(|secret| output.contains(*secret))
    }
}

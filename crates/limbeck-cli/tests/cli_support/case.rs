//! A case's file: what there is before it begins, and its items in order.

use std::fmt;

/// A parsed case.
pub(crate) struct Case {
    /// `% database`: with a database of its own.
    pub(crate) with_database: bool,
    /// `% project NAME`: what its folder begins with.
    pub(crate) project: Option<String>,
    /// Everything else.
    pub(crate) items: Vec<Item>,
}

/// A piece of a case.
pub(crate) enum Item {
    /// Prose, settings and empty lines, kept as they are.
    Text(String),
    /// A file to write.
    File { path: String, text: String },
    /// A command to run. What it printed last time is not here.
    Command(String),
}

impl Case {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut case = Self { with_database: false, project: None, items: Vec::new() };
        for (number, line) in text.lines().enumerate() {
            case.take(line).map_err(|what| format!("line {}: {what}: {line}", number + 1))?;
        }
        Ok(case)
    }

    fn take(&mut self, line: &str) -> Result<(), &'static str> {
        let (mark, rest) = line.split_at(line.chars().next().map_or(0, char::len_utf8));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match (mark, self.items.last_mut()) {
            ("$", _) => self.items.push(Item::Command(rest.to_owned())),
            ("@", _) => self.items.push(Item::File { path: rest.to_owned(), text: String::new() }),
            (">", Some(Item::Command(command))) => command.extend(["\n", rest]),
            ("+", Some(Item::File { text, .. })) => text.extend([rest, "\n"]),
            ("|" | "!" | "=", Some(Item::Command(_))) => {}
            ("" | "#", _) => self.items.push(Item::Text(line.to_owned())),
            ("%", _) => {
                self.set(rest)?;
                self.items.push(Item::Text(line.to_owned()));
            }
            _ => return Err("a line that does not belong here"),
        }
        Ok(())
    }

    fn set(&mut self, setting: &str) -> Result<(), &'static str> {
        match setting.split_once(' ') {
            None if setting == "database" => self.with_database = true,
            Some(("project", name)) => self.project = Some(name.to_owned()),
            _ => return Err("an unknown setting"),
        }
        Ok(())
    }
}

/// As it stands in the file.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(line) => writeln!(f, "{line}"),
            Self::File { path, text } => {
                writeln!(f, "@ {path}")?;
                text.lines().try_for_each(|line| writeln!(f, "{}", marked('+', line)))
            }
            Self::Command(command) => command
                .lines()
                .enumerate()
                .try_for_each(|(n, line)| writeln!(f, "{}", marked(if n == 0 { '$' } else { '>' }, line))),
        }
    }
}

/// A line with its mark, without white space at its end.
pub(crate) fn marked(mark: char, line: &str) -> String {
    format!("{mark} {line}").trim_end().to_owned()
}

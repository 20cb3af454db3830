//! What the graph and plan tests share: headers from short descriptions, and a version table.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod shapes;

use limbeck_core::plan::RowChange;
use limbeck_core::revision::{BranchLabel, Header, RevisionId, Spanned};
use limbeck_core::{Problem, Source};

/// A revision in words: its id and what the header's lists hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rev {
    pub(crate) id: String,
    pub(crate) parents: Vec<String>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) message: String,
}

impl Rev {
    /// Reads `id < parent, parent ; dependency #label`: the form of the data files.
    pub(crate) fn read(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let mut rev = Self { id: words.next().unwrap().to_owned(), ..Self::default() };
        let mut into = '<';
        for word in words {
            match (word, word.strip_prefix('#')) {
                ("<" | ";", _) => into = word.chars().next().unwrap(),
                (_, Some(label)) => rev.labels.push(label.to_owned()),
                (name, None) if into == '<' => rev.parents.push(name.trim_end_matches(',').to_owned()),
                (name, None) => rev.depends_on.push(name.trim_end_matches(',').to_owned()),
            }
        }
        rev.message = format!("make {}", rev.id);
        rev
    }

    /// A header with a file in which every name has its place.
    pub(crate) fn header(&self) -> Header {
        let mut text = format!("-- {}\n--\n", self.message);
        let mut spans = Vec::new();
        let lists = [
            ("revision:      ", std::slice::from_ref(&self.id)),
            ("down_revision: ", &self.parents),
            ("branch_labels: ", &self.labels),
            ("depends_on:    ", &self.depends_on),
        ];
        for (key, names) in lists {
            text += &format!("-- {key}");
            for (at, name) in names.iter().enumerate() {
                text += if at == 0 { "" } else { ", " };
                spans.push(text.len()..text.len() + name.len());
                text += name;
            }
            text += "\n";
        }
        let mut spans = spans.into_iter();
        let mut spanned = |name: &String| Spanned { value: name.clone(), span: spans.next().unwrap() };
        let id = map(spanned(&self.id), |id| RevisionId::new(id).unwrap());
        let down = self.parents.iter().map(|p| map(spanned(p), |id| RevisionId::new(id).unwrap())).collect();
        let labels = self.labels.iter().map(|l| map(spanned(l), |l| BranchLabel::new(l).unwrap())).collect();
        let depends_on = self.depends_on.iter().map(&mut spanned).collect();
        Header {
            source: Source::new(format!("versions/{}.sql", self.id), &text),
            message: self.message.clone(),
            id,
            down_revision: down,
            branch_labels: labels,
            depends_on,
            created: Some("2025-11-01 14:30 UTC".to_owned()),
        }
    }
}

fn map<T, U>(spanned: Spanned<T>, f: impl Fn(&T) -> U) -> Spanned<U> {
    Spanned { value: f(&spanned.value), span: spanned.span }
}

/// One revision a line; empty lines do not count.
pub(crate) fn headers(text: &str) -> Vec<Header> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| Rev::read(line).header()).collect()
}

pub(crate) fn graph(text: &str) -> limbeck_core::graph::Graph {
    limbeck_core::graph::Graph::build(headers(text)).unwrap()
}

/// Carries out a row change on a table, with the demand that each statement hits exactly one row. A
/// renamed row moves to the table's end, as PostgreSQL puts a new version of it there.
pub(crate) fn apply(table: &mut Vec<String>, change: &RowChange) {
    let remove = |table: &mut Vec<String>, id: &RevisionId| {
        let hits = table.iter().filter(|row| *row == id.as_str()).count();
        assert_eq!(hits, 1, "{id} in {table:?}");
        table.retain(|row| row != id.as_str());
    };
    change.delete.iter().for_each(|id| remove(table, id));
    change.update.iter().for_each(|(from, _)| remove(table, from));
    let new = change.update.iter().map(|(_, to)| to).chain(&change.insert);
    for id in new {
        assert!(!table.iter().any(|row| row == id.as_str()), "{id} twice in {table:?}");
        table.push(id.to_string());
    }
}

/// A problem as a test shows it.
pub(crate) fn show(problem: &Problem) -> String {
    format!("{}: {problem:#}", problem.code().as_str())
}

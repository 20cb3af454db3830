//! What a revision file's first comment block says.

use std::sync::Arc;

use super::{BranchLabel, RevisionId};
use crate::nearest;
use crate::problem::{Code, Place, Problem, Source, Span};
use crate::sql::looks_like_directive;
use crate::sql::token::{Lexer, TokenKind};

/// A value with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands, in bytes of the file's normalised text.
    pub span: Span,
}

/// The header of a revision file. All that the graph needs; the SQL is read apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The file, for showing places.
    pub source: Arc<Source>,
    /// The first comment lines: the first line is the message that listings show.
    pub message: String,
    /// `revision:`
    pub id: Spanned<RevisionId>,
    /// `down_revision:`, empty for a root, several for a merge. Full ids.
    pub down_revision: Vec<Spanned<RevisionId>>,
    /// `branch_labels:`
    pub branch_labels: Vec<Spanned<BranchLabel>>,
    /// `depends_on:`, full ids or branch labels.
    pub depends_on: Vec<Spanned<String>>,
    /// `created:`, as written.
    pub created: Option<String>,
}

impl Header {
    /// The place of a span of this header.
    pub fn place(&self, span: &Span) -> Place {
        Place::new(&self.source, span.clone())
    }

    /// The first line of the message, as `history` shows it.
    pub fn summary(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Reads the header of `source`, and where it ends: at the first directive or the first SQL.
    pub(super) fn parse(source: &Arc<Source>) -> Result<(Self, usize), Problem> {
        let (lines, end) = comment_lines(source.text());
        let mut reader = Reader::new(source);
        for line in lines {
            reader.line(line)?;
        }
        reader.finish().map(|header| (header, end))
    }
}

/// The keys of a header, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Revision,
    DownRevision,
    BranchLabels,
    DependsOn,
    Created,
}

impl Key {
    pub(super) const ALL: [Self; 5] =
        [Self::Revision, Self::DownRevision, Self::BranchLabels, Self::DependsOn, Self::Created];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Revision => "revision",
            Self::DownRevision => "down_revision",
            Self::BranchLabels => "branch_labels",
            Self::DependsOn => "depends_on",
            Self::Created => "created",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }
}

/// Whether a line of a message would be read as something else, so that it is written (and read) with a
/// backslash before it.
pub(super) fn needs_escape(line: &str) -> bool {
    let keys = || Key::ALL.map(Key::as_str);
    let is_key = |name: &str| is_key_like(name) && nearest(name, keys()).is_some();
    line.split_once(':').is_some_and(|(name, _)| is_key(name.trim()))
        || line.starts_with('\\')
        || looks_like_directive(line)
}

/// The comment lines before the first directive or SQL, each without its dashes and one blank; where they
/// end. A line that is empty in the file ends no block, it only separates, as an empty comment does.
fn comment_lines(text: &str) -> (Vec<Span>, usize) {
    let mut lines = Vec::new();
    for token in Lexer::new(text, 0) {
        match token.kind {
            TokenKind::BlockComment => {}
            TokenKind::Space => {
                // Two line ends in a row: an empty line.
                let ends = text[token.span.clone()].matches('\n').count();
                lines.extend((1..ends).map(|_| token.span.start..token.span.start));
            }
            TokenKind::LineComment if !looks_like_directive(&text[token.span.start + 2..token.span.end]) => {
                let start = token.span.start + 2;
                let blank = usize::from(text[start..token.span.end].starts_with(' '));
                lines.push(start + blank..token.span.end);
            }
            _ => return (lines, token.span.start),
        }
    }
    (lines, text.len())
}

/// Reads a header line by line.
struct Reader<'a> {
    source: &'a Arc<Source>,
    message: Vec<&'a str>,
    /// Each key's value, once it was there, with the key's own place.
    values: [Option<(Span, Span)>; Key::ALL.len()],
    /// A line that seems to mean a key, for when a key is missing.
    meant: Option<(Key, Span)>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self { source, message: Vec::new(), values: Default::default(), meant: None }
    }

    fn wrong(&self, span: Span, message: String) -> Problem {
        Problem::new(Code::RevisionHeader, message).at(Place::new(self.source, span))
    }

    fn line(&mut self, span: Span) -> Result<(), Problem> {
        let line = self.source.text()[span.clone()].trim_end();
        let named = line.split_once(':').map(|(name, value)| (name.trim(), value));
        let Some((name, value)) = named.filter(|(name, _)| is_key_like(name)) else {
            self.text(line);
            return Ok(());
        };
        let name_at = span.start + (line.len() - line.trim_start().len());
        let name_span = name_at..name_at + name.len();
        match Key::of(name) {
            Some(key) => self.value(key, name_span, trimmed(value, span.start + (line.len() - value.len()))),
            None => {
                self.text(line);
                self.unknown(name, name_span)
            }
        }
    }

    /// A line of the message; after the first key a remark, which is not kept.
    fn text(&mut self, line: &'a str) {
        if self.values.iter().all(Option::is_none) {
            self.message.push(line.strip_prefix('\\').unwrap_or(line));
        }
    }

    /// A misspelt `down_revision` among the keys would silently make a root of the revision.
    fn unknown(&mut self, name: &str, span: Span) -> Result<(), Problem> {
        let Some(key) = nearest(name, Key::ALL.map(Key::as_str)).and_then(Key::of) else { return Ok(()) };
        if self.values.iter().all(Option::is_none) {
            self.meant.get_or_insert((key, span));
            return Ok(());
        }
        Err(self.wrong(span, format!("unknown key `{name}`")).help(format!(
            "did you mean `{}`? To keep it as a remark, put a backslash before it",
            key.as_str()
        )))
    }

    fn value(&mut self, key: Key, name: Span, value: Span) -> Result<(), Problem> {
        match self.values[key as usize].replace((name.clone(), value)) {
            None => Ok(()),
            Some((first, _)) => Err(self
                .wrong(name, format!("`{}` is there twice", key.as_str()))
                .also(Place::new(self.source, first), "first here")
                .help("leave one out; a line of the message that begins like this is written with a backslash before it")),
        }
    }

    fn finish(self) -> Result<Header, Problem> {
        let id = self.id()?;
        let created = self.text_of(Key::Created);
        Ok(Header {
            source: Arc::clone(self.source),
            message: self.message.join("\n").trim_matches('\n').to_owned(),
            id,
            down_revision: self.list(Key::DownRevision, RevisionId::new)?,
            branch_labels: self.list(Key::BranchLabels, BranchLabel::new)?,
            depends_on: self
                .list(Key::DependsOn, |text| RevisionId::new(text).map(|id| id.as_str().to_owned()))?,
            created: created.map(str::to_owned).filter(|created| !created.is_empty()),
        })
    }

    fn text_of(&self, key: Key) -> Option<&'a str> {
        self.values[key as usize].as_ref().map(|(_, value)| &self.source.text()[value.clone()])
    }

    fn id(&self) -> Result<Spanned<RevisionId>, Problem> {
        let missing = |problem: Problem| problem.help("the first comment lines hold `-- revision: <id>`");
        let Some((name, value)) = &self.values[Key::Revision as usize] else {
            let problem = match &self.meant {
                Some((Key::Revision, span)) => {
                    self.wrong(span.clone(), "this does not say `revision:`".into())
                }
                _ => self.wrong(0..0, "the header has no `revision:`".into()),
            };
            return Err(missing(problem));
        };
        if value.is_empty() {
            return Err(missing(self.wrong(name.clone(), "`revision:` is empty".into())));
        }
        self.item(value.clone(), &RevisionId::new)
    }

    fn item<T>(&self, span: Span, new: &impl Fn(&str) -> Result<T, Problem>) -> Result<Spanned<T>, Problem> {
        match new(&self.source.text()[span.clone()]) {
            Ok(value) => Ok(Spanned { value, span }),
            Err(problem) => {
                let none = self.source.text()[span.clone()].eq_ignore_ascii_case("none");
                let problem =
                    if none { problem.help("leave the line empty after the colon") } else { problem };
                Err(problem.at(Place::new(self.source, span)))
            }
        }
    }

    /// A comma-separated list; an empty value is an empty list.
    fn list<T: PartialEq>(
        &self,
        key: Key,
        new: impl Fn(&str) -> Result<T, Problem>,
    ) -> Result<Vec<Spanned<T>>, Problem> {
        let mut items: Vec<Spanned<T>> = Vec::new();
        let Some((_, value)) = &self.values[key as usize] else { return Ok(items) };
        let mut at = value.start;
        for text in self.source.text()[value.clone()].split(',').filter(|_| !value.is_empty()) {
            let item = self.item(trimmed(text, at), &new)?;
            at += text.len() + 1;
            if let Some(first) = items.iter().find(|first| first.value == item.value) {
                let message = format!("`{}` names `{}` twice", key.as_str(), text.trim());
                return Err(self
                    .wrong(item.span, message)
                    .also(Place::new(self.source, first.span.clone()), "first here"));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// Whether it could be a key, perhaps misspelt: one or two words of letters.
fn is_key_like(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b' ');
    !name.is_empty() && name.len() < 20 && name.bytes().all(letter)
}

/// Where `text`, which stands at `at`, is without the blanks around it.
fn trimmed(text: &str, at: usize) -> Span {
    let start = at + (text.len() - text.trim_start().len());
    start..start + text.trim().len()
}

//! The file beside the revisions that shows what all of them make.
//!
//! Its first line names the heads: two branches that each add a revision both change it, so that git stops at what
//! would be two heads.

use std::path::Path;

use limbeck_core::graph::Graph;
use limbeck_core::schema::{Object, Schema};
use limbeck_core::{Source, ddl};

use super::difference::{Difference, Terms};
use super::workshop::{Side, Workshop};
use crate::error::Error;
use crate::project::Project;

/// What all revisions make, as a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    text: String,
    major: u32,
    /// What replaying left out, in sentences.
    pub notes: Vec<String>,
}

/// How a snapshot that was written once stands to the revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It shows what the revisions make.
    Fresh,
    /// There is none.
    Missing,
    /// It is that of other heads.
    OfOtherHeads,
    /// It is that of these heads, and shows something else than they make.
    Edited,
}

const FIRST: &str = "-- limbeck schema of ";
const SECOND: &str = "-- What all revisions make, as PostgreSQL ";

impl Snapshot {
    fn new(graph: &Graph, side: &Side, nothing: &Schema, major: u32) -> Self {
        let mut text = format!(
            "{}\n{SECOND}{major} prints it. Written by `limbeck snapshot` and whenever limbeck writes a revision.\n",
            first_line(graph)
        );
        for what in &side.inexpressible {
            text.push_str(&format!("-- Not shown: {}\n", what.replace('\n', " ")));
        }
        let body = ddl::to_sql(&shown(&side.schema, nothing));
        if !body.is_empty() {
            text.push('\n');
            text.push_str(&body);
        }
        Self { text, major, notes: side.notes.clone() }
    }

    /// The whole file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text that a snapshot becomes by revisions that hold nothing yet: only its first line changes. `None` where it
    /// was not that of the heads before, or a new revision does hold something: then it has to be worked out.
    pub fn renamed(text: &str, before: &Project, after: &Project) -> Option<String> {
        let (first, rest) = text.split_once('\n')?;
        let is_empty = |text: &str| text.trim().is_empty();
        let nothing_new = after.revisions().all(|it| {
            before.revision(it.header().id.value.as_str()).is_some() || is_empty(it.upgrade_text())
        });
        let same = first == first_line(before.graph()) && nothing_new;
        same.then(|| format!("{}\n{rest}", first_line(after.graph())))
    }
}

fn first_line(graph: &Graph) -> String {
    let mut heads: Vec<&str> = graph.heads().map(|node| node.id().as_str()).collect();
    heads.sort_unstable();
    format!("{FIRST}{}", if heads.is_empty() { "base".to_owned() } else { heads.join(", ") })
}

/// What revisions make: not what an empty database holds (the schema `public`, whose privileges differ between major
/// versions). Which version of an extension is installed is the server's matter too.
fn shown(schema: &Schema, nothing: &Schema) -> Schema {
    let mut schema = schema.clone();
    schema
        .objects
        .retain(|id, entry| nothing.objects.get(id).is_none_or(|there| !there.says_the_same_as(entry)));
    for entry in schema.objects.values_mut() {
        if let Object::Extension(extension) = &mut entry.object {
            extension.version = None;
        }
    }
    schema
}

impl Workshop {
    /// Works out what all revisions make.
    ///
    /// # Errors
    /// As [`Workshop::replayed`].
    pub async fn snapshot(&mut self, project: &Project) -> Result<Snapshot, Error> {
        let side = self.replayed(project, &["heads".to_owned()]).await?;
        let nothing = self.nothing().await?;
        Ok(Snapshot::new(project.graph(), &side, &nothing, self.major().await?))
    }

    /// Whether `text`, read from `path`, is a snapshot of these revisions. Servers of two major versions print a schema
    /// differently: a text of another one than this workshop's is loaded and compared.
    ///
    /// # Errors
    /// As [`Workshop::snapshot`]; a text of another version cannot be loaded.
    pub async fn verify_snapshot(
        &mut self,
        project: &Project,
        path: &Path,
        text: Option<&str>,
    ) -> Result<Freshness, Error> {
        let Some(text) = text else { return Ok(Freshness::Missing) };
        let text = text.replace("\r\n", "\n");
        if text.lines().next() != Some(&first_line(project.graph())) {
            return Ok(Freshness::OfOtherHeads);
        }
        let snapshot = self.snapshot(project).await?;
        if snapshot.text == text {
            return Ok(Freshness::Fresh);
        }
        let major = printed_by(&text).filter(|major| *major != snapshot.major);
        if major.is_none() {
            return Ok(Freshness::Edited);
        }
        let nothing = self.nothing().await?;
        let found = self.of_files(&[Source::new(path.display().to_string(), &text)]).await?;
        let made = self.replayed(project, &["heads".to_owned()]).await?;
        let difference = Difference::between(
            &shown(&made.schema, &nothing),
            &shown(&found.schema, &nothing),
            Terms::everything(snapshot.major),
        );
        Ok(if difference.is_empty() { Freshness::Fresh } else { Freshness::Edited })
    }
}

/// The major version that the second line names.
fn printed_by(text: &str) -> Option<u32> {
    text.lines().nth(1)?.strip_prefix(SECOND)?.split_whitespace().next()?.parse().ok()
}

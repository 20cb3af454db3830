//! The revisions as `limbeck history` lists them, and how a database stands to each: what a page for operators shows.

use limbeck_core::graph::{Applied, Node};
use limbeck_core::revision::RevisionId;
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::event::Holder;
use crate::migrator::{Migrator, Status};
use crate::state::lock;
use crate::state::session::{Session, StateOptions};

/// A revision of this release.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The revision.
    pub id: RevisionId,
    /// The first line of its message.
    pub message: String,
    /// Its parents, in the order of its header.
    pub parents: Vec<RevisionId>,
    /// What it depends on beyond them, as revisions (a header may name a branch instead), without what an ancestor
    /// declares already.
    pub depends_on: Vec<RevisionId>,
    /// The labels of the branches that it belongs to, sorted.
    pub labels: Vec<String>,
    /// Whether the database has it.
    pub applied: bool,
    /// Whether no revision has it as a parent.
    pub head: bool,
}

impl Migrator {
    /// Every revision with its links, in the order in which `limbeck history` prints them: newest first, each before its
    /// parents and dependencies. Asks no database: it tells what [`Migrator::status`] has found.
    ///
    /// # Errors
    /// [`Code::UnknownRow`](limbeck_core::Code::UnknownRow) where the status is that of other revisions.
    pub fn history(&self, status: &Status) -> Result<Vec<HistoryEntry>, Error> {
        let applied = Applied::new(self.graph(), status.known_rows())?;
        Ok(self.graph().newest_first().map(|node| self.entry(node, &applied)).collect())
    }

    /// The session that migrates this database at this moment; a few round trips on a connection that stays the
    /// caller's. What it has not committed yet, [`Migrator::status`] cannot tell.
    ///
    /// # Errors
    /// A failing connection, or tables that may not be read.
    pub async fn migrating(&self, connection: &mut PgConnection) -> Result<Option<Holder>, Error> {
        let options = StateOptions { role: None, ..self.options().state.clone() };
        let mut session = Session::open(connection, options, crate::APPLICATION).await?;
        let key = lock::key(&session.versions);
        lock::holder(&mut session, key).await
    }

    fn entry(&self, node: &Node, applied: &Applied<'_>) -> HistoryEntry {
        let graph = self.graph();
        HistoryEntry {
            id: node.id().clone(),
            message: node.header().summary().to_owned(),
            parents: graph.parents(node).map(|parent| parent.id().clone()).collect(),
            depends_on: graph.dependencies(node).map(|other| other.id().clone()).collect(),
            labels: node.labels().iter().map(ToString::to_string).collect(),
            applied: applied.contains(node.id().as_str()),
            head: node.is_head(),
        }
    }
}

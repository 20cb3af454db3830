//! From a graph, the applied rows and a target to the steps that lead there. Pure: the executor in
//! `limbeck` runs a [`Plan`], `--sql` and `--dry-run` print the same one.

mod downgrade;
mod offline;
mod rows;
mod stamp;
mod upgrade;

use crate::problem::Problem;
use crate::revision::RevisionId;

pub use crate::graph::Applied;
pub use downgrade::{downgrade, undo};
pub use offline::{downgrade_offline, stamp_offline, upgrade_offline};
pub use stamp::{Purge, stamp};
pub use upgrade::{applied, pending, upgrade};

/// Which way a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the heads.
    Upgrade,
    /// Towards base.
    Downgrade,
}

impl Direction {
    /// The verb, as in the run log, the journal and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
        }
    }
}

/// What one step does to the version table's rows. Every `delete` and `update` must hit exactly one row.
///
/// The order in which they are carried out is: deletes, the update, inserts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowChange {
    /// Rows to delete.
    pub delete: Vec<RevisionId>,
    /// One row to rename: from, to.
    pub update: Option<(RevisionId, RevisionId)>,
    /// Rows to insert.
    pub insert: Vec<RevisionId>,
}

/// One revision applied or undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The revision that is applied or undone.
    pub revision: RevisionId,
    /// Which way.
    pub direction: Direction,
    /// What the version table's rows become.
    pub rows: RowChange,
    /// The run log's left side: for an upgrade the revision's parents, for a downgrade the revision.
    pub from: Vec<RevisionId>,
    /// The run log's right side: for an upgrade the revision, for a downgrade its parents.
    pub to: Vec<RevisionId>,
}

/// The steps of one run, in an order that respects parents and dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps, first to last.
    pub steps: Vec<Step>,
    /// The rows before the first step, sorted.
    pub before: Vec<RevisionId>,
    /// The rows after the last step, sorted.
    pub after: Vec<RevisionId>,
    /// The revisions that the target means; none for base. Without steps they say what is already so: an
    /// upgrade's are applied already, a downgrade's have nothing above them.
    pub targets: Vec<RevisionId>,
    /// What the user should see before the plan is run. A careful caller refuses.
    pub warnings: Vec<Problem>,
}

impl Plan {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// What `stamp` does: only bookkeeping, no SQL of any revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Whether every row is deleted before the first change.
    pub purge: Purge,
    /// The rows before the first change; none where they are purged.
    pub before: Vec<RevisionId>,
    /// Row changes in order, each with the log's two sides (`a -> b`).
    pub changes: Vec<StampChange>,
    /// The rows afterwards, sorted.
    pub after: Vec<RevisionId>,
}

/// One bookkeeping change of a [`Stamp`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampChange {
    /// What the rows become.
    pub rows: RowChange,
    /// The run log's left side.
    pub from: Vec<RevisionId>,
    /// The run log's right side.
    pub to: Vec<RevisionId>,
}

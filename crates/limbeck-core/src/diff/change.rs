//! What a diff yields: changes as values.

use crate::schema::{Column, DomainCheck, Entry, Name, ObjectId};

/// What has to be done to lead from one schema to another, in an order in which it can run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In order. [`Change::after`] says how much of the order matters.
    pub changes: Vec<Change>,
}

impl Changes {
    /// Whether the two schemas say the same.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes that lose something.
    pub fn destructive(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.loss.is_some())
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about, by its new name.
    pub object: ObjectId,
    /// What is done.
    pub action: Action,
    /// For people: `add column users.nickname (text)`.
    pub words: String,
    /// What is lost for good, where something is: `the values of users.nickname`.
    pub loss: Option<String>,
    /// Why the statement may fail on some data, where it may: `fails if users.email has duplicates`.
    pub risk: Option<String>,
    /// Whether the table or view that it is about is older than this plan.
    pub host: Host,
    /// Why it is here although both sides have the object: `its column users.id changes its type`.
    pub because: Option<String>,
    /// Positions of earlier changes that must run before it.
    pub after: Vec<usize>,
    /// Whether it can wait until the rest has run: it takes away what only an older application uses.
    pub farewell: bool,
}

/// The table or view that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// None, or one that the same plan makes: nobody uses it yet.
    New,
    /// It is there and may be in use.
    Existing,
    /// It is there, and partitioned: PostgreSQL refuses some online forms.
    Partitioned,
}

/// What is done to an object. Those that have an online form are told apart; the rest are statements that hold
/// their locks for a moment only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It is made, with its comment and grants.
    Create(Box<Entry>),
    /// It goes.
    Drop(Box<Entry>),
    /// `CREATE OR REPLACE`.
    Replace(Box<Entry>),
    /// An index or constraint of the same name gets another definition, without a gap where that can be.
    Swap {
        /// As it is.
        from: Box<Entry>,
        /// As it will be.
        to: Box<Entry>,
    },
    /// Statements that run as they are, in a transaction.
    Alter(Vec<String>),
    /// As [`Action::Alter`], but by the last of them the table is rewritten or read under a strong lock, for this reason.
    Rewrite {
        /// The statements.
        statements: Vec<String>,
        /// Why it takes long.
        reason: String,
    },
    /// A statement that rewrites the table by way of a function that is there for the moment.
    Convert {
        /// How the function is made, and how it goes.
        helper: [String; 2],
        /// The statement.
        statement: String,
    },
    /// `ALTER TYPE ... ADD VALUE`: the new value cannot be used before a commit.
    AddValue(String),
    /// `ADD COLUMN`.
    AddColumn {
        /// The column.
        column: Box<Column>,
        /// Whether it stands in a foreign table.
        foreign: bool,
    },
    /// `SET NOT NULL`.
    SetNotNull {
        /// The column.
        column: String,
        /// A name for the constraint that proves it, which no other constraint has.
        proof: String,
    },
    /// A check is added to a domain.
    AddDomainCheck(Box<DomainCheck>),
    /// `VALIDATE CONSTRAINT` of a table's or a domain's constraint.
    Validate {
        /// The constraint.
        constraint: String,
    },
    /// `DETACH PARTITION`, of a partition that stays as a table.
    Detach {
        /// The partitioned table.
        parent: Name,
    },
    /// `INHERIT` or `ATTACH PARTITION`: what the parent requires must have been validated.
    Join {
        /// The statement.
        statement: String,
        /// Why it takes long, where it does.
        reason: Option<String>,
    },
    /// Comments and grants, and other settings that only take a moment; apart from [`Action::Alter`] because nothing
    /// depends on them.
    Annotate(Vec<String>),
}

impl Action {
    /// Whether it is `ADD VALUE`.
    pub(crate) fn is_add_value(&self) -> bool {
        matches!(self, Self::AddValue(_))
    }
}

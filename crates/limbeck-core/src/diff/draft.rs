//! A change while its place in the order is not known yet.

use super::change::{Action, Change, Host};
use crate::schema::{ConstraintKind, Entry, Kind, Name, Object, ObjectId};

/// A change with what decides its place.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// The change.
    pub(super) change: Change,
    /// What it does to the object, or to a column of it.
    pub(super) role: Role,
    /// The column, where it is about one.
    pub(super) column: Option<String>,
    /// When it runs where nothing else decides.
    pub(super) stage: Stage,
    /// Names that are free once it has run.
    pub(super) frees: Vec<Key>,
    /// Names that it needs free.
    pub(super) takes: Vec<Key>,
    /// What is true once it has run.
    pub(super) announces: Vec<Fact>,
    /// What has to be true before; a fact that nobody announces is true already.
    pub(super) awaits: Vec<Fact>,
}

/// A name that only one thing can have at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Of tables, views, sequences, indexes, composite types.
    Relation(Name),
    /// Of types, and of the row types of relations.
    Type(Name),
    /// A table's column.
    Column(ObjectId, String),
    /// Of a table's primary key, whatever it is called.
    Primary(Name),
    /// An enum's value.
    Value(Name, String),
    /// Of extended statistics, whose names are not their tables'.
    Statistics(Name),
    /// Of anything else.
    Object(ObjectId),
}

/// The names that an object has.
pub(super) fn keys(id: &ObjectId, object: &Object) -> Vec<Key> {
    let Some(name) = id.qualified() else { return vec![Key::Object(id.clone())] };
    match (id.kind, object) {
        (Kind::Enum | Kind::Domain | Kind::Range, _) => vec![Key::Type(name)],
        (Kind::Index | Kind::Sequence, _) => vec![Key::Relation(name)],
        (Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Composite, _) => {
            vec![Key::Relation(name.clone()), Key::Type(name)]
        }
        (_, Object::Statistics(statistics)) => vec![Key::Statistics(statistics.name.clone())],
        (_, Object::Constraint(constraint)) if has_index(constraint.kind) => {
            let table = id.of.clone().filter(|_| constraint.kind == ConstraintKind::PrimaryKey);
            let primary = table.map(Key::Primary);
            [Key::Object(id.clone()), Key::Relation(name)].into_iter().chain(primary).collect()
        }
        _ => vec![Key::Object(id.clone())],
    }
}

/// Whether an index belongs to a constraint of this kind, and has its name.
pub(super) fn has_index(kind: ConstraintKind) -> bool {
    matches!(kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclusion)
}

/// Something about an object that a change brings about and another one waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// The column takes no NULL.
    NotNull(ObjectId, String),
    /// No primary key and no identity insists on NOT NULL any more.
    MayBeNull(ObjectId, String),
    /// The column has neither default nor identity.
    NoDefault(ObjectId, String),
    /// The index or constraint is there.
    Made(ObjectId),
    /// The table is no part of its old parent, and not of its old type, or there is none any more.
    Aside(ObjectId),
    /// The table's keys are as they will be: PostgreSQL chooses one of them when a foreign key is made.
    Keys(ObjectId),
    /// The table is logged, or unlogged, as it will be.
    Persistence(ObjectId),
    /// The rows that were there have their values of a new column.
    Filled(ObjectId, String),
    /// The table has its new columns.
    Columns(ObjectId),
    /// No column has rows of the table: they are texts.
    RowsAside(ObjectId),
    /// The table's columns have their new types.
    RowType(ObjectId),
    /// What had rows of the table has them again.
    RowsBack(ObjectId),
    /// The domain has let go what its default and checks need.
    Released(ObjectId),
    /// The table's columns and checks have been changed, and with them its children's; those that go are another matter.
    Parent(ObjectId),
    /// The table's columns and checks that go are gone.
    Cleared(ObjectId),
    /// The column, or the check, is gone.
    Gone(ObjectId, Option<String>),
    /// A child's own column, or check, is as its parent's new one has to find it.
    Ready(ObjectId, Option<String>),
    /// Those of a table's partitions that go or leave have made room for those that come.
    Room(ObjectId),
    /// The table's partitions are its partitions.
    Partitions(ObjectId),
    /// The table's indexes, constraints and triggers are as they will be.
    Belongings(ObjectId),
}

/// What a change does to its object, or to its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Takes it away: what needs it must have let go before.
    Remove,
    /// Gives it another name before it goes: what needs it and is made again must have gone.
    Aside,
    /// Lets go what it needs, for a moment.
    Release,
    /// Makes it, or makes it ready for what needs it: that comes later.
    Provide,
    /// Changes it in a way that PostgreSQL refuses while certain others need it; ready afterwards.
    Disturb,
    /// Lets go what it needs, for a moment, in a way that PostgreSQL refuses while certain others need it.
    Loosen,
    /// Nothing waits for it, but it may let go what the old side needs and wait for what the new side needs.
    Adjust,
    /// It has nothing to do with what anything needs.
    Tweak,
}

/// The order where nothing else decides: in one transaction it hardly matters, but a reader should find what belongs
/// together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// New names for what is there.
    Rename,
    /// What is in the way.
    Clear,
    /// What is made or altered.
    Build,
    /// What is gone for good.
    Part,
}

impl Draft {
    /// A change in place, of what nothing waits for.
    pub(super) fn new(object: &ObjectId, action: Action, words: String) -> Self {
        Self {
            change: Change {
                object: object.clone(),
                action,
                words,
                loss: None,
                risk: None,
                host: Host::New,
                because: None,
                after: Vec::new(),
                farewell: false,
            },
            role: Role::Adjust,
            column: None,
            stage: Stage::Build,
            frees: Vec::new(),
            takes: Vec::new(),
            announces: Vec::new(),
            awaits: Vec::new(),
        }
    }

    /// Statements as they are.
    pub(super) fn alter(object: &ObjectId, statement: String, words: String) -> Self {
        Self::new(object, Action::Alter(vec![statement]), words)
    }

    /// An object is made.
    pub(super) fn create(object: &ObjectId, entry: &Entry, words: String) -> Self {
        let mut draft = Self::new(object, Action::Create(Box::new(entry.clone())), words).role(Role::Provide);
        draft.takes = keys(object, &entry.object);
        draft
    }

    /// An object is taken away.
    pub(super) fn drop(object: &ObjectId, entry: &Entry, words: String) -> Self {
        let mut draft = Self::new(object, Action::Drop(Box::new(entry.clone())), words);
        draft.frees = keys(object, &entry.object);
        draft.role(Role::Remove).stage(Stage::Clear)
    }

    /// Whether it makes its object.
    pub(super) fn makes(&self) -> bool {
        matches!(self.change.action, Action::Create(_))
    }

    pub(super) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    pub(super) fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    pub(super) fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }

    pub(super) fn loss(mut self, loss: impl Into<Option<String>>) -> Self {
        self.change.loss = loss.into();
        self
    }

    pub(super) fn risk(mut self, risk: impl Into<Option<String>>) -> Self {
        self.change.risk = risk.into();
        self
    }

    pub(super) fn because(mut self, reason: impl Into<Option<String>>) -> Self {
        self.change.because = reason.into();
        self
    }

    pub(super) fn announces(mut self, fact: Fact) -> Self {
        self.announces.push(fact);
        self
    }

    pub(super) fn awaits(mut self, fact: Fact) -> Self {
        self.awaits.push(fact);
        self
    }
}

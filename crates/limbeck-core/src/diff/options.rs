//! What is compared, and what is known about it.

use crate::schema::{Kind, Name, ObjectId, Schema};

/// How two schemas are compared. [`Options::new`] compares everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The major version of the servers that both schemas were read from, and that the plan will run on.
    pub version: u32,
    /// What is known to have another name. One that does not fit the two schemas (it has happened already) is left
    /// aside, so that a hint may stay in a model.
    pub renames: Vec<Rename>,
    /// What happens to something else that has a rename's new name.
    pub occupied: Occupied,
    /// Only objects in these schemas.
    pub schemas: Selection<String>,
    /// Only these tables and views, with what belongs to them. Objects of other kinds are not affected.
    pub tables: Selection<Name>,
    /// Only these kinds.
    pub kinds: Selection<Kind>,
    /// What may be dropped.
    pub owned: Owned,
    /// What happens to partitions that only one side has.
    pub partitions: Partitions,
}

impl Options {
    /// Everything is compared and nothing is known about renames; partitions that only the database has are kept.
    pub fn new(version: u32) -> Self {
        Self {
            version,
            renames: Vec::new(),
            occupied: Occupied::Stays,
            schemas: Selection::default(),
            tables: Selection::default(),
            kinds: Selection::default(),
            owned: Owned::Everything,
            partitions: Partitions::KeepExtra,
        }
    }

    /// The options for the way back. [`back`](super::back()) also knows which renames have happened on the way there.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let tables: Vec<(Name, Name)> = self.renames.iter().filter_map(Rename::of_relation).collect();
        let old_name =
            |name: &Name| tables.iter().find(|(_, to)| to == name).map_or(name, |(from, _)| from).clone();
        let renames = self.renames.iter().map(|rename| rename.reversed(old_name)).collect();
        let (owned, partitions) = (self.owned.reversed(), self.partitions.reversed());
        Self { renames, owned, partitions, ..self.clone() }
    }
}

/// A choice of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection<T> {
    /// Only these; `None` is all.
    pub include: Option<Vec<T>>,
    /// None of these.
    pub exclude: Vec<T>,
}

impl<T> Default for Selection<T> {
    fn default() -> Self {
        Self { include: None, exclude: Vec::new() }
    }
}

impl<T: PartialEq> Selection<T> {
    /// Whether it is chosen.
    pub fn has(&self, thing: &T) -> bool {
        self.include.as_ref().is_none_or(|included| included.contains(thing)) && !self.exclude.contains(thing)
    }

    pub(super) fn is_all(&self) -> bool {
        self.include.is_none() && self.exclude.is_empty()
    }
}

/// What happens to something that has the new name of a rename, and is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// It is changed into what is wanted, and the rename is left aside: the hint may be an old one.
    Stays,
    /// It makes room and goes: the rename is known to be right.
    GivesWay,
}

/// What belongs to the project: objects, columns of tables and values of enums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owned {
    /// All of it.
    Everything,
    /// Of what only the old side has, what this schema has too may be dropped; the rest is kept. What belongs to a table
    /// goes with it.
    Only(Schema),
    /// Of what only the new side has, what this schema has too is made; the rest is left aside: the way back of `Only`.
    Restores(Schema),
}

impl Owned {
    fn reversed(&self) -> Self {
        match self {
            Self::Everything => Self::Everything,
            Self::Only(owned) => Self::Restores(owned.clone()),
            Self::Restores(owned) => Self::Only(owned.clone()),
        }
    }
}

/// What happens to partitions that only one side has. Partitions are often made by a job and not by revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitions {
    /// Those that only the old side has are kept.
    KeepExtra,
    /// Those that only the new side has are not made: the way back of `KeepExtra`.
    IgnoreMissing,
    /// They are compared like everything else.
    Compare,
}

impl Partitions {
    fn reversed(self) -> Self {
        match self {
            Self::KeepExtra => Self::IgnoreMissing,
            Self::IgnoreMissing => Self::KeepExtra,
            Self::Compare => Self::Compare,
        }
    }
}

/// That two names mean one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rename {
    /// A table, view, type, sequence, routine, schema, constraint, index, ...: of one kind, perhaps in another schema.
    /// What belongs to a table or view moves along with it.
    Object {
        /// What it is called before.
        from: ObjectId,
        /// And afterwards.
        to: ObjectId,
    },
    /// A column of a table or view, or an attribute of a composite type.
    Column {
        /// The table, by its new name.
        table: Name,
        /// What it is called before.
        from: String,
        /// And afterwards.
        to: String,
    },
    /// A value of an enum.
    Value {
        /// The enum, by its new name.
        of: Name,
        /// What it is called before.
        from: String,
        /// And afterwards.
        to: String,
    },
}

impl Rename {
    /// Whether a schema has what it renames.
    pub fn is_of(&self, schema: &Schema) -> bool {
        super::moves::is_there(schema, self)
    }

    /// Old and new name, of what has a schema and belongs to nothing.
    fn of_relation(&self) -> Option<(Name, Name)> {
        match self {
            Self::Object { from, to } if from.of.is_none() => Some((from.qualified()?, to.qualified()?)),
            _ => None,
        }
    }

    fn reversed(&self, old_name: impl Fn(&Name) -> Name) -> Self {
        match self {
            Self::Object { from, to } => Self::Object { from: to.clone(), to: from.clone() },
            Self::Column { table, from, to } => {
                Self::Column { table: old_name(table), from: to.clone(), to: from.clone() }
            }
            Self::Value { of, from, to } => {
                Self::Value { of: old_name(of), from: to.clone(), to: from.clone() }
            }
        }
    }
}

//! Decisions that are the same on both sides of a pair, but for some.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use fastrand::Rng;

/// A side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// What a column can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// A number.
    Number,
    /// A text.
    Text,
    /// Something else that has an order.
    Ordered,
    /// An array of numbers.
    Array,
    /// A range of numbers.
    Range,
    /// None of these.
    Other,
}

/// A type, with an expression for a default.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    pub(crate) name: String,
    pub(crate) default: String,
    pub(crate) nature: Nature,
}

/// A column of a table that was made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) of: Type,
}

/// A table, view or materialized view that was made.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// With its schema.
    pub(crate) name: String,
    pub(crate) columns: Vec<Made>,
    /// The type of its column `id`, if that is its primary key.
    pub(crate) key: Option<String>,
}

impl Relation {
    pub(crate) fn of_nature(&self, nature: Nature) -> Option<&Made> {
        self.columns.iter().find(|column| column.of.nature == nature)
    }

    /// Its name without the schema.
    pub(crate) fn own(&self) -> &str {
        self.name.split('.').next_back().unwrap_or(&self.name)
    }
}

/// A schema that is being made up.
pub(crate) struct Sketch {
    seed: u64,
    side: Side,
    pub(crate) version: u32,
    pub(crate) statements: Vec<String>,
    /// The schemas that things may be in.
    pub(crate) schemas: Vec<&'static str>,
    pub(crate) types: Vec<Type>,
    pub(crate) sequences: Vec<String>,
    pub(crate) relations: Vec<Relation>,
}

/// So many of a hundred things are decided anew on the other side.
const CHANGES: u64 = 25;

impl Sketch {
    pub(crate) fn new(seed: u64, side: Side, version: u32) -> Self {
        Self {
            seed,
            side,
            version,
            statements: Vec::new(),
            schemas: vec!["public"],
            types: Vec::new(),
            sequences: Vec::new(),
            relations: Vec::new(),
        }
    }

    /// The dice for a thing.
    pub(crate) fn dice(&self, thing: &str) -> Dice {
        let changes = self.hash(thing, 2) % 100 < CHANGES;
        let anew = self.side == Side::After && changes;
        Dice(Rng::with_seed(self.hash(thing, u64::from(anew))))
    }

    fn hash(&self, thing: &str, salt: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, thing, salt).hash(&mut hasher);
        hasher.finish()
    }

    pub(crate) fn say(&mut self, statement: impl Into<String>) {
        self.statements.push(statement.into());
    }

    /// A name in one of the schemas, always the same one.
    pub(crate) fn name(&self, own: &str) -> String {
        let at = usize::try_from(self.hash(own, 3) % 2).unwrap_or(0);
        format!("{}.{own}", self.schemas.get(at).unwrap_or(&self.schemas[0]))
    }

    /// Now and then a comment.
    pub(crate) fn comment(&mut self, on: &str) {
        let mut dice = self.dice(&format!("comment {on}"));
        if dice.likely(20) {
            let text = dice.one(&["so", "it's", "ä"]).replace('\'', "''");
            self.say(format!("COMMENT ON {on} IS '{text}'"));
        }
    }
}

/// Random choices.
pub(crate) struct Dice(Rng);

impl Dice {
    /// True in so many of a hundred cases.
    pub(crate) fn likely(&mut self, percent: u8) -> bool {
        self.0.u8(0..100) < percent
    }

    pub(crate) fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.0.usize(0..of.len())]
    }

    pub(crate) fn number(&mut self, below: usize) -> usize {
        self.0.usize(0..below)
    }

    /// Some of them in some order, at least one.
    pub(crate) fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let mut all = of.to_vec();
        self.0.shuffle(&mut all);
        all.truncate(self.0.usize(1..=of.len()));
        all
    }

    /// The text in so many of a hundred cases, else nothing.
    pub(crate) fn maybe(&mut self, percent: u8, text: impl Into<String>) -> String {
        if self.likely(percent) { text.into() } else { String::new() }
    }
}

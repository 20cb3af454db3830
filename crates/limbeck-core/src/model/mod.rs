//! Rust models: structs with `#[derive(Table)]` and enums with `#[derive(Enum)]`, read as text. Nothing is compiled and
//! nothing is run, so what is not plain to see (a model behind `cfg`, made by a macro, a type that does not resolve) is
//! an error at its place, never an absence.
//!
//! The derive macros read with the same functions ([`table`], [`enumeration`]), so that they and limbeck cannot
//! disagree. `docs/models.md` is the reference of the attributes; [`CONTEXTS`] lists them.
//!
//! The texts of the resulting schema are *as written*: a server has to normalise them before they are compared.

mod args;
mod assemble;
mod beside;
mod case;
mod column;
mod element;
mod enums;
mod fault;
mod find;
mod item;
mod keys;
mod lookup;
mod naming;
mod parts;
mod places;
mod render;
mod scope;
mod shared;
mod sql;
mod table;
mod types;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use column::ColumnModel;
pub use enums::{EnumModel, ValueModel, enumeration};
pub use fault::Fault;
pub use keys::{CONTEXTS, Context, Key};
pub use naming::Naming;
pub use places::ColumnPlaces;
pub use shared::Shared;
pub(crate) use sql::canonical_type;
pub use table::{TableModel, table};
pub use write::{WriteOptions, WrittenModels, write};

use crate::schema::{Name, ObjectId, Schema};
use crate::{Place, Problem, Source};

/// How models are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOptions {
    /// The schema of what says none.
    pub default_schema: String,
    /// Whether doc comments are the database's comments, where a model does not say otherwise.
    pub comments: bool,
    /// How constraints and indexes are called that say no name.
    pub naming: Naming,
    /// What to do about references to tables that are no models.
    pub unlisted: Unlisted,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            default_schema: "public".to_owned(),
            comments: true,
            naming: Naming::default(),
            unlisted: Unlisted::Allowed,
        }
    }
}

/// References to tables that are no models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// They may be in SQL files: [`Models::outside`] lists them for the caller to check.
    Allowed,
    /// They are problems.
    Refused,
}

/// What the models say.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// Tables, enums and what belongs to them, and the schemas that they are in. `needs` name the enums of columns, the parents and the tables and keys
    /// that foreign keys refer to.
    pub schema: Schema,
    /// What had another name, says `renamed_from`.
    pub renames: Vec<Rename>,
    /// Where each object is said.
    pub places: BTreeMap<ObjectId, Place>,
    /// Where constraints say what they demand: a check's expression, what a foreign key references.
    pub bodies: BTreeMap<ObjectId, Place>,
    /// Where each column is said, by table and column.
    pub column_places: BTreeMap<(Name, String), ColumnPlaces>,
    /// Tables that models refer to and that are none.
    pub outside: Vec<Outside>,
}

/// A `renamed_from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The object as it is now; for a part the object that it belongs to.
    pub id: ObjectId,
    /// The column or enum value as it is now; `None` is the object itself.
    pub part: Option<String>,
    /// The former name, without a schema.
    pub from: String,
    /// Where it is said.
    pub place: Place,
}

/// A table that a model refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Its name.
    pub table: Name,
    /// Where.
    pub place: Place,
}

/// Reads all models in Rust files. Files without models are welcome among them: they may define types that models use.
///
/// # Errors
/// Everything that is wrong, sorted by place; nothing is left out silently.
pub fn read(sources: &[Arc<Source>], options: &ModelOptions) -> Result<Models, Vec<Problem>> {
    assemble::assemble(find::find(sources, options.comments), sources, options)
}

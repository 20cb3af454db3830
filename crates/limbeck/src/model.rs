//! What the macros for models implement and make.

use limbeck_core::schema::Schema;
use limbeck_core::{Code, Problem};

/// A struct that is a table. Derived; the macro of the same name reads the attributes that `docs/models.md` lists.
///
/// ```
/// use limbeck::Table;
///
/// #[derive(Table)]
/// #[table(name = "users")]
/// struct User {
///     #[column(primary_key)]
///     id: i64,
///     #[column(name = "mail")]
///     email: Option<String>,
/// }
///
/// assert_eq!(User::TABLE, "users");
/// assert_eq!(User::COLUMNS.email, "mail");
/// assert_eq!(User::COLUMN_NAMES, ["id", "mail"]);
/// ```
pub trait Table {
    /// A struct with a field for each column, named like the struct's own.
    type Columns: 'static;
    /// The table's name.
    const TABLE: &'static str;
    /// The schema, where the struct says one.
    const SCHEMA: Option<&'static str>;
    /// The columns' names, by field.
    const COLUMNS: Self::Columns;
    /// The columns' names, in order.
    const COLUMN_NAMES: &'static [&'static str];
}

/// A Rust enum that is an enumerated type. Derived.
///
/// ```
/// use limbeck::Enum;
///
/// #[derive(Enum, Debug, PartialEq)]
/// #[enum_type(rename_all = "snake_case")]
/// enum Mood {
///     Happy,
///     SoSo,
/// }
///
/// assert_eq!(Mood::TYPE, "mood");
/// assert_eq!(Mood::SoSo.value(), "so_so");
/// assert_eq!(Mood::from_value("happy"), Some(Mood::Happy));
/// ```
pub trait Enum: Sized {
    /// The type's name.
    const TYPE: &'static str;
    /// The schema, where the enum says one.
    const SCHEMA: Option<&'static str>;
    /// The values, in order.
    const VALUES: &'static [&'static str];
    /// The value of a variant, as PostgreSQL knows it.
    fn value(&self) -> &'static str;
    /// The variant of a value; `None` where PostgreSQL knows a value that this program does not.
    fn from_value(value: &str) -> Option<Self>;
}

/// The models that [`models!`](crate::models!) compiled in.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedModels {
    schema: &'static str,
}

impl EmbeddedModels {
    /// Takes a schema as JSON. Written by [`models!`](crate::models!).
    pub const fn new(schema: &'static str) -> Self {
        Self { schema }
    }

    /// What the models say. Its texts are as they were written, not yet as a server prints them.
    ///
    /// # Errors
    /// Never, as long as the macro is of the library's own version.
    pub fn schema(&self) -> Result<Schema, Problem> {
        serde_json::from_str(self.schema)
            .map_err(|why| Problem::new(Code::Internal, format!("the models that were compiled in: {why}")))
    }
}

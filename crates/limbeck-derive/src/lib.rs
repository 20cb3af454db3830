//! The macros of limbeck. They are thin: what a revision file, a graph or a model may look like is decided by
//! `limbeck-core`, so that macro, library and command line cannot disagree.
//!
//! Use them through `limbeck`, which re-exports them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should panic"))]

mod embed;
mod folder;
mod item;
mod models;
mod watch;

/// Embeds a folder of revision files at compile time, as a `limbeck::Embedded`.
///
/// The folder is named from the package's root (where its `Cargo.toml` is); every `.sql` file directly in it
/// is taken, in the order of names.
///
/// ```ignore
/// pub static MIGRATIONS: limbeck::Embedded = limbeck::embed!("migrations/versions");
/// ```
///
/// A malformed file, a duplicate id, a missing parent or a cycle is a compile error that names file and line.
///
/// A macro cannot tell Cargo to watch a folder. For a new file to be noticed by the next `cargo build`, the
/// package needs a build script that does, and the macro insists on one:
///
/// ```ignore
/// // build.rs
/// fn main() {
///     println!("cargo::rerun-if-changed=migrations/versions");
/// }
/// ```
#[proc_macro]
pub fn embed(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let folder = syn::parse_macro_input!(input as syn::LitStr);
    let expanded = embed::expand(&folder.value(), &embed::Package::from_env());
    expanded.unwrap_or_else(|why| syn::Error::new(folder.span(), why).into_compile_error()).into()
}

/// A struct with named fields is a table: one column for each field.
///
/// ```ignore
/// #[derive(limbeck::Table)]
/// #[table(name = "users")]
/// pub struct User {
///     #[column(primary_key, default = "gen_random_uuid()")]
///     pub id: Uuid,
///     /// Where to write to. (This becomes the column's comment.)
///     #[column(unique, sql_type = "varchar(255)")]
///     pub email: String,
/// }
/// ```
///
/// Implements `limbeck::Table`: `User::TABLE`, `User::COLUMNS.email`. `docs/models.md` lists all that the attributes
/// may say. A mistake is the same compile error here as in `limbeck check`.
#[proc_macro_derive(Table, attributes(table, column))]
pub fn table(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    item::table(&syn::parse_macro_input!(input as syn::DeriveInput)).into()
}

/// A Rust enum whose variants hold nothing is an enumerated type.
///
/// ```ignore
/// #[derive(limbeck::Enum)]
/// #[enum_type(rename_all = "snake_case")]
/// pub enum OrderStatus {
///     New,
///     InProgress,
/// }
/// ```
///
/// Implements `limbeck::Enum`: `OrderStatus::VALUES`, `OrderStatus::New.value()`.
#[proc_macro_derive(Enum, attributes(enum_type, value))]
pub fn enumeration(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    item::enumeration(&syn::parse_macro_input!(input as syn::DeriveInput)).into()
}

/// Reads files of models at compile time, as a `limbeck::EmbeddedModels`: an application can then compare its database
/// with its own models.
///
/// Files and folders are named from the package's root. After them may come what `limbeck.toml` says about models:
/// `default_schema = "app"`, `comments = false`, and the templates of names.
///
/// ```ignore
/// pub static MODELS: limbeck::EmbeddedModels = limbeck::models!("src/models");
/// ```
///
/// What is wrong in any of the files is a compile error that names file and line.
#[proc_macro]
pub fn models(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as models::Input);
    let expanded = models::expand(&input, &embed::Package::from_env().root);
    let error = |why| syn::Error::new(proc_macro2::Span::call_site(), why).into_compile_error();
    expanded.unwrap_or_else(error).into()
}

//! The macros of limbeck. They are thin: what a revision file or a graph may look like is decided by
//! `limbeck-core`, so that macro, library and command line cannot disagree.
//!
//! Use them through `limbeck`, which re-exports them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should panic"))]

mod embed;
mod folder;
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

//! One revision, one SQL file: its header, its two sections, its directives (design: "A revision is one
//! SQL file").

mod file_name;
mod header;
mod id;
mod parse;
mod write;

pub use file_name::{Created, DEFAULT_FILE_TEMPLATE, DEFAULT_SLUG_LENGTH, file_name, slug};
pub use header::{Header, Spanned};
pub use id::{BranchLabel, RevisionId};
pub use parse::{Downgrade, Revision};
pub use write::{NewDowngrade, NewRevision, write};

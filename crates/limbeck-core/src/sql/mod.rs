//! SQL inside revisions: split into statements, classified, checksummed, variables filled in.
//!
//! All of it rests on a lexer of our own ([`token`]) and on no grammar: PostgreSQL judges the syntax.

pub mod checksum;
mod classify;
pub mod destroys;
mod directive;
mod name;
mod refuse;
mod scan;
mod script;
mod split;
pub mod token;
mod variable;

pub use checksum::{Checksum, NotAChecksum};
pub use classify::{Existing, ReindexScope, Setting, StatementKind, classify};
pub use directive::{BatchOptions, Condition, Directive, Mark, MarkKind, Retry, Timeouts};
pub use name::ObjectName;
pub use script::{Script, Statement, Unit, UnitKind};
pub use variable::{BATCH, Quoting, Rendered, Values, Variable, quote_literal, quote_name};

pub(crate) use directive::looks_like_directive;
pub(crate) use scan::{Lexeme, Scanner};

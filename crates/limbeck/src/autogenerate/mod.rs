//! Models against revisions: what a new revision has to do, and the proof that it does it.
//!
//! ```text
//! models, schema files ──load──┐                        ┌─▶ changes ─▶ the revision's text ─▶ proof
//!                              ├─▶ normal form ─▶ diff ─┤
//! revisions ──────────replay───┘                        └─▶ `check`
//! ```
//!
//! Both sides are worked out on a scratch server and compared as values. What was worked out once is kept
//! (in the user's cache), so that an unchanged side needs no server.

mod difference;
mod draft;
mod replay;
mod scope;
mod snapshot;
mod source;
mod wanted;
mod workshop;

pub use difference::{Difference, Terms};
pub use draft::Proof;
pub use scope::Scope;
pub use snapshot::{Freshness, Snapshot};
pub use source::SchemaSource;
pub use wanted::Wanted;
pub use workshop::{Settings, Side, Workshop};

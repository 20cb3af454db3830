//! The revision graph: built from headers, resolved by identifiers, walked by plans.
//!
//! [`Graph::build`] checks everything at once and numbers the revisions so that a parent or dependency
//! always stands before its dependants; nothing changes afterwards. What a user types is parsed once into
//! a [`Target`]; [`Graph::revisions`], [`HistoryRange`] and the functions of [`crate::plan`] resolve it.

mod applied;
mod build;
mod cycles;
pub mod describe;
mod labels;
mod map;
mod new_revision;
mod node;
mod order;
mod range;
mod resolve;
mod set;
mod target;
mod walk;

pub use applied::Applied;
pub use map::Graph;
pub use new_revision::{NewRevision, Request, Splice, merge, new_revision};
pub use node::Node;
pub use range::HistoryRange;
pub use target::{Anchor, Name, Symbol, Target};

pub(crate) use applied::overlap;
pub(crate) use range::not_on_one_line;
pub(crate) use resolve::{Floor, Resolver, Wording};
pub(crate) use set::NodeSet;
pub(crate) use walk::{Down, Edges};

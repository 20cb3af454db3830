//! Schema values as SQL: the statements that make an object from nothing, and a whole schema in an order in which
//! it can be loaded.
//!
//! All names outside `pg_catalog` carry their schema, so the statements mean the same under every `search_path`. They
//! have no semicolon at their end, and make things the plain way: nothing here asks what a statement locks.

mod attached;
mod create;
mod dump;
mod grants;
mod order;
pub mod quote;
pub mod section;
mod sequence;
mod shares;
mod table;
mod text;
mod types;
mod view;

pub use attached::{add_constraint, create_index, create_policy, firing};
pub use create::{comment_on, comment_on_part, create, create_in, finish, target};
pub use dump::{Block, blocks, dump, to_sql};
pub use grants::{changed as changed_grants, despite_defaults, granted, identity_despite_defaults};
pub use order::{Part, Step, order};
pub use sequence::{identity_changes, identity_clause, identity_said, sequence_options};
pub use shares::rename_shares;
pub(crate) use table::beside_parents;
pub use table::{column_definition, column_settings, storage_parameters};
pub use text::split_off_with;
pub(crate) use text::{parameter_name, parameters};
pub use view::view_options;

//! Limbeck's state in the database (design section 5): the version table, the journal, the lock, and the
//! settings of the session that changes them.

pub(crate) mod access;
pub(crate) mod journal;
pub(crate) mod lock;
pub(crate) mod pooling;
pub(crate) mod session;
pub(crate) mod version_table;

//! Actions: what a tenant has done by one of its providers, and the log of it.

pub(crate) mod carry_out;
pub(crate) mod list;
pub(crate) mod named;
pub(crate) mod provider;
mod run;
pub(crate) mod store;
pub(crate) mod sweep;

//! The API's routes, one file per part.

pub(crate) mod actions;
pub(crate) mod admin;
pub(crate) mod audit_logs;
pub(crate) mod migrations;
pub(crate) mod tenants;

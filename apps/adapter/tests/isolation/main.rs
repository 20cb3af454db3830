//! Row-level security on real servers: what one tenant can reach of another (nothing), whoever the service logs in as; how
//! revision 005 makes its roles; what a later data step has to do; and that `scripts/test_rls.sql` notices what is wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "../migrator/mod.rs"]
mod migrator;

mod data_steps;
mod place;
mod race;
mod roles;
mod script;
mod sessions;
mod verbs;

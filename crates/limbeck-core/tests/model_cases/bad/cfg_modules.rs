// file: src/models/mod.rs
#[cfg(feature = "billing")]
mod billing;
mod users;
#[cfg(feature = "nothing")]
mod helpers;

// file: src/models/billing/invoice.rs
#[derive(limbeck::Table)]
struct Invoice {
    id: i32,
}

// file: src/models/users.rs
#![cfg(unix)]
#[derive(limbeck::Table)]
struct User {
    id: i32,
}

// file: src/models/helpers.rs
struct NoModel;

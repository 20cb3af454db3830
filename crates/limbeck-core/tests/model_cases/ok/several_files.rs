// file: src/models/mod.rs
mod status;
mod user;

// file: src/models/status.rs
pub type Id = i64;

#[derive(limbeck::Enum)]
pub enum Status {
    On,
    Off,
}

// file: src/models/user.rs
use super::status::{Id, Status as UserStatus};
use limbeck::Table;
// Not ours.
use tabled::Table as Shown;
use enum_map::Enum;

#[derive(Enum)]
enum Key {
    A(u8),
}

#[derive(Shown)]
struct View<T>(T);

#[derive(Table)]
struct User {
    #[column(primary_key)]
    id: Id,
    status: UserStatus,
    #[column(sql_type = "status")]
    before: Option<String>,
}

use limbeck::{Enum, Table};

#[derive(Table)]
#[table(index(emial, "emial desc", "lower(emial)"), unique(a, a), check(name = "x", expr = "true"), check(name = "x", expr = "false"))]
struct User {
    email: String,
    #[column(name = "a")]
    b: i32,
    a: i32,
    #[column(references = "users(id)")]
    c: i32,
    #[column(references = "account(idd)")]
    d: i32,
    #[column(references = "account")]
    e: i32,
    #[column(references = "keyless")]
    f: i32,
}

#[derive(Table)]
struct Account {
    #[column(primary_key(a))]
    id: i32,
}
#[derive(Table)]
#[table(primary_key(id, id2), name = "account")]
struct Account2 {
    id: i32,
    id2: i32,
}
#[derive(Table)]
struct Keyless {
    #[column(index = "account")]
    id: i32,
}
#[derive(Enum)]
enum Keyless2 {
    A,
}
#[derive(Enum)]
#[enum_type(name = "keyless")]
enum Keyless3 {
    A,
}

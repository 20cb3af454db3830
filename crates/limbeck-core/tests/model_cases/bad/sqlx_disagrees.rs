use limbeck::{Enum, Table};

#[derive(sqlx::FromRow, Table)]
#[sqlx(rename_all = "camelCase")]
struct A {
    #[column(name = "user_id")]
    user_id: i32,
    #[sqlx(rename = "b")]
    #[column(name = "c")]
    c: i32,
}

#[derive(sqlx::FromRow, Table)]
struct B {
    #[column(name = "uid")]
    user_id: i32,
}

#[derive(sqlx::Type, Enum)]
#[enum_type(rename_all = "snake_case")]
enum UserMood {
    VeryHappy,
}

#[derive(sqlx::Type, Enum)]
#[sqlx(type_name = "kind", rename_all = "lowercase")]
#[enum_type(name = "sort")]
enum Kind {
    #[value(name = "one")]
    A,
    #[value(name = "b")]
    B,
}

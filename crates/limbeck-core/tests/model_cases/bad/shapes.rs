use limbeck::{Enum, Table};

#[derive(Table)]
struct Tuple(i32, String);

#[derive(Table)]
struct Unit;

#[derive(Table)]
struct Generic<T> {
    id: T,
}

#[derive(Table)]
enum NotATable {
    A,
}

#[derive(Enum)]
struct NotAnEnum {
    a: i32,
}

#[derive(Enum)]
enum Data {
    A(i32),
    B { x: i32 },
    C,
    #[value(name = "C")]
    D,
}

#[derive(Table)]
union Both {
    a: i32,
    b: f32,
}

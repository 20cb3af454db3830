#[derive(limbeck::Table)]
struct A {
    id i32,
}

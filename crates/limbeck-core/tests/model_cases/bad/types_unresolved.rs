use limbeck::Table;

type Loop = Circle;
type Circle = Loop;
type Params<T> = Vec<T>;
type Wide = Option<u64>;
type Codes = Vec<i32>;

struct Plain(String);

#[derive(sqlx::Type)]
struct NoName {
    a: i32,
}

enum Choice {
    A,
}

mod a {
    pub type Twice = i32;
}
mod b {
    pub type Twice = i64;
}

#[derive(Table)]
struct T {
    d: Unknown,
    e: Plain,
    f: Choice,
    g: Loop,
    h: Wide,
    i: Vec<Codes>,
    k: Twice,
    l: crate::elsewhere::Date,
    m: NoName,
    fine: b::Twice,
}

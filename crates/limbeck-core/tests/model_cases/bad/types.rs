use limbeck::Table;
use std::collections::HashMap;

type Loop = Circle;
type Circle = Loop;
type Params<T> = Vec<T>;

struct Plain(String);

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
    a: u32,
    b: HashMap<String, String>,
    c: (i32, i32),
    d: Unknown,
    e: Plain,
    f: Choice,
    g: Loop,
    h: Params<i32>,
    i: Vec<Vec<i32>>,
    j: fn(i32) -> i32,
    k: Twice,
    l: crate::elsewhere::Date,
    m: u64,
    #[sqlx(try_from = "u8")]
    n: i32,
    #[column(sql_type = "")]
    o: i32,
}

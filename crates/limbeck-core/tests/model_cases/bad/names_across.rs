// options: models-only
// file: a.rs
#[derive(limbeck::Table)]
struct Account {
    #[column(primary_key)]
    id: i32,
    #[column(references = "acount(id)")]
    parent: i32,
    #[column(references = "elsewhere(id)")]
    other: i32,
    #[column(references = "account(idd)")]
    third: i32,
    #[column(references = "pair")]
    fourth: i32,
    #[column(references = "keyless")]
    fifth: i32,
    #[column(index = "pair")]
    sixth: i32,
}

// file: b.rs
#[derive(limbeck::Table)]
#[table(name = "account")]
struct Again {
    id: i32,
}
#[derive(limbeck::Table)]
#[table(primary_key(a, b), check(name = "pair_pkey", expr = "true"), unique(a, name = "account"))]
struct Pair {
    a: i32,
    b: i32,
}
#[derive(limbeck::Table)]
struct Keyless {
    a: i32,
}

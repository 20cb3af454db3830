use limbeck::Table;

#[derive(Table)]
#[table(nmae = "x", name = 5, unlogged = true, "bare", unlogged, unlogged, indexes(a))]
struct A {
    #[column(primary_ky)]
    id: i32,
    #[column]
    a: i32,
    #[column(default = now())]
    b: i32,
    #[column(default = "1", generated = "2")]
    c: i32,
    #[column(virtual, on_delete = "cascade")]
    d: i32,
    #[column(nullable, not_null)]
    e: i32,
    #[column(identity = "sometimes", statistics = 99999999999)]
    f: i32,
    #[column(references = "a(", deferrable)]
    g: i32,
    #[column(references = "a(id, g)", on_delete = "explode", match = "partial", deferrable = "later")]
    h: i32,
    #[column(unique(a), index(b), check())]
    i: i32,
    #[column(collate = "")]
    j: i32,
    #[sqlx(flatten)]
    k: B,
    #[column(name = "this_name_is_much_longer_than_the_sixty_three_bytes_that_postgresql_takes")]
    l: i32,
}

#[derive(Table)]
#[table(policy(for = "look"), exclude("a"), foreign_key(a), primary_key, index, index(order = "desc"))]
struct B {
    a: i32,
}

#[derive(Table)]
#[table(primary_key(a, name = "x", a), unique(b), rename_all = "Snake", policy(name = "p"), policy(name = "p"), inherits("x(y)"))]
struct C {
    #[column(primary_key)]
    a: Option<i32>,
    #[column(name = "bee")]
    b: i32,
    #[column(identity)]
    c: Option<i64>,
}

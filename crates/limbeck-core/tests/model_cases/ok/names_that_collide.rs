// PostgreSQL would number these names too.
#[derive(limbeck::Table)]
#[table(index(a), index("a desc"), index("lower(b)", "(a + 1)"), check("a > 0"), check("a < 10"), unique(a, name = "t_a_idx"))]
struct T {
    #[column(check = "a <> 5", check = "a <> 6")]
    a: i32,
    b: String,
}

// options: schema=app ix=ix_%(table_name)s_%(column_0_N_name)s uq=uq_%(table_name)s_%(column_0_name)s ck=ck_%(table_name)s_%(constraint_name)s fk=fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s pk=pk_%(table_name)s
#[derive(limbeck::Table)]
#[table(index(a, b), check(name = "sane", expr = "a > b"), unique(b))]
struct Thing {
    #[column(primary_key)]
    id: i32,
    #[column(check = "a > 0", index = "mine")]
    a: i32,
    b: i32,
    #[column(references = "thing")]
    parent: Option<i32>,
}

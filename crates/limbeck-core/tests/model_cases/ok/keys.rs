#[derive(limbeck::Table)]
#[table(
    primary_key(tenant, id, name = "pk", include(note), deferrable = "initially deferred"),
    foreign_key(columns(tenant, parent), references = "node(tenant, id)", on_delete = "set null (parent)", match = "full", name = "up", not_valid),
    foreign_key(tenant, references = "other.tenants", deferrable),
    exclude("room with =", "during with &&", where = "room > 0", name = "no_overlap"),
    index(columns(during), using = "gist"),
    partition_by = "range (tenant)",
    inherits("base"),
    unlogged,
    replica_identity = "full",
    access_method = "heap",
)]
struct Node {
    tenant: i32,
    id: i64,
    parent: Option<i64>,
    room: i32,
    during: sqlx::postgres::types::PgRange<chrono::NaiveDate>,
    #[column(collate = "de-x-icu", storage = "external", compression = "lz4", statistics = 500, options(n_distinct = -0.5))]
    note: Option<String>,
    #[column(identity = "always")]
    counter: i32,
    made: chrono::NaiveDate,
}

#[derive(limbeck::Table)]
struct Base {
    made: chrono::NaiveDate,
}

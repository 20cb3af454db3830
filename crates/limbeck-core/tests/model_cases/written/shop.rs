use chrono::{DateTime, Utc};
use limbeck::{Enum, Table};
use uuid::Uuid;

/// What became of an order.
#[derive(Debug, Enum)]
#[enum_type(rename_all = "snake_case")]
pub enum OrderStatus {
    New,
    InProgress,
    #[value(renamed_from = "finished")]
    Done,
}

/// People who buy.
#[derive(Table)]
pub struct Customer {
    #[column(primary_key, default = "gen_random_uuid()")]
    pub id: Uuid,
    /// Where to write to.
    ///
    /// Checked by a link.
    #[column(unique, sql_type = "varchar(255)", check = "email like '%@%'")]
    pub email: String,
    #[column(renamed_from = "nick")]
    pub nickname: Option<String>,
    #[column(default = "now()", index)]
    pub created_at: DateTime<Utc>,
}

#[derive(Table)]
#[table(
    name = "orders",
    schema = "shop",
    renamed_from = "purchases",
    comments = false,
    unique(customer_id, number, name = "one_number_each", nulls_not_distinct),
    index("created_at desc nulls last", status, where = "status <> 'done'", include(number)),
    index("lower(note)", "note text_pattern_ops", unique, with(fillfactor = 70), name = "notes"),
    check(name = "positive", expr = "number > 0"),
    with(fillfactor = 90, toast.autovacuum_enabled = false),
    row_level_security,
    policy(name = "own", for = "select", to("app", public), using = "customer_id = current_customer()"),
)]
pub struct Order {
    /// Not a comment of the database.
    #[column(identity(always, start = 1000), primary_key)]
    pub id: i64,
    #[column(references = "public.customer(id)", on_delete = "cascade", on_update = "no action")]
    pub customer_id: Uuid,
    pub number: i32,
    #[column(default = "'new'")]
    pub status: OrderStatus,
    pub history: Vec<OrderStatus>,
    pub note: Option<String>,
    #[column(generated = "number * 2")]
    pub twice: i32,
    pub created_at: DateTime<Utc>,
    #[column(skip)]
    pub cached: std::collections::HashMap<String, u64>,
}

//! The models of the test project.

use limbeck::{Enum, Table};

/// How an order fares.
#[derive(Enum)]
#[sqlx(rename_all = "snake_case")]
pub enum Status {
    Open,
    Paid,
}

/// Who orders.
#[derive(Table)]
#[table(name = "customers")]
pub struct Customer {
    #[column(primary_key, identity)]
    pub id: i64,
    #[column(sql_type = "varchar(50)", unique)]
    pub email: String,
    pub name: Option<String>,
}

/// What is ordered.
#[derive(Table)]
#[table(name = "orders")]
pub struct Order {
    #[column(primary_key, identity)]
    pub id: i64,
    #[column(references = "customers(id)", on_delete = "cascade", index)]
    pub customer: i64,
    #[column(default = "'open'")]
    pub status: Status,
    #[column(check = "total >= 0", sql_type = "numeric(10,2)")]
    pub total: String,
}

use limbeck::{Enum, Table};
use sqlx::FromRow;

#[derive(FromRow, serde::Deserialize, Table)]
#[sqlx(rename_all = "camelCase")]
#[serde(rename_all = "kebab-case")]
struct Account {
    #[column(primary_key)]
    account_id: i32,
    #[sqlx(rename = "Display Name")]
    #[column(name = "Display Name", index)]
    display_name: String,
    #[sqlx(skip)]
    cache: Vec<Vec<u32>>,
    kind: Kind,
    mood: Option<Mood>,
    state: State,
}

#[derive(sqlx::Type, Enum)]
#[sqlx(type_name = "account_kind", rename_all = "lowercase")]
enum Kind {
    Private,
    #[sqlx(rename = "BUSINESS")]
    Business,
}

#[derive(sqlx::Type, Enum)]
enum Mood {
    Happy,
    SoSo,
}

#[derive(serde::Serialize, Enum)]
#[serde(rename_all(serialize = "lowercase", deserialize = "snake_case"))]
enum State {
    WideOpen,
    #[serde(rename = "shut")]
    Closed,
}

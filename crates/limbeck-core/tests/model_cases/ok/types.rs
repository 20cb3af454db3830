use chrono::NaiveDate as Day;
use limbeck::Table;
use sqlx::types::Json;

type Id = uuid::Uuid;
type Maybe = Option<Id>;

#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct Email(String);

#[derive(sqlx::Type)]
#[sqlx(type_name = "shop.address")]
pub struct Address {
    street: String,
}

#[derive(sqlx::Type)]
#[repr(i16)]
pub enum Level {
    Low = 1,
}

mod inner {
    pub type Id = i64;
}

#[derive(Table)]
pub struct Everything<'a> {
    a: bool,
    b: i16,
    c: i32,
    d: i64,
    e: f32,
    f: f64,
    g: String,
    h: &'a str,
    i: std::borrow::Cow<'a, str>,
    j: Vec<u8>,
    k: [u8; 16],
    l: Id,
    m: Maybe,
    n: chrono::DateTime<chrono::Utc>,
    o: chrono::NaiveDateTime,
    p: Day,
    q: chrono::NaiveTime,
    r: time::OffsetDateTime,
    s: time::PrimitiveDateTime,
    t: time::Date,
    u: time::Time,
    v: jiff_sqlx::Timestamp,
    w: jiff_sqlx::DateTime,
    x: rust_decimal::Decimal,
    y: Option<bigdecimal::BigDecimal>,
    z: serde_json::Value,
    aa: Json<Vec<Address>>,
    ab: std::net::IpAddr,
    ac: ipnetwork::IpNetwork,
    ad: Vec<Option<String>>,
    ae: sqlx::postgres::types::PgInterval,
    af: sqlx::postgres::types::PgRange<i32>,
    ag: sqlx::postgres::types::PgRange<chrono::DateTime<chrono::Utc>>,
    ah: Email,
    ai: Option<Vec<Email>>,
    aj: Address,
    ak: Level,
    al: inner::Id,
    am: Box<str>,
    #[sqlx(json)]
    an: std::collections::HashMap<String, String>,
    #[sqlx(try_from = "i64")]
    ao: u64,
    #[column(sql_type = "numeric(10, 2)[]")]
    ap: Option<Vec<f64>>,
    r#type: String,
    #[column(nullable)]
    aq: Id,
    #[column(not_null)]
    ar: Option<i32>,
}

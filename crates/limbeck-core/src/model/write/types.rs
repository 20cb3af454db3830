//! From PostgreSQL's types to Rust's.

/// A Rust type and what has to be imported for it.
#[derive(Debug, Clone)]
pub(super) struct RustType {
    pub(super) text: String,
    pub(super) import: Option<&'static str>,
}

/// PostgreSQL's types, as `format_type` prints them, with the Rust type that the reader takes for the same, and its
/// import.
const KNOWN: &[(&str, &str, &str)] = &[
    ("boolean", "bool", ""),
    ("smallint", "i16", ""),
    ("integer", "i32", ""),
    ("bigint", "i64", ""),
    ("real", "f32", ""),
    ("double precision", "f64", ""),
    ("text", "String", ""),
    ("bytea", "Vec<u8>", ""),
    ("uuid", "Uuid", "uuid::Uuid"),
    ("numeric", "Decimal", "rust_decimal::Decimal"),
    ("jsonb", "Value", "serde_json::Value"),
    ("timestamp with time zone", "DateTime<Utc>", "chrono::{DateTime, Utc}"),
    ("timestamp without time zone", "NaiveDateTime", "chrono::NaiveDateTime"),
    ("date", "NaiveDate", "chrono::NaiveDate"),
    ("time without time zone", "NaiveTime", "chrono::NaiveTime"),
    ("interval", "PgInterval", "sqlx::postgres::types::PgInterval"),
    ("inet", "IpNetwork", "ipnetwork::IpNetwork"),
    ("macaddr", "MacAddress", "mac_address::MacAddress"),
    ("int4range", "PgRange<i32>", "sqlx::postgres::types::PgRange"),
    ("int8range", "PgRange<i64>", "sqlx::postgres::types::PgRange"),
];

/// Types that are read like another one, and have to be said.
const LIKE: &[(&str, &str)] =
    &[("json", "jsonb"), ("cidr", "inet"), ("character varying", "text"), ("character", "text")];

/// The Rust type of a column that is neither an enum nor an array of them, and whether it says all: where it does
/// not, `sql_type` has to.
pub(super) fn rust_type(data_type: &str) -> (RustType, bool) {
    if let Some(element) = data_type.strip_suffix("[]") {
        let (element, says_all) = rust_type(element);
        return (RustType { text: format!("Vec<{}>", element.text), ..element }, says_all);
    }
    let find = |name: &str| KNOWN.iter().find(|(known, _, _)| *known == name);
    let rust = |(_, text, import): &(&str, &str, &'static str)| {
        let import = Some(*import).filter(|import| !import.is_empty());
        RustType { text: (*text).to_owned(), import }
    };
    if let Some(known) = find(data_type) {
        return (rust(known), true);
    }
    // `numeric(10,2)`, `timestamp(3) with time zone`: the same type but for its modifier.
    let bare = without_modifier(data_type);
    let like = LIKE.iter().find(|(name, _)| *name == bare).map_or(bare.as_str(), |(_, like)| like);
    let found = find(like).map(rust);
    (found.unwrap_or_else(|| RustType { text: "String".to_owned(), import: None }), false)
}

fn without_modifier(data_type: &str) -> String {
    match (data_type.find('('), data_type.find(')')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{}", &data_type[..open], &data_type[close + 1..])
        }
        _ => data_type.to_owned(),
    }
}

//! From a field's Rust type to PostgreSQL's.

use proc_macro2::Span;
use syn::spanned::Spanned;

use super::fault::Fault;
use super::scope::Scope;

/// What a field's type says.
#[derive(Debug, Clone)]
pub(super) struct FieldType {
    /// Whether it is an `Option`.
    pub(super) nullable: bool,
    pub(super) of: TypeRef,
}

/// A type, or where to look for it.
#[derive(Debug, Clone)]
pub(super) enum TypeRef {
    /// As in SQL.
    Sql(String),
    /// A name that the sources may define; else what libraries that sqlx knows mean by it.
    Named { path: Vec<String>, library: Option<&'static str>, array: bool, span: Span },
}

impl TypeRef {
    /// An array of it.
    fn array(self, span: Span) -> Result<Self, Fault> {
        match self {
            Self::Sql(text) if text.ends_with("[]") => Err(Fault::new(span, "arrays of arrays have no type of their own in PostgreSQL")
                .help("say `#[column(sql_type = \"...[]\")]`: an array type is the same for any number of dimensions")),
            Self::Sql(text) => Ok(Self::Sql(format!("{text}[]"))),
            Self::Named { path, library, span, .. } => Ok(Self::Named { path, library, array: true, span }),
        }
    }
}

/// Types without arguments, by the last segment of their path: std, uuid, chrono, time, jiff, rust_decimal,
/// bigdecimal, serde_json, ipnetwork, ipnet, mac_address, bit-vec and sqlx's own (`sqlx::postgres::types`).
const PLAIN: &[(&str, &str)] = &[
    ("Uuid", "uuid"),
    ("Hyphenated", "uuid"),
    ("Simple", "uuid"),
    ("NaiveDateTime", "timestamp without time zone"),
    ("NaiveDate", "date"),
    ("NaiveTime", "time without time zone"),
    ("OffsetDateTime", "timestamp with time zone"),
    ("PrimitiveDateTime", "timestamp without time zone"),
    ("Timestamp", "timestamp with time zone"),
    // jiff's; chrono's has an argument.
    ("DateTime", "timestamp without time zone"),
    ("Date", "date"),
    ("Time", "time without time zone"),
    ("Duration", "interval"),
    ("TimeDelta", "interval"),
    ("Span", "interval"),
    ("PgInterval", "interval"),
    ("Decimal", "numeric"),
    ("BigDecimal", "numeric"),
    ("Value", "jsonb"),
    ("JsonValue", "jsonb"),
    ("RawValue", "jsonb"),
    ("JsonRawValue", "jsonb"),
    ("IpAddr", "inet"),
    ("Ipv4Addr", "inet"),
    ("Ipv6Addr", "inet"),
    ("IpNetwork", "inet"),
    ("IpNet", "inet"),
    ("MacAddress", "macaddr"),
    ("BitVec", "bit varying"),
    ("Oid", "oid"),
    ("PgMoney", "money"),
    ("PgLTree", "ltree"),
    ("PgLQuery", "lquery"),
    ("PgCiText", "citext"),
    ("PgHstore", "hstore"),
    ("PgCube", "cube"),
    ("PgPoint", "point"),
    ("PgLine", "line"),
    ("PgLSeg", "lseg"),
    ("PgBox", "box"),
    ("PgPath", "path"),
    ("PgPolygon", "polygon"),
    ("PgCircle", "circle"),
];

/// Types of the language and its prelude: no source defines them anew.
const PRIMITIVE: &[(&str, &str)] = &[
    ("bool", "boolean"),
    ("i8", "\"char\""),
    ("i16", "smallint"),
    ("i32", "integer"),
    ("i64", "bigint"),
    ("f32", "real"),
    ("f64", "double precision"),
    ("String", "text"),
    ("str", "text"),
];

/// Numbers that PostgreSQL has no type for, with what holds them.
const TOO_WIDE: &[(&str, &str)] = &[
    ("u8", "i16"),
    ("u16", "i32"),
    ("u32", "i64"),
    ("u64", "i64, or a decimal type"),
    ("u128", "a decimal type"),
    ("i128", "a decimal type"),
    ("usize", "i64"),
    ("isize", "i64"),
    ("char", "String"),
];

/// Range types, by their element.
const RANGES: &[(&str, &str)] = &[
    ("integer", "int4range"),
    ("bigint", "int8range"),
    ("numeric", "numrange"),
    ("date", "daterange"),
    ("timestamp without time zone", "tsrange"),
    ("timestamp with time zone", "tstzrange"),
];

/// Crates in which no project of the user's is defined.
const LIBRARIES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "uuid",
    "chrono",
    "time",
    "jiff",
    "jiff_sqlx",
    "rust_decimal",
    "bigdecimal",
    "serde_json",
    "sqlx",
    "ipnetwork",
    "ipnet",
    "mac_address",
    "bit_vec",
];

/// What a field of this type is in PostgreSQL.
pub(super) fn field_type(ty: &syn::Type, scope: &Scope) -> Result<FieldType, Fault> {
    let not_null = |of| Ok(FieldType { nullable: false, of });
    match ty {
        syn::Type::Path(path) if path.qself.is_none() => path_type(path, scope),
        syn::Type::Paren(inner) => field_type(&inner.elem, scope),
        syn::Type::Group(inner) => field_type(&inner.elem, scope),
        syn::Type::Reference(inner) => field_type(&inner.elem, scope),
        syn::Type::Array(syn::TypeArray { elem, .. }) | syn::Type::Slice(syn::TypeSlice { elem, .. }) => {
            not_null(list(elem, scope)?)
        }
        syn::Type::Tuple(_) => Err(no_type(ty.span(), "a tuple")),
        _ => Err(no_type(ty.span(), "this type")),
    }
}

fn path_type(ty: &syn::TypePath, scope: &Scope) -> Result<FieldType, Fault> {
    let span = ty.span();
    let path = scope.resolve(&ty.path);
    let arguments = arguments(&ty.path);
    let Some(name) = path.last().map(String::as_str) else { return Err(no_type(span, "this type")) };
    let not_null = |of| Ok(FieldType { nullable: false, of });
    let sql = |text: &str| not_null(TypeRef::Sql(text.to_owned()));
    if let Some((_, sql_type)) = PRIMITIVE.iter().find(|(known, _)| *known == name) {
        return sql(sql_type);
    }
    if let Some((_, wider)) = TOO_WIDE.iter().find(|(known, _)| *known == name) {
        return Err(Fault::new(span, format!("PostgreSQL has no type for `{name}`"))
            .help(format!("use {wider}, or say `#[column(sql_type = \"...\")]`")));
    }
    match (name, arguments.as_slice()) {
        ("Option", [inner]) => Ok(FieldType { nullable: true, of: field_type(inner, scope)?.of }),
        ("Vec", [element]) => not_null(list(element, scope)?),
        ("Box" | "Arc" | "Rc" | "Cow", [inner]) => field_type(inner, scope),
        ("Json" | "JsonB" | "Jsonb", [_]) => sql("jsonb"),
        // sqlx's Text<T> goes through Display and FromStr.
        ("Text", [_]) => sql("text"),
        ("DateTime", [_]) => sql("timestamp with time zone"),
        ("PgRange", [element]) => not_null(TypeRef::Sql(range(element, scope)?)),
        (_, []) => {
            let library = PLAIN.iter().find(|(known, _)| *known == name).map(|(_, sql_type)| *sql_type);
            match library {
                Some(sql_type) if path.len() > 1 && LIBRARIES.contains(&path[0].as_str()) => sql(sql_type),
                _ => not_null(TypeRef::Named { path, library, array: false, span }),
            }
        }
        _ => Err(no_type(span, &format!("`{name}<...>`"))),
    }
}

/// The types among the arguments of the last segment.
fn arguments(path: &syn::Path) -> Vec<&syn::Type> {
    let Some(syn::PathArguments::AngleBracketed(arguments)) =
        path.segments.last().map(|last| &last.arguments)
    else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

fn list(element: &syn::Type, scope: &Scope) -> Result<TypeRef, Fault> {
    if let syn::Type::Path(path) = element
        && path.path.is_ident("u8")
    {
        return Ok(TypeRef::Sql("bytea".to_owned()));
    }
    field_type(element, scope)?.of.array(element.span())
}

fn range(element: &syn::Type, scope: &Scope) -> Result<String, Fault> {
    let element_type = match field_type(element, scope)?.of {
        TypeRef::Sql(text) => text,
        TypeRef::Named { library, .. } => library.unwrap_or_default().to_owned(),
    };
    let range = RANGES.iter().find(|(of, _)| *of == element_type).map(|(_, range)| (*range).to_owned());
    range.ok_or_else(|| no_type(element.span(), "a range of this"))
}

/// The way out that always is one.
pub(super) const SAY_IT: &str = "say which one it is: `#[column(sql_type = \"...\")]`";

fn no_type(span: Span, what: &str) -> Fault {
    Fault::new(span, format!("no PostgreSQL type is known for {what}")).help(SAY_IT)
}

//! What a column's new type means for its values: PostgreSQL manual, "Type Conversion" and `pg_cast`.

use crate::schema::{Column, Kind, Name, Object, ObjectId, Schema};

/// A type's name without its modifier, and the modifier's numbers.
struct Type<'t> {
    name: &'t str,
    numbers: Vec<i64>,
    /// `[]`.
    array: bool,
}

fn parse(text: &str) -> Type<'_> {
    let element = text.strip_suffix("[]");
    let (rest, array) = (element.unwrap_or(text), element.is_some());
    // The modifier may stand in the middle: `timestamp(3) with time zone`.
    let (Some(open), Some(close)) = (rest.find('('), rest.find(')')) else {
        return Type { name: rest, numbers: Vec::new(), array };
    };
    let numbers = rest[open + 1..close].split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let name = match (rest[..open].trim_end(), rest[close + 1..].trim()) {
        ("timestamp", "with time zone") => "timestamp with time zone",
        ("timestamp", _) => "timestamp without time zone",
        ("time", "with time zone") => "time with time zone",
        ("time", _) => "time without time zone",
        (name, _) => name,
    };
    Type { name, numbers, array }
}

/// Groups of types within which every value can be assigned to every type, though it may not fit.
const GROUPS: &[&[&str]] = &[
    &["smallint", "integer", "bigint", "numeric", "real", "double precision"],
    &["character varying", "character", "text", "name", "\"char\""],
    &["date", "timestamp without time zone", "timestamp with time zone"],
    &["time without time zone", "time with time zone", "interval"],
    &["json", "jsonb"],
    &["inet", "cidr"],
    &["bit", "bit varying"],
    &["macaddr", "macaddr8"],
    &["numeric", "money"],
];

/// Pairs beyond the groups that an explicit cast leads over.
const CASTS: &[(&str, &str)] = &[
    ("boolean", "integer"),
    ("integer", "boolean"),
    ("integer", "bit"),
    ("bigint", "bit"),
    ("bit", "integer"),
    ("bit", "bigint"),
    ("integer", "money"),
    ("bigint", "money"),
    ("jsonb", "boolean"),
    ("jsonb", "smallint"),
    ("jsonb", "integer"),
    ("jsonb", "bigint"),
    ("jsonb", "numeric"),
    ("jsonb", "real"),
    ("jsonb", "double precision"),
    ("timestamp without time zone", "time without time zone"),
    ("timestamp with time zone", "time without time zone"),
    ("timestamp with time zone", "time with time zone"),
    ("xml", "text"),
    ("integer", "oid"),
    ("bigint", "oid"),
    ("oid", "integer"),
    ("oid", "bigint"),
];

fn same_group(from: &str, to: &str) -> bool {
    from == to || GROUPS.iter().any(|group| group.contains(&from) && group.contains(&to))
}

fn is_text(name: &str) -> bool {
    matches!(name, "text" | "character varying" | "character")
}

/// What follows USING where PostgreSQL would not assign the old values by itself. `column` is quoted; a domain of one name
/// may have one base type in the schema before and another in that after.
pub(super) fn using(
    (before, after): (&Schema, &Schema),
    column: &str,
    from: &str,
    to: &str,
) -> Option<String> {
    let (old_base, new_base) = (base(before, from), base(after, to));
    let (old, new) = (parse(&old_base), parse(&new_base));
    if old.array != new.array {
        return match (old.array, is_text(new.name)) {
            // A single value becomes the array of it.
            (false, _) if same_group(old.name, new.name) => Some(format!("ARRAY[{column}]::{to}")),
            (true, true) => None,
            (_, _) if is_text(old.name) && !old.array => Some(format!("{column}::{to}")),
            // An array and a single value have only their texts in common, as a whole.
            _ => Some(format!("{column}::text::{to}")),
        };
    }
    if same_group(old.name, new.name) || (is_text(new.name) && !old.array) {
        let domain = new_base != to;
        return domain.then(|| format!("{column}::{to}"));
    }
    let own = own_cast(after, from, to);
    if is_text(old.name) || own || CASTS.contains(&(old.name, new.name)) {
        return Some(format!("{column}::{to}"));
    }
    let integers = ["smallint", "bigint", "numeric"];
    let step = match (old.name, new.name) {
        ("boolean", number) | (number, "boolean") if integers.contains(&number) => Some("integer"),
        _ => None,
    };
    match step {
        Some(step) if !old.array => Some(format!("{column}::{step}::{to}")),
        _ if from.contains('.') && !to.contains('.') && is_text(new.name) => Some(format!("{column}::{to}")),
        _ => through_text(column, to),
    }
}

/// By way of the values' text, which every type has.
fn through_text(column: &str, to: &str) -> Option<String> {
    Some(format!("{column}::{}::{to}", text_like(to)))
}

/// `text`, or an array of texts for an array.
pub(super) fn text_like(data_type: &str) -> &'static str {
    if data_type.ends_with("[]") { "text[]" } else { "text" }
}

/// The type beneath a domain; of an array, that beneath its elements' domain.
pub(super) fn base(schema: &Schema, data_type: &str) -> String {
    let mut base = data_type.to_owned();
    // A domain over a domain, or over an array; a cycle cannot be.
    while let Some(domain) = domain(schema, base.trim_end_matches("[]")) {
        let array = if base.ends_with("[]") && !domain.base.ends_with("[]") { "[]" } else { "" };
        base = format!("{}{array}", domain.base);
    }
    base
}

fn domain<'s>(schema: &'s Schema, data_type: &str) -> Option<&'s crate::schema::Domain> {
    match schema.get(&ObjectId::relation(Kind::Domain, &name(data_type)?)) {
        Some(Object::Domain(domain)) => Some(domain),
        _ => None,
    }
}

/// The name of a type of the project's own.
pub(super) fn name(data_type: &str) -> Option<Name> {
    let (schema, name) = data_type.split_once('.')?;
    Some(Name::new(unquoted(schema), unquoted(name)))
}

fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    inner.map_or_else(|| name.to_owned(), |inner| inner.replace("\"\"", "\""))
}

/// Whether the project has a `CREATE CAST` between them.
fn own_cast(schema: &Schema, from: &str, to: &str) -> bool {
    schema.objects.contains_key(&ObjectId::global(Kind::Cast, format!("{from} AS {to}")))
}

/// Whether values of the two types have an equality between them, as a foreign key needs.
pub(crate) fn compare_with_each_other(from: &str, to: &str) -> bool {
    let (old, new) = (parse(from), parse(to));
    let integers = ["smallint", "integer", "bigint"];
    old.array == new.array
        && from != to
        && (old.name == new.name
            || (integers.contains(&old.name) && integers.contains(&new.name))
            || (is_text(old.name) && is_text(new.name)))
}

/// What is lost without an error, where something is.
pub(super) fn lossy(from: &str, to: &str) -> Option<String> {
    let (old, new) = (parse(from), parse(to));
    if old.array != new.array {
        return None;
    }
    let whole = ["smallint", "integer", "bigint"];
    let lost = match (old.name, new.name) {
        ("timestamp without time zone" | "timestamp with time zone", "date") => "the time of day",
        ("timestamp without time zone" | "timestamp with time zone", name) if name.starts_with("time ") => {
            "the date"
        }
        ("numeric" | "real" | "double precision" | "money", to) if whole.contains(&to) => "the fraction",
        ("double precision" | "numeric", "real") | ("numeric", "double precision") => "some precision",
        ("numeric", "numeric") => match (old.numbers.get(1), new.numbers.get(1)) {
            (_, Some(scale)) if old.numbers.get(1).is_none_or(|old| old > scale) => "some fraction",
            _ => return None,
        },
        (from, to) if from == to && from.starts_with("time") && fewer(&old.numbers, &new.numbers, 6) => {
            "fractions of seconds"
        }
        ("smallint" | "integer" | "bigint" | "numeric", "boolean") => "all but whether it is 0",
        ("json", "jsonb") => "the order and duplicates of keys",
        ("time with time zone", "time without time zone") => "the time zone",
        _ => return None,
    };
    Some(format!("{lost} of the values"))
}

fn fewer(old: &[i64], new: &[i64], unlimited: i64) -> bool {
    let first = |numbers: &[i64]| numbers.first().copied().unwrap_or(unlimited);
    first(new) < first(old)
}

/// Whether the table is written anew. What is not known is taken to be.
pub(super) fn rewrites(schema: &Schema, from: &Column, to: &Column) -> bool {
    // Another collation alone leaves the rows; their indexes are made again.
    from.data_type != to.data_type && !widens(&base(schema, &from.data_type), &to.data_type)
}

/// Whether every old value is a new one as it is stored.
fn widens(from: &str, to: &str) -> bool {
    let (old, new) = (parse(from), parse(to));
    if old.array != new.array {
        return false;
    }
    let (was, is) = (old.numbers.first(), new.numbers.first());
    match (old.name, new.name) {
        ("character varying", "text") | ("text", "character varying") if is.is_none() => true,
        ("character varying", "character varying") | ("bit varying", "bit varying") => {
            is.is_none() || matches!((was, is), (Some(was), Some(is)) if is >= was)
        }
        ("numeric", "numeric") => match (old.numbers.as_slice(), new.numbers.as_slice()) {
            (_, []) => true,
            ([was, scale], [is, new_scale]) => is >= was && scale == new_scale,
            _ => false,
        },
        (from, to) if from == to && (from.starts_with("time") || from == "interval") => {
            !fewer(&old.numbers, &new.numbers, 6)
        }
        ("cidr", "inet") => true,
        (from, to) => from == to && old.numbers == new.numbers,
    }
}

/// Why it may fail on some rows, if it may.
pub(super) fn risk(schema: &Schema, from: &Column, to: &Column, shown: &str) -> Option<String> {
    let (from, to) = (base(schema, &from.data_type), to.data_type.as_str());
    let from = from.as_str();
    let (old, new) = (parse(from), parse(to));
    let always = widens(from, to)
        || (old.array == new.array && grows(old.name, new.name))
        || (is_text(new.name) && new.numbers.is_empty() && !new.array);
    let same = from == to && !to.contains('.');
    (!always && !same && lossy(from, to).is_none_or(|_| narrows(old.name, new.name)))
        .then(|| format!("fails if a value of {shown} is no {to}"))
}

/// Whether every value of the one is a value of the other.
fn grows(from: &str, to: &str) -> bool {
    let numbers = ["smallint", "integer", "bigint", "numeric"];
    let at = |name| numbers.iter().position(|number| *number == name);
    matches!((at(from), at(to)), (Some(from), Some(to)) if from < to)
        || matches!(
            (from, to),
            ("date", "timestamp without time zone" | "timestamp with time zone")
                | ("timestamp without time zone", "timestamp with time zone")
                | ("timestamp with time zone", "timestamp without time zone")
                | ("json", "jsonb")
                | ("jsonb", "json")
                | ("boolean", "smallint" | "integer" | "bigint" | "numeric")
                | ("real", "double precision")
                | ("smallint" | "integer", "double precision" | "real")
        )
}

/// Whether values may be out of the new type's range, too.
fn narrows(from: &str, to: &str) -> bool {
    from == to || matches!(to, "smallint" | "integer" | "bigint" | "real")
}

/// `pg_type.typstorage`, for servers that know no `SET STORAGE DEFAULT`.
pub(super) fn usual_storage(data_type: &str) -> &'static str {
    let parsed = parse(data_type);
    match parsed.name {
        _ if parsed.array => "EXTENDED",
        "numeric" | "inet" | "cidr" => "MAIN",
        "smallint" | "integer" | "bigint" | "boolean" | "date" | "uuid" | "real" | "double precision" => {
            "PLAIN"
        }
        name if name.starts_with("time") || name == "interval" => "PLAIN",
        _ => "EXTENDED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_using_only_where_it_is_needed() {
        let schema = Schema::default();
        let cases = [
            ("integer", "bigint", None),
            ("integer", "text", None),
            ("uuid", "text", None),
            ("text", "integer", Some("c::integer")),
            ("text", "uuid", Some("c::uuid")),
            ("boolean", "integer", Some("c::integer")),
            ("boolean", "bigint", Some("c::integer::bigint")),
            ("integer", "uuid", Some("c::text::uuid")),
            ("text", "text[]", Some("ARRAY[c]::text[]")),
            ("integer[]", "bigint[]", None),
            ("public.mood", "public.feeling", Some("c::text::public.feeling")),
            ("timestamp(3) with time zone", "date", None),
            ("json", "jsonb", None),
        ];
        for (from, to, expected) in cases {
            assert_eq!(using((&schema, &schema), "c", from, to).as_deref(), expected, "{from} to {to}");
        }
    }

    #[test]
    fn knows_what_fits() {
        for (from, to) in [
            ("character varying(50)", "character varying(60)"),
            ("character varying(50)", "text"),
            ("numeric(10,2)", "numeric(12,2)"),
            ("numeric(10,2)", "numeric"),
            ("timestamp(3) without time zone", "timestamp without time zone"),
        ] {
            assert!(widens(from, to), "{from} to {to}");
            assert!(!widens(to, from), "{to} to {from}");
        }
        assert_eq!(lossy("numeric(10,2)", "numeric(10,1)").as_deref(), Some("some fraction of the values"));
        assert_eq!(lossy("numeric(10,2)", "numeric(12,2)"), None);
    }
}

//! Names and constants as SQL text.

use std::sync::LazyLock;

use crate::schema::Name;

/// A name, quoted where PostgreSQL's own `quote_ident` would quote it: what is not all lower case, digits and
/// underscores, and every keyword that is not unreserved.
pub fn ident(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { crate::sql::quote_name(name) }
}

/// A name with its schema, each quoted where needed.
pub fn name(name: &Name) -> String {
    format!("{}.{}", ident(&name.schema), ident(&name.name))
}

/// Names, quoted where needed, with commas between them.
pub fn idents<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(ident).collect::<Vec<_>>().join(", ")
}

/// A name with something after it, cut where that makes it longer than the 63 bytes that PostgreSQL keeps.
pub(crate) fn with_suffix(name: &str, suffix: &str) -> String {
    format!("{}{suffix}", &name[..name.floor_char_boundary(63 - suffix.len())])
}

/// A name with something after it that is not taken, numbered where it has to be, as `ChooseRelationName` does it.
pub(crate) fn free(name: &str, suffix: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut free = with_suffix(name, suffix);
    for number in 1_u32.. {
        if !is_taken(&free) {
            break;
        }
        free = with_suffix(name, &format!("{suffix}{number}"));
    }
    free
}

/// A string constant, as it reads under `standard_conforming_strings`, which has been on by default since
/// PostgreSQL 9.1 and which limbeck's sessions pin.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| matches!(first, b'a'..=b'z' | b'_'))
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && KEYWORDS.binary_search(&name).is_err()
}

/// Sorted, for the search.
static KEYWORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut words: Vec<&str> = WORDS.split_whitespace().collect();
    words.sort_unstable();
    words
});

/// What `pg_get_keywords()` of PostgreSQL 18 lists with a `catcode` other than `U`. Older servers quote fewer of
/// them; a quoted name is right everywhere.
const WORDS: &str = "
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean
    both case cast char character check coalesce collate collation column concurrently constraint create
    cross current_catalog current_date current_role current_schema current_time current_timestamp
    current_user dec decimal default deferrable desc distinct do else end except exists extract false
    fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner
    inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists
    json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading
    least left like limit localtime localtimestamp merge_action national natural nchar none normalize not
    notnull null nullif numeric offset on only or order out outer overlaps overlay placing position
    precision primary real references returning right row select session_user setof similar smallint some
    substring symmetric system_user table tablesample then time timestamp to trailing treat trim true
    union unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_needs_it() {
        let cases = [
            ("users", "users"),
            ("_x9", "_x9"),
            ("User", "\"User\""),
            ("9x", "\"9x\""),
            ("order", "\"order\""),
            ("int", "\"int\""),
            ("name", "name"),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\"\"b\""),
            ("größe", "\"größe\""),
            ("", "\"\""),
        ];
        for (plain, quoted) in cases {
            assert_eq!(ident(plain), quoted);
        }
        assert_eq!(name(&Name::new("public", "Order")), "public.\"Order\"");
        assert_eq!(literal("it's \\"), "'it''s \\'");
    }
}

//! SQL text for values of our own: names and literals, safe whatever a session's settings are.

use limbeck_core::sql::quote_literal;
pub(crate) use limbeck_core::sql::quote_name as ident;

/// A string literal that means the same under either setting of `standard_conforming_strings`. NUL
/// characters, which PostgreSQL has no way to hold, are left out.
pub(crate) fn literal(text: &str) -> String {
    quote_literal(&text.replace('\0', ""))
}

/// A literal, or NULL.
pub(crate) fn literal_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), literal)
}

/// A `text[]` value.
pub(crate) fn text_array<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.into_iter().map(literal).collect();
    format!("ARRAY[{}]::text[]", items.join(", "))
}

/// The name that an identifier, quoted where that is needed, stands for: the reverse of [`ident`].
pub(crate) fn unquoted(ident: &str) -> String {
    match ident.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => ident.to_owned(),
    }
}

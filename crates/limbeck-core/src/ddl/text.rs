//! Pieces of statements.

use std::collections::BTreeMap;

use super::quote;

/// Items on one line if they fit, else one per line.
pub(super) fn list(before: &str, items: &[String], after: &str) -> String {
    let line = format!("{before}({}){after}", items.join(", "));
    match line.chars().count() <= WIDTH && !line.contains('\n') {
        true => line,
        false => lines(before, items, after),
    }
}

/// Items one per line.
pub(super) fn lines(before: &str, items: &[String], after: &str) -> String {
    match items {
        [] => format!("{before}(){after}"),
        items => format!("{before}(\n    {}\n){after}", items.join(",\n    ")),
    }
}

const WIDTH: usize = 100;

/// `name=value` pairs for the parentheses of `WITH`.
pub(crate) fn parameters(options: &BTreeMap<String, String>) -> String {
    let pair =
        |(name, value): (&String, &String)| format!("{}={}", parameter_name(name), parameter_value(value));
    options.iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// The names of parameters, for `RESET`.
pub(crate) fn parameter_name(name: &str) -> String {
    match name.strip_prefix("toast.") {
        Some(name) => format!("toast.{}", quote::ident(name)),
        None => quote::ident(name),
    }
}

fn parameter_value(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let is_number =
        value.bytes().next().is_some_and(|first| first.is_ascii_digit()) && value.bytes().all(plain);
    let is_word = ["true", "false", "on", "off", "auto", "local", "cascaded"].contains(&value);
    if is_number || is_word { value.to_owned() } else { quote::literal(value) }
}

/// `name 'value'` pairs for the parentheses of `OPTIONS`.
pub(super) fn generic_options(options: &BTreeMap<String, String>) -> String {
    let pair =
        |(name, value): (&String, &String)| format!("{} {}", quote::ident(name), quote::literal(value));
    options.iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// Cuts the storage parameters off an index's definition (`USING btree (a) WITH (fillfactor='70')`): what comes
/// before `WITH (...)`, the clause itself, and what comes after it (`WHERE ...`).
pub fn split_off_with(definition: &str) -> (&str, &str, &str) {
    let Some(start) = outside(definition, " WITH (") else { return (definition, "", "") };
    let end = outside(&definition[start..], ") WHERE ").map_or(definition.len(), |at| start + at + 1);
    (&definition[..start], definition[start..end].trim_start(), &definition[end..])
}

/// Where a text stands outside of quotes and parentheses, but for those that it opens itself.
fn outside(text: &str, wanted: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted = None;
    // A `WITH (...)` that is being passed over closes what `wanted` itself opened.
    let floor = usize::from(wanted.starts_with(')'));
    for (at, char) in text.char_indices() {
        if let Some(quote) = quoted {
            quoted = (char != quote).then_some(quote);
            continue;
        }
        if depth == floor && text[at..].starts_with(wanted) {
            return Some(at);
        }
        match char {
            '"' | '\'' => quoted = Some(char),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_storage_parameters() {
        let cases = [
            ("USING btree (a)", ("USING btree (a)", "", "")),
            ("USING btree (a) WITH (fillfactor='70')", ("USING btree (a)", "WITH (fillfactor='70')", "")),
            (
                "USING btree (\" WITH (\") WITH (fillfactor='70') WHERE (b > ')'::text)",
                ("USING btree (\" WITH (\")", "WITH (fillfactor='70')", " WHERE (b > ')'::text)"),
            ),
            ("USING btree (a) WHERE (b > 0)", ("USING btree (a) WHERE (b > 0)", "", "")),
        ];
        for (definition, parts) in cases {
            assert_eq!(split_off_with(definition), parts);
        }
    }
}

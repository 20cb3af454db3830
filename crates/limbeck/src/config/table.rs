//! Reading TOML tables with places: a section laid over the top level, key by key.

use std::sync::Arc;

use limbeck_core::nearest;
use limbeck_core::problem::{Code, Place, Problem, Source, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value with its place.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Where problems point: the file, with the passwords masked.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    pub(super) shown: &'t Arc<Source>,
}

impl Reader<'_> {
    pub(super) fn place(&self, span: Span) -> Place {
        Place::new(self.shown, span)
    }

    /// A value that will not do.
    pub(super) fn bad(&self, span: Span, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem::new(Code::ConfigValue, message).at(self.place(span)).help(help)
    }

    fn wrong_type(&self, key: &str, value: &Value<'_>, wanted: &str) -> Problem {
        let found = value.get_ref().type_str();
        self.bad(
            value.span(),
            format!("`{key}` must be {wanted}, and is of type {found}"),
            example(key, wanted),
        )
    }

    pub(super) fn string(&self, key: &str, value: &Value<'_>) -> Result<String, Problem> {
        let text = value.get_ref().as_str().ok_or_else(|| self.wrong_type(key, value, "a string"))?;
        if text.trim().is_empty() {
            return Err(self.bad(value.span(), format!("`{key}` is empty"), "give it a value, or remove it"));
        }
        Ok(text.to_owned())
    }

    pub(super) fn boolean(&self, key: &str, value: &Value<'_>) -> Result<bool, Problem> {
        value.get_ref().as_bool().ok_or_else(|| self.wrong_type(key, value, "true or false"))
    }

    /// A whole number between `least` and `most`.
    pub(super) fn number(&self, key: &str, value: &Value<'_>, least: u32, most: u32) -> Result<u32, Problem> {
        let wanted = format!("a whole number from {least} to {most}");
        let integer = value.get_ref().as_integer().ok_or_else(|| self.wrong_type(key, value, &wanted))?;
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| {
                self.bad(value.span(), format!("`{key}` must be {wanted}"), format!("write {key} = {least}"))
            })
    }

    /// A list of strings; one string stands for a list of one.
    pub(super) fn strings(&self, key: &str, value: &Value<'_>) -> Result<Vec<String>, Problem> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| self.string(key, item)).collect(),
            DeValue::String(_) => Ok(vec![self.string(key, value)?]),
            _ => Err(self.wrong_type(key, value, "a list of strings")),
        }
    }

    pub(super) fn array<'v, 't>(&self, key: &str, value: &'v Value<'t>) -> Result<&'v [Value<'t>], Problem> {
        let array = value.get_ref().as_array().ok_or_else(|| self.wrong_type(key, value, "a list"))?;
        Ok(&array[..])
    }

    pub(super) fn table<'v, 't>(&self, key: &str, value: &'v Value<'t>) -> Result<&'v DeTable<'t>, Problem> {
        value.get_ref().as_table().ok_or_else(|| self.wrong_type(key, value, "a table"))
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        value: &Value<'_>,
        words: &[(&str, T)],
    ) -> Result<T, Problem> {
        let text = self.string(key, value)?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let message = format!("`{key}` must be {}", known.join(" or "));
            self.bad(value.span(), message, format!("write {key} = {}", known[0]))
        })
    }

    /// Refuses keys that are none of `known`, and names the nearest.
    pub(super) fn check_keys(
        &self,
        table: &DeTable<'_>,
        known: &[&str],
        within: &str,
    ) -> Result<(), Problem> {
        match table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => Err(self.unknown_key(key, known, within)),
        }
    }

    fn unknown_key(&self, key: &Spanned<impl AsRef<str>>, known: &[&str], within: &str) -> Problem {
        let name = key.get_ref().as_ref();
        let place = if within.is_empty() { String::new() } else { format!(" in {within}") };
        let help = match nearest(name, known.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        Problem::new(Code::ConfigUnknownKey, format!("unknown key `{name}`{place}"))
            .at(self.place(key.span()))
            .help(help)
    }
}

fn example(key: &str, wanted: &str) -> String {
    match wanted {
        "a string" => format!("write {key} = \"...\""),
        "true or false" => format!("write {key} = true, without quotes"),
        "a list of strings" => format!("write {key} = [\"...\"]"),
        "a list" => format!("write {key} = [...]"),
        "a table" => format!("write {key} = {{ ... }}"),
        _ => format!("write {key} = and the number, without quotes"),
    }
}

/// One or two tables: where the first has a key, it hides the second's.
#[derive(Clone)]
pub(super) struct Layers<'v, 't>(pub(super) Vec<&'v DeTable<'t>>);

impl<'v, 't> Layers<'v, 't> {
    /// The value that holds.
    pub(super) fn get(&self, key: &str) -> Option<&'v Value<'t>> {
        self.0.iter().find_map(|table| table.get(key))
    }

    /// The tables under a key, laid over each other in turn.
    pub(super) fn sub(&self, reader: Reader<'_>, key: &str) -> Result<Self, Problem> {
        let tables = self.0.iter().filter_map(|table| table.get(key));
        tables.map(|value| reader.table(key, value)).collect::<Result<_, _>>().map(Self)
    }

    /// Every key with the value that holds, in the order of names.
    pub(super) fn entries(&self) -> std::collections::BTreeMap<String, (Span, &'v Value<'t>)> {
        let all = self.0.iter().rev().flat_map(|table| table.iter());
        all.map(|(key, value)| (key.get_ref().to_string(), (key.span(), value))).collect()
    }
}

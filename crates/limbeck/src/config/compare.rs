//! `[compare]`, `[naming]` and `model_comments`: what is compared, and how models are read.

use std::collections::BTreeSet;

use limbeck_core::model::ModelOptions;
use limbeck_core::nearest;
use limbeck_core::problem::Problem;
use limbeck_core::schema::{Excluded, Selection, TablePattern};

use super::keys;
use super::table::{Layers, Reader, Value};

pub(super) fn selection(reader: Reader<'_>, layers: &Layers<'_, '_>) -> Result<Selection, Problem> {
    let layers = layers.sub(reader, "compare")?;
    layers.0.iter().try_for_each(|table| reader.check_keys(table, keys::COMPARE, "[compare]"))?;
    let strings = |key| layers.get(key).map_or(Ok(Vec::new()), |value| reader.strings(key, value));
    Ok(Selection {
        schemas: strings("schemas")?,
        exclude_schemas: strings("exclude_schemas")?,
        exclude_tables: parsed(reader, &layers, "exclude_tables", TablePattern::parse)?,
        exclude_kinds: parsed(reader, &layers, "exclude_kinds", kind)?.into_iter().collect::<BTreeSet<_>>(),
    })
}

/// The strings of a list, each understood or refused at its place.
fn parsed<T>(
    reader: Reader<'_>,
    layers: &Layers<'_, '_>,
    key: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, Problem> {
    let Some(value) = layers.get(key) else { return Ok(Vec::new()) };
    let one = |item: &Value<'_>| {
        let text = reader.string(key, item)?;
        parse(&text).map_err(|why| reader.bad(item.span(), format!("`{key}`: {why}"), HELP))
    };
    match value.get_ref().as_array() {
        Some(items) => items.iter().map(one).collect(),
        None => Ok(vec![one(value)?]),
    }
}

const HELP: &str = "docs/configuration.md lists what may stand there";

fn kind(word: &str) -> Result<Excluded, String> {
    let words = || Excluded::WORDS.iter().map(|(word, _)| *word);
    Excluded::parse(word).ok_or_else(|| match nearest(word, words()) {
        Some(known) => format!("there is no kind `{word}`; did you mean `{known}`?"),
        None => format!("there is no kind `{word}`; there are {}", words().collect::<Vec<_>>().join(", ")),
    })
}

pub(super) fn model_options(reader: Reader<'_>, layers: &Layers<'_, '_>) -> Result<ModelOptions, Problem> {
    let mut options = ModelOptions::default();
    if let Some(value) = layers.get("model_comments") {
        options.comments = reader.boolean("model_comments", value)?;
    }
    let naming = layers.sub(reader, "naming")?;
    naming.0.iter().try_for_each(|table| reader.check_keys(table, keys::NAMING, "[naming]"))?;
    for (key, (_, value)) in naming.entries() {
        let template = reader.string(&key, value)?;
        let help = "the templates are SQLAlchemy's: ix = \"ix_%(table_name)s_%(column_0_name)s\"";
        options.naming.set(&key, &template).map_err(|why| reader.bad(value.span(), why, help))?;
    }
    Ok(options)
}

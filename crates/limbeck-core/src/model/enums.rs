//! From a Rust enum to an enumerated type.

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::spanned::Spanned;

use super::args::{Args, Text, items_of};
use super::beside::{Beside, Derives, doc_comment};
use super::case::{Case, snake};
use super::fault::Fault;
use super::item::{checked_name, conditional, rename_all};
use super::keys;
use super::scope::{Scope, text};
use super::sql::qualified;

/// An enumerated type as a Rust enum says it.
#[derive(Debug, Clone)]
pub struct EnumModel {
    /// The enum's name.
    pub ident: syn::Ident,
    /// The schema, where the enum says one.
    pub schema: Option<String>,
    /// The type's name.
    pub name: String,
    /// Its values, in the order of the variants.
    pub values: Vec<ValueModel>,
    pub(super) span: Span,
    pub(super) comment: Option<String>,
    pub(super) renamed_from: Option<Text>,
}

/// A value of an enumerated type.
#[derive(Debug, Clone)]
pub struct ValueModel {
    /// The variant.
    pub variant: syn::Ident,
    /// The value, as PostgreSQL knows it.
    pub value: String,
    pub(super) renamed_from: Option<Text>,
}

/// Reads an enum with `#[derive(Enum)]`.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn enumeration(item: &syn::DeriveInput) -> Result<EnumModel, Vec<Fault>> {
    enumeration_in(item, &Scope::default(), true)
}

/// As [`enumeration`], with the names that `use` declarations bring.
pub(super) fn enumeration_in(
    item: &syn::DeriveInput,
    scope: &Scope,
    comments: bool,
) -> Result<EnumModel, Vec<Fault>> {
    let mut faults = Vec::new();
    conditional(&item.attrs, &mut faults);
    let syn::Data::Enum(data) = &item.data else {
        let fault = Fault::new(item.ident.span(), "only an enum can be an enumerated type");
        faults.push(fault.help("a table is `#[derive(Table)]`"));
        return Err(faults);
    };
    let items = items_of(&item.attrs, "enum_type").map_err(|fault| faults.push(fault)).unwrap_or_default();
    let mut args = Args::new(&keys::ENUM_TYPE, items, &mut faults);
    let beside = Names {
        sqlx: Beside::sqlx(&item.attrs),
        serde: Beside::serde(&item.attrs),
        sqlx_type: Derives::of(&item.attrs, scope).sqlx_type,
        ours: rename_all(&mut args, &mut faults),
    };
    let (schema, name) = type_name(item, &beside, &mut args, &mut faults);
    let values = data.variants.iter().filter_map(|variant| value(variant, &beside, &mut faults)).collect();
    let comments = args.bool("comments").unwrap_or(comments);
    let comment = match args.text("comment") {
        Some(text) => Some(text.text).filter(|text| !text.is_empty()),
        None if comments => doc_comment(&item.attrs),
        None => None,
    };
    let renamed_from = args.text("renamed_from");
    let span = item.ident.span();
    let model = EnumModel { ident: item.ident.clone(), schema, name, values, span, comment, renamed_from };
    check_values(&model, &mut faults);
    if faults.is_empty() { Ok(model) } else { Err(faults) }
}

/// Who says what the values are called.
struct Names {
    sqlx: Beside,
    serde: Beside,
    /// Whether sqlx's `Type` is derived: then it has an opinion even without an attribute.
    sqlx_type: bool,
    ours: Option<(Case, Span)>,
}

fn type_name(
    item: &syn::DeriveInput,
    beside: &Names,
    args: &mut Args,
    faults: &mut Vec<Fault>,
) -> (Option<String>, String) {
    let said = args.text("name");
    let schema = args.text("schema");
    let rust = text(&item.ident);
    // sqlx asks PostgreSQL for the type as SQL does: without quotes, capitals become small letters.
    let sqlx = beside.sqlx.type_name.as_ref().map(|name| (name.text.clone(), name.span));
    let sqlx = sqlx.or_else(|| beside.sqlx_type.then(|| (rust.clone(), item.ident.span())));
    let sqlx = sqlx.and_then(|(text, span)| Some((folded(&text)?, span)));
    let span = said.as_ref().map_or(item.ident.span(), |name| name.span);
    let from_sqlx = beside.sqlx.type_name.is_some();
    let name = match (&said, &sqlx) {
        (Some(name), _) => name.text.clone(),
        (None, Some(((_, name), _))) if from_sqlx => name.clone(),
        _ => snake(&rust),
    };
    if let Some(((sqlx_schema, sqlx_name), sqlx_span)) = &sqlx {
        let schema_differs =
            matches!((sqlx_schema, &schema), (Some(theirs), Some(ours)) if *theirs != ours.text);
        if *sqlx_name != name || schema_differs {
            let at = if said.is_some() { span } else { *sqlx_span };
            faults.push(
                Fault::new(at, format!("the type is `{name}` here, and `{sqlx_name}` for sqlx")).help(
                    format!(
                        "say #[sqlx(type_name = \"{name}\")] too: limbeck then takes the name from there"
                    ),
                ),
            );
        }
    }
    checked_name(&name, span, faults);
    let schema = schema.map(|schema| schema.text).or_else(|| sqlx.and_then(|((schema, _), _)| schema));
    (schema, name)
}

/// A name as PostgreSQL reads it: in small letters, where it is not in quotes.
fn folded(name: &str) -> Option<(Option<String>, String)> {
    let fold = |part: String| if name.contains('"') { part } else { part.to_lowercase() };
    qualified(name).map(|(schema, name)| (schema.map(fold), fold(name)))
}

fn value(variant: &syn::Variant, beside: &Names, faults: &mut Vec<Fault>) -> Option<ValueModel> {
    conditional(&variant.attrs, faults);
    if !matches!(variant.fields, syn::Fields::Unit) {
        let fault = Fault::new(variant.fields.span(), "a value of an enumerated type holds nothing");
        faults.push(fault.help("PostgreSQL's enums are names only"));
        return None;
    }
    let items = items_of(&variant.attrs, "value").map_err(|fault| faults.push(fault)).unwrap_or_default();
    let mut args = Args::new(&keys::VALUE, items, faults);
    let rust = text(&variant.ident);
    let said = args.text("name");
    let ours = said
        .as_ref()
        .map(|name| (name.text.clone(), name.span))
        .or_else(|| beside.ours.map(|(case, span)| (case.apply(&rust), span)));
    let sqlx = said_by(&Beside::sqlx(&variant.attrs), &beside.sqlx, &rust);
    let sqlx = sqlx.or_else(|| (beside.sqlx_type || beside.sqlx.type_name.is_some()).then(|| rust.clone()));
    let serde = said_by(&Beside::serde(&variant.attrs), &beside.serde, &rust);
    if let (Some((ours, span)), Some(sqlx)) = (&ours, &sqlx)
        && ours != sqlx
    {
        faults.push(
            Fault::new(*span, format!("`{rust}` is the value {ours:?} here, and {sqlx:?} for sqlx"))
                .help("say the same with #[sqlx(rename = \"...\")] or #[sqlx(rename_all = \"...\")], or leave it to sqlx"),
        );
    }
    let value = sqlx.or_else(|| ours.map(|(value, _)| value)).or(serde).unwrap_or(rust);
    checked_name(&value, said.map_or(variant.ident.span(), |name| name.span), faults);
    Some(ValueModel { variant: variant.ident.clone(), value, renamed_from: args.text("renamed_from") })
}

/// What a library calls a variant, if its attributes say anything.
fn said_by(of_variant: &Beside, of_enum: &Beside, rust: &str) -> Option<String> {
    let rename = of_variant.rename.as_ref().map(|rename| rename.text.clone());
    rename.or_else(|| of_enum.rename_all.as_ref().map(|(case, _)| case.apply(rust)))
}

fn check_values(model: &EnumModel, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for value in &model.values {
        if !seen.insert(&value.value) {
            faults.push(Fault::new(value.variant.span(), format!("there are two values {:?}", value.value)));
        }
    }
}

//! From a struct to a table.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::spanned::Spanned;

use super::args::{Args, Text, items_of};
use super::beside::{Beside, Derives, doc_comment};
use super::case::snake;
use super::column::{self, ColumnModel, Field, Frame};
use super::element::Element;
use super::fault::Fault;
use super::item::{checked_name, conditional, rename_all};
use super::keys;
use super::parts::{self, Body, ConstraintModel, IndexModel, Key, PolicyModel};
use super::scope::{Scope, text};
use super::sql::Reference;
use crate::schema::{Nullability, Persistence, ReplicaIdentity, Table};

/// A table as a struct says it. Types that other items of the project define are not looked up yet.
#[derive(Debug, Clone)]
pub struct TableModel {
    /// The struct's name.
    pub ident: syn::Ident,
    /// The schema, where the struct says one.
    pub schema: Option<String>,
    /// The table's name.
    pub name: String,
    /// Its columns, in the order of the fields.
    pub columns: Vec<ColumnModel>,
    /// Everything about the table that is not its columns'.
    pub(super) table: Table,
    pub(super) span: Span,
    pub(super) comment: Option<String>,
    pub(super) renamed_from: Option<Text>,
    pub(super) inherits: Vec<(Reference, Span)>,
    pub(super) constraints: Vec<ConstraintModel>,
    pub(super) indexes: Vec<IndexModel>,
    pub(super) policies: Vec<PolicyModel>,
}

/// Reads a struct with `#[derive(Table)]`.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn table(item: &syn::DeriveInput) -> Result<TableModel, Vec<Fault>> {
    table_in(item, &Scope::default(), true)
}

/// As [`table`], with the names that `use` declarations bring.
pub(super) fn table_in(
    item: &syn::DeriveInput,
    scope: &Scope,
    comments: bool,
) -> Result<TableModel, Vec<Fault>> {
    let mut faults = Vec::new();
    conditional(&item.attrs, &mut faults);
    let fields = match named_fields(item) {
        Ok(fields) => fields,
        Err(fault) => {
            faults.push(fault);
            return Err(faults);
        }
    };
    let items = items_of(&item.attrs, "table").map_err(|fault| faults.push(fault)).unwrap_or_default();
    let mut args = Args::new(&keys::TABLE, items, &mut faults);
    let sqlx = Beside::sqlx(&item.attrs);
    let comments = args.bool("comments").unwrap_or(comments);
    let frame = Frame {
        scope,
        sqlx_case: sqlx.rename_all.as_ref().map(|(case, _)| *case),
        case: rename_all(&mut args, &mut faults).map(|(case, _)| case),
        from_row: Derives::of(&item.attrs, scope).from_row,
        comments,
    };
    let fields = fields.iter().filter_map(|field| column::field(field, &frame, &mut faults)).collect();
    let model = model(item, fields, comments, &mut args, &mut faults);
    check_columns(&model, &mut faults);
    if faults.is_empty() { Ok(model) } else { Err(faults) }
}

fn named_fields(
    item: &syn::DeriveInput,
) -> Result<&syn::punctuated::Punctuated<syn::Field, syn::Token![,]>, Fault> {
    let generics = &item.generics;
    if generics.type_params().next().is_some() || generics.const_params().next().is_some() {
        return Err(Fault::new(generics.span(), "a table's columns do not depend on type parameters")
            .help("write a struct for each table"));
    }
    match &item.data {
        syn::Data::Struct(syn::DataStruct { fields: syn::Fields::Named(fields), .. }) => Ok(&fields.named),
        syn::Data::Struct(_) => Err(Fault::new(
            item.ident.span(),
            "a table needs a struct with named fields, one for each column",
        )),
        syn::Data::Enum(_) => Err(Fault::new(item.ident.span(), "an enum is no table")
            .help("an enumerated type is `#[derive(Enum)]`")),
        syn::Data::Union(_) => Err(Fault::new(item.ident.span(), "a union is no table")),
    }
}

fn model(
    item: &syn::DeriveInput,
    fields: Vec<Field>,
    comments: bool,
    args: &mut Args,
    faults: &mut Vec<Fault>,
) -> TableModel {
    let ident = item.ident.clone();
    let said = args.text("name");
    let span = said.as_ref().map_or(ident.span(), |name| name.span);
    let name = said.map_or_else(|| snake(&text(&ident)), |name| name.text);
    checked_name(&name, span, faults);
    let schema = args.text("schema").map(|schema| {
        checked_name(&schema.text, schema.span, faults);
        schema.text
    });
    let comment = match args.text("comment") {
        Some(text) => Some(text.text).filter(|text| !text.is_empty()),
        None if comments => doc_comment(&item.attrs),
        None => None,
    };
    let inherits = inherits(args, faults);
    let renamed_from = args.text("renamed_from");
    let table = properties(args, faults);
    let policies =
        args.all("policy").into_iter().filter_map(|policy| parts::policy(policy, faults)).collect();
    let constraints = constraints(&fields, args, faults);
    let own = |field: &Field| field.indexes.clone();
    let mut indexes: Vec<_> = fields.iter().flat_map(own).collect();
    indexes.extend(args.all("index").into_iter().map(|index| parts::index(index, None, faults)));
    let columns = fields.into_iter().map(|field| field.column).collect();
    let span = ident.span();
    TableModel {
        ident,
        schema,
        name,
        columns,
        table,
        span,
        comment,
        renamed_from,
        inherits,
        constraints,
        indexes,
        policies,
    }
}

fn inherits(args: &mut Args, faults: &mut Vec<Fault>) -> Vec<(Reference, Span)> {
    let mut parents = Vec::new();
    for parent in args.texts("inherits", faults) {
        match Reference::parse(&parent.text).filter(|reference| reference.columns.is_empty()) {
            Some(reference) => parents.push((reference, parent.span)),
            None => faults.push(Fault::new(parent.span, "this is no name of a table")),
        }
    }
    parents
}

/// What is the table's own.
fn properties(args: &mut Args, faults: &mut Vec<Fault>) -> Table {
    let mut table = Table::new(Vec::new());
    if args.flag("unlogged") {
        table.persistence = Persistence::Unlogged;
    }
    table.partition_by = args.text("partition_by").map(|text| partition_key(&text.text));
    table.options = args.options("with", faults);
    table.access_method = args.text("access_method").map(|text| text.text).filter(|method| method != "heap");
    table.row_security = args.flag("row_level_security");
    table.force_row_security = args.flag("force_row_level_security");
    table.cluster_on = args.text("cluster_on").map(|text| text.text);
    table.replica_identity = match args.text("replica_identity").map(|text| text.text) {
        None => ReplicaIdentity::Default,
        Some(text) => match text.to_lowercase().as_str() {
            "default" => ReplicaIdentity::Default,
            "full" => ReplicaIdentity::Full,
            "nothing" => ReplicaIdentity::Nothing,
            _ => ReplicaIdentity::Index(text),
        },
    };
    table
}

/// `range (created_at)` as `pg_get_partkeydef` prints it: the strategy in capitals.
fn partition_key(text: &str) -> String {
    match text.split_once('(') {
        Some((strategy, key)) => format!("{} ({}", strategy.trim().to_uppercase(), key.trim()),
        None => text.to_owned(),
    }
}

/// The struct's and its fields' constraints: the primary key first, the fields' in their order, then the struct's.
fn constraints(fields: &[Field], args: &mut Args, faults: &mut Vec<Fault>) -> Vec<ConstraintModel> {
    let mut constraints: Vec<_> = primary_key(fields, args, faults).into_iter().collect();
    constraints.extend(fields.iter().flat_map(|field| field.constraints.clone()));
    for unique in args.all("unique") {
        constraints.push(parts::key_constraint(false, unique, None, faults));
    }
    for check in args.all("check") {
        constraints.extend(parts::check(check, None, faults));
    }
    for key in args.all("foreign_key") {
        constraints.extend(parts::named_foreign_key(key, None, faults));
    }
    for exclude in args.all("exclude") {
        constraints.push(parts::exclude(exclude, faults));
    }
    constraints
}

/// From `primary_key` on fields, in their order, or from the struct's.
fn primary_key(fields: &[Field], args: &mut Args, faults: &mut Vec<Fault>) -> Option<ConstraintModel> {
    let whole = args.all("primary_key").pop();
    let parts: Vec<_> =
        fields.iter().filter_map(|field| field.primary_key.as_ref().map(|key| (field, key))).collect();
    let Some((_, (span, _))) = parts.first() else {
        return whole.map(|whole| parts::key_constraint(true, whole, None, faults));
    };
    if let Some((whole, _)) = whole {
        faults.push(Fault::new(whole, "the primary key is said twice: on a field and here"));
    }
    let columns =
        parts.iter().map(|(field, _)| Text { text: field.column.name().to_owned(), span: field.column.span });
    let mut names = parts.iter().filter_map(|(_, (_, name))| name.clone());
    let name = names.next();
    if let Some(second) = names.next() {
        faults.push(Fault::new(second.span, "the primary key has one name"));
    }
    let body = Body::PrimaryKey(Key::default());
    Some(ConstraintModel { name, span: *span, columns: columns.collect(), comment: None, body })
}

/// What names columns must name columns that there are, and each column once.
fn check_columns(model: &TableModel, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for column in &model.columns {
        if !seen.insert(column.name()) {
            faults.push(Fault::new(column.span, format!("there are two columns `{}`", column.name())));
        }
    }
    for constraint in &model.constraints {
        let key = match &constraint.body {
            Body::PrimaryKey(key) | Body::Unique(key) | Body::Exclude { key, .. } => Some(key),
            _ => None,
        };
        check_names(model, &constraint.columns, faults);
        check_names(model, key.map_or(&[][..], |key| &key.include), faults);
        if matches!(constraint.body, Body::PrimaryKey(_)) {
            check_not_null(model, &constraint.columns, faults);
        }
    }
    for index in &model.indexes {
        check_names(model, &index.key.include, faults);
        for element in &index.elements {
            if let Element::Unknown(name) = Element::of(&element.text, &model.columns) {
                faults.push(no_column(model, &Text { text: name, span: element.span }));
            }
        }
    }
    for column in model.columns.iter().filter(|column| column.identity.is_some()) {
        check_not_null(model, &[Text { text: column.name().to_owned(), span: column.span }], faults);
    }
    let mut policies = BTreeMap::new();
    for policy in &model.policies {
        if policies.insert(&policy.name.text, ()).is_some() {
            faults
                .push(Fault::new(policy.name.span, format!("there are two policies `{}`", policy.name.text)));
        }
    }
}

fn check_names(model: &TableModel, names: &[Text], faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !model.columns.iter().any(|column| column.name() == name.text) {
            faults.push(no_column(model, name));
        } else if !seen.insert(&name.text) {
            faults.push(Fault::new(name.span, format!("`{}` is named twice", name.text)));
        }
    }
}

fn no_column(model: &TableModel, name: &Text) -> Fault {
    let fault = Fault::new(name.span, format!("the table `{}` has no column `{}`", model.name, name.text));
    if let Some(column) = model.columns.iter().find(|column| text(&column.field) == name.text) {
        return fault.help(format!("the column of that field is `{}`", column.name()));
    }
    match crate::nearest(&name.text, model.columns.iter().map(ColumnModel::name)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault,
    }
}

/// PostgreSQL makes these columns NOT NULL whatever else is said.
fn check_not_null(model: &TableModel, names: &[Text], faults: &mut Vec<Fault>) {
    for column in model.columns.iter().filter(|column| names.iter().any(|name| name.text == column.name())) {
        let nullable = column.said.map_or(column.ty.nullable, |said| said == Nullability::Nullable);
        if nullable {
            faults.push(
                Fault::new(
                    column.span,
                    format!("`{}` is never NULL: a primary key or an identity", column.name()),
                )
                .help("take the `Option` away, or say `#[column(not_null)]`"),
            );
        }
    }
}

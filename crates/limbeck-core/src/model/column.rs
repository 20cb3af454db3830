//! From a struct's field to a column.

use proc_macro2::Span;
use syn::spanned::Spanned;

use super::args::{Args, Text, Value, items_of};
use super::beside::{Beside, doc_comment};
use super::case::Case;
use super::fault::Fault;
use super::item::{checked_name, conditional};
use super::keys;
use super::parts::{self, ConstraintModel, IndexModel};
use super::scope::{Scope, text};
use super::sql::{canonical_type, qualified};
use super::types::{FieldType, SAY_IT, TypeRef, field_type};
use crate::schema::{Column, Generated, Generation, Name, Nullability};

/// A column of a model.
#[derive(Debug, Clone)]
pub struct ColumnModel {
    /// The field.
    pub field: syn::Ident,
    /// The column; its type is empty until it is looked up.
    pub(super) column: Column,
    pub(super) span: Span,
    pub(super) spans: ColumnSpans,
    pub(super) ty: FieldType,
    /// `nullable` or `not_null`, which decide before the field's type.
    pub(super) said: Option<Nullability>,
    pub(super) identity: Option<IdentityModel>,
    pub(super) renamed_from: Option<Text>,
}

impl ColumnModel {
    /// The column's name.
    pub fn name(&self) -> &str {
        &self.column.name
    }
}

/// Where the parts of a column are said.
#[derive(Debug, Clone)]
pub(super) struct ColumnSpans {
    /// `sql_type`, or the field's type.
    pub(super) data_type: Span,
    pub(super) collation: Option<Span>,
    /// `default` or `generated`.
    pub(super) value: Option<Span>,
}

/// `identity`.
#[derive(Debug, Clone, Default)]
pub(super) struct IdentityModel {
    pub(super) always: bool,
    pub(super) sequence: Option<String>,
    pub(super) start: Option<i64>,
    pub(super) increment: Option<i64>,
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
    pub(super) cache: Option<i64>,
    pub(super) cycle: bool,
}

/// A column, with the constraints and indexes that its field says.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) column: ColumnModel,
    /// Part of the primary key; with its name, where one is said.
    pub(super) primary_key: Option<(Span, Option<Text>)>,
    pub(super) constraints: Vec<ConstraintModel>,
    pub(super) indexes: Vec<IndexModel>,
}

/// What holds for all fields of a struct.
pub(super) struct Frame<'a> {
    pub(super) scope: &'a Scope,
    /// sqlx's `rename_all`.
    pub(super) sqlx_case: Option<Case>,
    /// Our own.
    pub(super) case: Option<Case>,
    /// Whether sqlx reads rows into the struct.
    pub(super) from_row: bool,
    /// Whether doc comments are the database's comments.
    pub(super) comments: bool,
}

/// The column of a field; `None` where it is none, or where nothing can be said of it.
pub(super) fn field(field: &syn::Field, frame: &Frame<'_>, faults: &mut Vec<Fault>) -> Option<Field> {
    let ident = field.ident.clone()?;
    conditional(&field.attrs, faults);
    let items = items_of(&field.attrs, "column").map_err(|fault| faults.push(fault)).unwrap_or_default();
    let mut args = Args::new(&keys::COLUMN, items, faults);
    let sqlx = Beside::sqlx(&field.attrs);
    if args.flag("skip") || sqlx.skip {
        return None;
    }
    if let Some(span) = sqlx.flatten {
        faults.push(
            Fault::new(span, "what `flatten` brings in cannot be seen here")
                .help("repeat its fields, or say `#[column(skip)]` and put the columns elsewhere"),
        );
        return None;
    }
    let name = column_name(&ident, &sqlx, frame, &mut args, faults);
    let here = Text { text: name, span: ident.span() };
    let primary_key = primary_key(&mut args);
    let constraints = constraints(&mut args, &here, faults);
    let all = args.all("index").into_iter();
    let indexes = all.map(|index| parts::index(index, Some(&here), faults)).collect();
    let column = column(field, ident, here, &sqlx, frame, &mut args, faults);
    Some(Field { column: column?, primary_key, constraints, indexes })
}

fn column_name(
    ident: &syn::Ident,
    sqlx: &Beside,
    frame: &Frame<'_>,
    args: &mut Args,
    faults: &mut Vec<Fault>,
) -> String {
    let field = text(ident);
    let sqlx_says = sqlx
        .rename
        .as_ref()
        .map(|rename| rename.text.clone())
        .or_else(|| frame.sqlx_case.map(|case| case.apply(&field)));
    let said = args.text("name");
    let ours =
        said.as_ref().map(|name| name.text.clone()).or_else(|| frame.case.map(|case| case.apply(&field)));
    let sqlx_reads = sqlx_says.clone().or_else(|| frame.from_row.then(|| field.clone()));
    if let (Some(ours), Some(sqlx_reads)) = (&ours, &sqlx_reads)
        && ours != sqlx_reads
    {
        let span = said.as_ref().map_or(ident.span(), |name| name.span);
        faults.push(
            Fault::new(span, format!("the column is `{ours}` here, and `{sqlx_reads}` for sqlx"))
                .help(format!("say #[sqlx(rename = \"{ours}\")] too, or leave the name to sqlx's attribute")),
        );
    }
    let name = ours.or(sqlx_says).unwrap_or(field);
    checked_name(&name, said.map_or(ident.span(), |name| name.span), faults);
    name
}

fn primary_key(args: &mut Args) -> Option<(Span, Option<Text>)> {
    let (span, value) = args.all("primary_key").pop()?;
    let name = if let Value::Text(name) = value { Some(name) } else { None };
    Some((span, name))
}

fn constraints(args: &mut Args, here: &Text, faults: &mut Vec<Fault>) -> Vec<ConstraintModel> {
    let mut constraints = Vec::new();
    for unique in args.all("unique") {
        constraints.push(parts::key_constraint(false, unique, Some(here), faults));
    }
    for check in args.all("check") {
        constraints.extend(parts::check(check, Some(here), faults));
    }
    for key in args.all("foreign_key") {
        constraints.extend(parts::named_foreign_key(key, Some(here), faults));
    }
    if let Some(span) = args.place("references") {
        constraints.extend(parts::foreign_key(span, args, Some(here), faults));
    } else {
        for lonely in ["on_delete", "on_update", "match", "deferrable"] {
            if let Some(span) = args.place(lonely) {
                faults.push(
                    Fault::new(span, format!("`{lonely}` belongs to a foreign key"))
                        .help("say `references = \"table(column)\"` too"),
                );
            }
        }
    }
    constraints
}

fn column(
    field: &syn::Field,
    ident: syn::Ident,
    here: Text,
    sqlx: &Beside,
    frame: &Frame<'_>,
    args: &mut Args,
    faults: &mut Vec<Fault>,
) -> Option<ColumnModel> {
    let spans = spans(field, args);
    let ty = match column_type(field, sqlx, frame.scope, args) {
        Ok(ty) => ty,
        Err(fault) => {
            faults.push(fault);
            return None;
        }
    };
    let mut column = Column::new(here.text, "");
    column.collation = collation(args, faults);
    column.default = args.text("default").map(|text| text.text);
    column.generated = generated(args, faults);
    column.storage = args.text("storage").map(|text| text.text.to_uppercase());
    column.compression = args.text("compression").map(|text| text.text);
    column.statistics = args.number("statistics").and_then(|(number, span)| {
        i32::try_from(number)
            .map_err(|_| faults.push(Fault::new(span, "a statistics target is at most 10000")))
            .ok()
    });
    column.options = args.options("options", faults);
    column.comment = match args.text("comment") {
        Some(text) => Some(text.text).filter(|text| !text.is_empty()),
        None if frame.comments => doc_comment(&field.attrs),
        None => None,
    };
    let identity = identity(args, faults);
    let values = [column.default.is_some(), column.generated.is_some(), identity.is_some()];
    if values.into_iter().filter(|value| *value).count() > 1 {
        faults.push(Fault::new(
            here.span,
            "a column has a default, or is generated, or is an identity: only one of them",
        ));
    }
    let said = nullability(args, faults);
    let renamed_from = args.text("renamed_from");
    Some(ColumnModel { field: ident, column, span: here.span, spans, ty, said, identity, renamed_from })
}

fn spans(field: &syn::Field, args: &Args) -> ColumnSpans {
    ColumnSpans {
        data_type: args.text_place("sql_type").unwrap_or_else(|| field.ty.span()),
        collation: args.text_place("collate"),
        value: args.text_place("default").or_else(|| args.text_place("generated")),
    }
}

fn nullability(args: &mut Args, faults: &mut Vec<Fault>) -> Option<Nullability> {
    let not_null = args.place("not_null");
    match (args.flag("nullable"), not_null) {
        (true, Some(span)) => {
            faults.push(Fault::new(span, "a column is `nullable` or `not_null`, not both"));
            None
        }
        (true, None) => Some(Nullability::Nullable),
        (false, Some(_)) => Some(Nullability::NotNull),
        (false, None) => None,
    }
}

/// What `sql_type` says; else sqlx's `json` and `try_from`; else the field's type.
fn column_type(
    field: &syn::Field,
    sqlx: &Beside,
    scope: &Scope,
    args: &mut Args,
) -> Result<FieldType, Fault> {
    let as_sql = |text: String| FieldType { nullable: is_option(&field.ty), of: TypeRef::Sql(text) };
    if let Some(said) = args.text("sql_type") {
        if said.text.trim().is_empty() {
            return Err(Fault::new(said.span, "`sql_type` names a type").help(SAY_IT));
        }
        return Ok(as_sql(canonical_type(&said.text)));
    }
    if sqlx.json {
        return Ok(as_sql("jsonb".to_owned()));
    }
    if let Some(from) = &sqlx.try_from {
        let ty = syn::parse_str::<syn::Type>(&from.text)
            .map_err(|_| Fault::new(from.span, format!("`{}` is no Rust type", from.text)).help(SAY_IT))?;
        let from = field_type(&ty, scope).map_err(|fault| Fault { span: from.span, ..fault })?;
        return Ok(from);
    }
    field_type(&field.ty, scope)
}

fn is_option(ty: &syn::Type) -> bool {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Option"),
        syn::Type::Group(inner) => is_option(&inner.elem),
        syn::Type::Paren(inner) => is_option(&inner.elem),
        _ => false,
    }
}

fn collation(args: &mut Args, faults: &mut Vec<Fault>) -> Option<Name> {
    let text = args.text("collate")?;
    match qualified(&text.text) {
        Some((schema, name)) => Some(Name::new(schema.unwrap_or_else(|| "pg_catalog".to_owned()), name)),
        // `de-x-icu` needs no quotes here.
        None if !text.text.contains(['.', '"']) && !text.text.trim().is_empty() => {
            Some(Name::new("pg_catalog", text.text.trim()))
        }
        None => {
            faults.push(
                Fault::new(text.span, "this is no name of a collation")
                    .help("write \"name\" or \"schema.name\""),
            );
            None
        }
    }
}

fn generated(args: &mut Args, faults: &mut Vec<Fault>) -> Option<Generated> {
    let when_read = args.place("virtual");
    match (args.text("generated"), when_read) {
        (Some(expression), when_read) => {
            let generation = if when_read.is_some() { Generation::Virtual } else { Generation::Stored };
            Some(Generated { expression: expression.text, generation })
        }
        (None, Some(span)) => {
            faults.push(
                Fault::new(span, "`virtual` belongs to a generated column")
                    .help("say `generated = \"expression\"` too"),
            );
            None
        }
        (None, None) => None,
    }
}

fn identity(args: &mut Args, faults: &mut Vec<Fault>) -> Option<IdentityModel> {
    let items = match args.all("identity").pop()? {
        (_, Value::Text(text)) => {
            let always = text.text.eq_ignore_ascii_case("always");
            if !always && !text.text.eq_ignore_ascii_case("by default") {
                faults.push(Fault::new(text.span, "`identity` may be \"always\" or \"by default\""));
            }
            return Some(IdentityModel { always, ..IdentityModel::default() });
        }
        (_, Value::List(items)) => items,
        _ => return Some(IdentityModel::default()),
    };
    let mut args = Args::new(&keys::IDENTITY, items, faults);
    let mut number = |key: &str| args.number(key).map(|(number, _)| number);
    let (start, increment, min, max, cache) =
        (number("start"), number("increment"), number("min"), number("max"), number("cache"));
    Some(IdentityModel {
        always: args.flag("always"),
        sequence: args.text("sequence").map(|text| text.text),
        start,
        increment,
        min,
        max,
        cache,
        cycle: args.flag("cycle"),
    })
}

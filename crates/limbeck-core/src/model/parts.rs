//! What belongs to a table, as its attributes say it: constraints, indexes, policies.

use std::collections::BTreeMap;

use proc_macro2::Span;

use super::args::{Args, Item, Text, Value};
use super::fault::Fault;
use super::keys;
use super::sql::Reference;
use crate::schema::Policy;

/// A constraint.
#[derive(Debug, Clone)]
pub(super) struct ConstraintModel {
    pub(super) name: Option<Text>,
    pub(super) span: Span,
    /// Names of columns, in order; none for checks of the table.
    pub(super) columns: Vec<Text>,
    pub(super) comment: Option<String>,
    pub(super) body: Body,
}

/// What a constraint demands.
#[derive(Debug, Clone)]
pub(super) enum Body {
    PrimaryKey(Key),
    Unique(Key),
    Check { expr: Text, no_inherit: bool, validated: bool },
    ForeignKey(ForeignKey),
    Exclude { using: String, elements: Vec<Text>, predicate: Option<String>, key: Key },
}

/// What keys have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Key {
    pub(super) nulls_not_distinct: bool,
    pub(super) include: Vec<Text>,
    pub(super) with: BTreeMap<String, String>,
    pub(super) deferrable: &'static str,
}

/// A foreign key's other side.
#[derive(Debug, Clone)]
pub(super) struct ForeignKey {
    pub(super) to: Reference,
    pub(super) span: Span,
    pub(super) full: bool,
    pub(super) on_delete: Option<String>,
    pub(super) on_update: Option<String>,
    pub(super) deferrable: &'static str,
    pub(super) validated: bool,
}

/// An index.
#[derive(Debug, Clone)]
pub(super) struct IndexModel {
    pub(super) name: Option<Text>,
    pub(super) span: Span,
    /// Columns or expressions, each with what may follow it.
    pub(super) elements: Vec<Text>,
    pub(super) unique: bool,
    pub(super) using: Option<String>,
    pub(super) key: Key,
    pub(super) predicate: Option<String>,
    pub(super) comment: Option<String>,
}

/// A policy.
#[derive(Debug, Clone)]
pub(super) struct PolicyModel {
    pub(super) name: Text,
    pub(super) policy: Policy,
    pub(super) comment: Option<String>,
}

/// The columns of a constraint: bare, or in `columns(...)`.
fn columns(args: &mut Args, faults: &mut Vec<Fault>) -> Vec<Text> {
    let mut columns = std::mem::take(&mut args.bare);
    columns.extend(args.texts("columns", faults));
    columns
}

fn comment(args: &mut Args) -> Option<String> {
    args.text("comment").map(|text| text.text).filter(|text| !text.is_empty())
}

/// `key = "name"`, `key` and `key(...)` as arguments of the context.
pub(super) fn arguments(context: &'static keys::Context, value: Value, faults: &mut Vec<Fault>) -> Args {
    let items = match value {
        Value::List(items) => items,
        Value::Text(name) => {
            let span = name.span;
            vec![Item::Named(Text { text: "name".to_owned(), span }, Value::Text(name))]
        }
        _ => Vec::new(),
    };
    Args::new(context, items, faults)
}

fn key(args: &mut Args, faults: &mut Vec<Fault>) -> Key {
    Key {
        nulls_not_distinct: args.flag("nulls_not_distinct"),
        include: args.texts("include", faults),
        with: args.options("with", faults),
        deferrable: deferrable(args, faults),
    }
}

fn deferrable(args: &mut Args, faults: &mut Vec<Fault>) -> &'static str {
    let Some(span) = args.place("deferrable") else { return "" };
    let said = args.text("deferrable").map_or(String::new(), |text| text.text.to_lowercase());
    match said.as_str() {
        "" | "initially immediate" => " DEFERRABLE",
        "initially deferred" => " DEFERRABLE INITIALLY DEFERRED",
        _ => {
            faults.push(
                Fault::new(span, "`deferrable` may be \"initially deferred\" or \"initially immediate\"")
                    .help("`deferrable` alone is initially immediate"),
            );
            ""
        }
    }
}

/// `primary_key` or `unique` on a column or a table; `of` are the columns where it says none.
pub(super) fn key_constraint(
    primary: bool,
    (span, value): (Span, Value),
    of: Option<&Text>,
    faults: &mut Vec<Fault>,
) -> ConstraintModel {
    let context = if primary { &keys::PRIMARY_KEY } else { &keys::UNIQUE };
    let mut args = arguments(context, value, faults);
    let key = key(&mut args, faults);
    let mut columns = columns(&mut args, faults);
    match of {
        Some(column) if columns.is_empty() => columns.push(column.clone()),
        Some(_) => faults.push(Fault::new(span, "a column's own constraint names no columns").help(format!(
            "constraints of several columns belong to the struct: `#[table({}(...))]`",
            context.name
        ))),
        None if columns.is_empty() => {
            faults.push(Fault::new(span, format!("`{}` names its columns: {0}(a, b)", context.name)));
        }
        None => {}
    }
    let (name, comment) = (args.text("name"), comment(&mut args));
    let body = if primary { Body::PrimaryKey(key) } else { Body::Unique(key) };
    ConstraintModel { name, span, columns, comment, body }
}

/// `check = "..."` or `check(name = "...", expr = "...")`.
pub(super) fn check(
    (span, value): (Span, Value),
    of: Option<&Text>,
    faults: &mut Vec<Fault>,
) -> Option<ConstraintModel> {
    let mut args = match value {
        Value::Text(expr) => Args::new(&keys::CHECK, vec![Item::Bare(expr)], faults),
        value => arguments(&keys::CHECK, value, faults),
    };
    let expr = args.text("expr").or_else(|| args.bare.pop());
    let Some(expr) = expr.filter(|expr| !expr.text.trim().is_empty()) else {
        faults.push(Fault::new(span, "`check` needs an expression: check = \"price > 0\""));
        return None;
    };
    if let Some(more) = args.bare.first() {
        faults.push(
            Fault::new(more.span, "a check has one expression")
                .help("write `check(...)` again, or use `and`"),
        );
    }
    let body = Body::Check { expr, no_inherit: args.flag("no_inherit"), validated: !args.flag("not_valid") };
    let (name, comment) = (args.text("name"), comment(&mut args));
    Some(ConstraintModel { name, span, columns: of.cloned().into_iter().collect(), comment, body })
}

/// `foreign_key(...)` of a table or column, or a column's `references = "..."` with what stands beside it: then
/// `args` are the column's own.
pub(super) fn foreign_key(
    span: Span,
    args: &mut Args,
    of: Option<&Text>,
    faults: &mut Vec<Fault>,
) -> Option<ConstraintModel> {
    let mut columns = columns(args, faults);
    let Some(to) = args.text("references") else {
        faults
            .push(Fault::new(span, "a foreign key names what it references: references = \"table(column)\""));
        return None;
    };
    let Some(reference) = Reference::parse(&to.text) else {
        faults.push(
            Fault::new(to.span, "this is no reference to a table")
                .help("write \"table(column)\" or \"schema.table(a, b)\""),
        );
        return None;
    };
    match of {
        Some(column) if columns.is_empty() => columns.push(column.clone()),
        None if columns.is_empty() => {
            faults.push(Fault::new(span, "a foreign key names its columns: columns(a, b)"))
        }
        _ => {}
    }
    if !reference.columns.is_empty() && !columns.is_empty() && reference.columns.len() != columns.len() {
        let (here, there) = (columns.len(), reference.columns.len());
        faults.push(Fault::new(to.span, format!("{} cannot reference {there}", count(here))));
    }
    let key = ForeignKey {
        to: reference,
        span: to.span,
        full: match_full(args, faults),
        on_delete: action("on_delete", args, faults),
        on_update: action("on_update", args, faults),
        deferrable: deferrable(args, faults),
        validated: true,
    };
    Some(ConstraintModel { name: None, span, columns, comment: None, body: Body::ForeignKey(key) })
}

/// For people: `1 column`, `2 columns`.
pub(super) fn count(columns: usize) -> String {
    if columns == 1 { "1 column".to_owned() } else { format!("{columns} columns") }
}

/// `foreign_key(...)`.
pub(super) fn named_foreign_key(
    (span, value): (Span, Value),
    of: Option<&Text>,
    faults: &mut Vec<Fault>,
) -> Option<ConstraintModel> {
    let mut args = arguments(&keys::FOREIGN_KEY, value, faults);
    let mut constraint = foreign_key(span, &mut args, of, faults)?;
    constraint.name = args.text("name");
    constraint.comment = comment(&mut args);
    if let Body::ForeignKey(key) = &mut constraint.body {
        key.validated = !args.flag("not_valid");
    }
    Some(constraint)
}

fn match_full(args: &mut Args, faults: &mut Vec<Fault>) -> bool {
    match args.text("match") {
        None => false,
        Some(text) => match text.text.to_lowercase().as_str() {
            "simple" => false,
            "full" => true,
            _ => {
                faults.push(Fault::new(text.span, "`match` may be \"simple\" or \"full\""));
                false
            }
        },
    }
}

/// `CASCADE` and the like, in capitals; `None` for NO ACTION, which PostgreSQL does not print.
fn action(name: &str, args: &mut Args, faults: &mut Vec<Fault>) -> Option<String> {
    let text = args.text(name)?;
    let (action, columns) = match text.text.split_once('(') {
        Some((action, columns)) => (action, Some(columns)),
        None => (text.text.as_str(), None),
    };
    let action = action.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
    match (action.as_str(), columns) {
        ("NO ACTION", None) => None,
        ("CASCADE" | "RESTRICT" | "SET NULL" | "SET DEFAULT", None) => Some(action),
        ("SET NULL" | "SET DEFAULT", Some(columns)) if name == "on_delete" && columns.ends_with(')') => {
            Some(format!("{action} ({columns}"))
        }
        _ => {
            let known = "cascade, restrict, no action, set null, set default";
            faults.push(
                Fault::new(text.span, format!("`{name}` knows no {:?}", text.text))
                    .help(format!("it is one of {known}")),
            );
            None
        }
    }
}

/// `exclude("room with =", "during with &&", using = "gist")`.
pub(super) fn exclude((span, value): (Span, Value), faults: &mut Vec<Fault>) -> ConstraintModel {
    let mut args = arguments(&keys::EXCLUDE, value, faults);
    let elements = std::mem::take(&mut args.bare);
    if elements.is_empty() {
        faults.push(Fault::new(span, "an exclusion constraint names its elements: exclude(\"room with =\")"));
    }
    for element in &elements {
        if with_operator(&element.text).is_none() {
            faults.push(Fault::new(
                element.span,
                "an element of an exclusion constraint is \"column with operator\"",
            ));
        }
    }
    let body = Body::Exclude {
        using: args.text("using").map_or_else(|| "gist".to_owned(), |text| text.text),
        elements,
        predicate: args.text("where").map(|text| text.text),
        key: key(&mut args, faults),
    };
    let (name, comment) = (args.text("name"), comment(&mut args));
    ConstraintModel { name, span, columns: Vec::new(), comment, body }
}

/// An element and its operator: `room with =`.
pub(super) fn with_operator(text: &str) -> Option<(&str, &str)> {
    let at = text.to_ascii_lowercase().rfind(" with ")?;
    let (element, operator) = (text[..at].trim(), text[at + " with ".len()..].trim());
    (!element.is_empty() && !operator.is_empty()).then_some((element, operator))
}

/// `index(...)` of a table or a column.
pub(super) fn index((span, value): (Span, Value), of: Option<&Text>, faults: &mut Vec<Fault>) -> IndexModel {
    let mut args = arguments(&keys::INDEX, value, faults);
    let mut elements = columns(&mut args, faults);
    let order = args.text("order");
    match (of, order) {
        (Some(column), order) if elements.is_empty() => {
            let order = order.map_or(String::new(), |order| format!(" {}", order.text));
            let text = format!("{}{order}", crate::ddl::quote::ident(&column.text));
            elements.push(Text { text, span: column.span });
        }
        (Some(_), _) => faults.push(
            Fault::new(span, "a column's own index names no columns")
                .help("indexes of several columns belong to the struct: `#[table(index(a, b))]`"),
        ),
        (None, Some(order)) => {
            faults.push(
                Fault::new(order.span, "`order` is for a column's own index").help("write index(\"a desc\")"),
            );
        }
        (None, None) if elements.is_empty() => {
            faults.push(Fault::new(span, "`index` names its columns: index(a, \"lower(b)\")"));
        }
        (None, None) => {}
    }
    IndexModel {
        name: args.text("name"),
        span,
        elements,
        unique: args.flag("unique"),
        using: args.text("using").map(|text| text.text),
        key: key(&mut args, faults),
        predicate: args.text("where").map(|text| text.text),
        comment: comment(&mut args),
    }
}

/// `policy(...)`.
pub(super) fn policy((span, value): (Span, Value), faults: &mut Vec<Fault>) -> Option<PolicyModel> {
    let mut args = arguments(&keys::POLICY, value, faults);
    let mut command = "ALL".to_owned();
    if let Some(text) = args.text("for") {
        command = text.text.to_uppercase();
        if !["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"].contains(&command.as_str()) {
            faults.push(Fault::new(text.span, "`for` is one of all, select, insert, update, delete"));
        }
    }
    let mut roles: Vec<_> = args.texts("to", faults).into_iter().map(|role| role.text).collect();
    roles.retain(|role| !role.eq_ignore_ascii_case("public"));
    roles.sort();
    roles.dedup();
    let policy = Policy {
        permissive: !args.flag("restrictive"),
        command,
        roles,
        using: args.text("using").map(|text| text.text),
        with_check: args.text("with_check").map(|text| text.text),
    };
    match args.text("name") {
        Some(name) => Some(PolicyModel { name, policy, comment: comment(&mut args) }),
        None => {
            faults.push(Fault::new(span, "a policy has a name: policy(name = \"...\")"));
            None
        }
    }
}

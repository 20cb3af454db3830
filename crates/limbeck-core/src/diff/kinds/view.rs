//! Views and materialized views.

use super::column;
use crate::ddl::quote;
use crate::diff::change::Action;
use crate::diff::draft::Draft;
use crate::diff::words;
use crate::schema::{Entry, Kind, Name, ObjectId, View, ViewColumn};

/// `CREATE OR REPLACE VIEW` may add columns at the end; a materialized view cannot be replaced.
pub(super) fn rebuild(kind: Kind, from: &View, to: &View) -> Option<&'static str> {
    let redefined = from.definition != to.definition || !same_columns(&from.columns, &to.columns);
    if from.access_method != to.access_method {
        return Some("it gets another access method");
    }
    if kind == Kind::MaterializedView {
        return (redefined || from.columns.len() != to.columns.len()).then_some("its query changes");
    }
    (redefined && !same_columns(&from.columns, &to.columns)).then_some("its columns change")
}

/// Whether the new columns begin with the old ones.
fn same_columns(from: &[ViewColumn], to: &[ViewColumn]) -> bool {
    from.len() <= to.len()
        && from.iter().zip(to).all(|(old, new)| old.name == new.name && old.data_type == new.data_type)
}

pub(super) fn in_place(id: &ObjectId, from: &View, to: &View, entry: &Entry, drafts: &mut Vec<Draft>) {
    let Some(name) = id.qualified() else { return };
    let alter = format!("ALTER {} {} ", id.kind.sql(), quote::name(&name));
    let replaced = from.definition != to.definition;
    if replaced {
        drafts.push(super::replace(id, entry));
    } else if from.options != to.options {
        let clauses = column::parameters(&from.options, &to.options);
        let statements = clauses.into_iter().map(|clause| alter.clone() + &clause).collect();
        drafts.push(Draft::new(
            id,
            Action::Alter(statements),
            format!("change options of {}", words::object(id)),
        ));
    }
    for new in &to.columns {
        let old = from.columns.iter().find(|old| old.name == new.name);
        in_place_column(id, &name, &alter, (old, new), drafts);
    }
}

fn in_place_column(
    id: &ObjectId,
    view: &Name,
    alter: &str,
    (old, new): (Option<&ViewColumn>, &ViewColumn),
    drafts: &mut Vec<Draft>,
) {
    let shown = format!("{}.{}", words::name(view), new.name);
    let column = quote::ident(&new.name);
    if old.and_then(|old| old.default.as_ref()) != new.default.as_ref() {
        let (clause, words) = match &new.default {
            Some(default) => {
                (format!("SET DEFAULT {default}"), format!("set default of {shown} to {default}"))
            }
            None => ("DROP DEFAULT".to_owned(), format!("drop default of {shown}")),
        };
        drafts.push(Draft::alter(id, format!("{alter}ALTER COLUMN {column} {clause}"), words));
    }
    if old.and_then(|old| old.comment.as_ref()) != new.comment.as_ref() {
        let statement = column::comment_on(view, &new.name, new.comment.as_deref());
        drafts.push(Draft::new(id, Action::Annotate(vec![statement]), format!("change comment of {shown}")));
    }
}

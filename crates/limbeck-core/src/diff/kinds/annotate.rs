//! Comments and grants.

use std::collections::BTreeSet;

use super::types;
use crate::ddl;
use crate::diff::change::Action;
use crate::diff::draft::Draft;
use crate::diff::fate::{ColumnFate, Fates};
use crate::diff::words;
use crate::schema::{Entry, Grant, Kind, Object, ObjectId};

pub(super) fn comment_and_grants(
    fates: &Fates<'_>,
    id: &ObjectId,
    from: &Entry,
    to: &Entry,
    drafts: &mut Vec<Draft>,
) {
    if from.comment != to.comment {
        let statement = ddl::comment_on(id, &to.object, to.comment.as_deref());
        let verb = verb(from.comment.is_some(), to.comment.is_some());
        let words = format!("{verb} comment of {}", words::object(id));
        drafts.push(Draft::new(id, Action::Annotate(vec![statement]), words));
    }
    part_comments(fates, id, from, to, drafts);
    let before = standing(fates, id, from);
    let statements = ddl::changed_grants(id, &before, &to.grants);
    if !statements.is_empty() {
        let what = if id.kind == Kind::DefaultPrivileges { "" } else { "privileges of " };
        let words = format!("change {what}{}", words::object(id));
        drafts.push(Draft::new(id, Action::Annotate(statements), words));
    }
}

/// Those of a domain's checks and of a constraint's index.
fn part_comments(fates: &Fates<'_>, id: &ObjectId, from: &Entry, to: &Entry, drafts: &mut Vec<Draft>) {
    let stands = |part: &str| match (&from.object, &to.object) {
        (Object::Domain(from), Object::Domain(to)) => types::keeps_check(fates, id, from, to, part),
        _ => true,
    };
    let parts: BTreeSet<&String> = from.part_comments.keys().chain(to.part_comments.keys()).collect();
    for part in parts {
        let before = from.part_comments.get(part).filter(|_| stands(part));
        let after = to.part_comments.get(part);
        if before != after {
            let statement = ddl::comment_on_part(id, part, after.map(String::as_str));
            let verb = verb(before.is_some(), after.is_some());
            let of = if part.is_empty() { "the index".to_owned() } else { format!("check {part}") };
            let words = format!("{verb} comment of {of} of {}", words::object(id));
            drafts.push(Draft::new(id, Action::Annotate(vec![statement]), words));
        }
    }
}

/// The grants that are there after columns were dropped: theirs go with them.
fn standing(fates: &Fates<'_>, id: &ObjectId, from: &Entry) -> BTreeSet<Grant> {
    let Some(Object::Table(table)) = fates.to.get(id) else { return from.grants.clone() };
    let stays = |column: &String| {
        table.column(column).is_some() && fates.column_fate(id, column) != Some(ColumnFate::Recreate)
    };
    from.grants.iter().filter(|grant| grant.column.as_ref().is_none_or(stays)).cloned().collect()
}

/// `add`, `change` or `drop`.
pub(super) fn verb(before: bool, after: bool) -> &'static str {
    match (before, after) {
        (false, _) => "add",
        (true, true) => "change",
        (true, false) => "drop",
    }
}

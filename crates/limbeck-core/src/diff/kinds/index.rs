//! Indexes that no constraint owns.

use crate::ddl::{self, quote};
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Fact, Role};
use crate::diff::words;
use crate::schema::{Entry, Index, Kind, ObjectId};

pub(super) fn created(id: &ObjectId, to: &Index, mut draft: Draft) -> Draft {
    draft.change.risk = risk(id, to);
    lacking(id, to, draft)
}

/// A new partition would be given one, too, which an index of the partitioned table alone has not.
fn lacking(id: &ObjectId, to: &Index, draft: Draft) -> Draft {
    match &id.of {
        Some(table) if to.only => draft.awaits(Fact::Partitions(ObjectId::relation(Kind::Table, table))),
        _ => draft,
    }
}

fn risk(id: &ObjectId, index: &Index) -> Option<String> {
    let table = id.of.as_ref().map(words::name).unwrap_or_default();
    index.unique.then(|| format!("fails if {table} has duplicates"))
}

pub(super) fn in_place(id: &ObjectId, from: (&Entry, &Index), to: (&Entry, &Index), drafts: &mut Vec<Draft>) {
    let (old, new) = (from.1, to.1);
    if is_swap(old, new) {
        let action = Action::Swap { from: Box::new(from.0.clone()), to: Box::new(to.0.clone()) };
        let draft = Draft::new(id, action, words::alter(id, to.0)).role(Role::Disturb);
        drafts.push(lacking(id, new, draft.risk(risk(id, new)).announces(Fact::Made(id.clone()))));
        return;
    }
    let Some(name) = id.qualified() else { return };
    let name = quote::name(&name);
    let (_, before, _) = ddl::split_off_with(&old.definition);
    let (_, after, _) = ddl::split_off_with(&new.definition);
    if before != after {
        let words = format!("change storage parameters of {}", words::object(id));
        let mut clauses = Vec::new();
        let reset = parameter_names(before).filter(|name| !parameter_names(after).any(|new| new == *name));
        let reset: Vec<&str> = reset.collect();
        if let Some(parameters) = after.strip_prefix("WITH ") {
            clauses.push(format!("SET {parameters}"));
        }
        if !reset.is_empty() {
            clauses.push(format!("RESET ({})", reset.join(", ")));
        }
        let statements = clauses.iter().map(|clause| format!("ALTER INDEX {name} {clause}")).collect();
        drafts.push(Draft::new(id, Action::Alter(statements), words));
    }
    let positions = old.statistics.keys().chain(new.statistics.keys());
    let mut positions: Vec<i32> =
        positions.filter(|at| old.statistics.get(at) != new.statistics.get(at)).copied().collect();
    positions.sort_unstable();
    positions.dedup();
    for at in positions {
        let target = new.statistics.get(&at).copied().unwrap_or(-1);
        let words = format!("set statistics target of {}", words::object(id));
        let statement = format!("ALTER INDEX {name} ALTER COLUMN {at} SET STATISTICS {target}");
        drafts.push(Draft::alter(id, statement, words));
    }
}

/// Whether a new index must take the old one's place: more than its storage parameters differs.
pub(super) fn is_swap(from: &Index, to: &Index) -> bool {
    let (before, _, condition) = ddl::split_off_with(&from.definition);
    let (after, _, new_condition) = ddl::split_off_with(&to.definition);
    before != after
        || condition != new_condition
        || from.unique != to.unique
        || from.valid != to.valid
        || from.only != to.only
}

/// The names in `WITH (name='value', ...)`.
fn parameter_names(with: &str) -> impl Iterator<Item = &str> {
    let inner = with.trim_start_matches("WITH (").trim_end_matches(')');
    inner.split(',').filter_map(|pair| pair.split('=').next()).map(str::trim).filter(|name| !name.is_empty())
}

//! Constraints of tables.

use crate::ddl::quote;
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Fact, Role, has_index};
use crate::diff::fate::Fates;
use crate::diff::scope;
use crate::diff::words;
use crate::schema::{Constraint, ConstraintKind, Entry, Kind, ObjectId};

/// A check that a child has with its parent's goes and comes with that one. What the child does by itself, it does before
/// the parent's comes and after the parent's has gone.
fn among_kin(fates: &Fates<'_>, id: &ObjectId, kind: ConstraintKind, mut draft: Draft) -> Draft {
    let host = id.of.as_ref().and_then(|table| scope::host(fates.to, table));
    let Some(host) = host.filter(|_| kind == ConstraintKind::Check) else { return draft };
    for child in fates.leaving(&host).into_iter().chain([&host]) {
        draft = draft.awaits(Fact::Aside(child.clone()));
    }
    for elder in fates.elder_checks(id) {
        draft = draft.awaits(Fact::Gone(elder, None));
    }
    draft.announces(Fact::Ready(id.clone(), None))
}

/// A new one.
pub(super) fn added(fates: &Fates<'_>, id: &ObjectId, to: &Constraint, draft: Draft) -> Draft {
    let draft = changed(id, to.kind, among_kin(fates, id, to.kind, created(id, to, draft)));
    let mut draft = draft;
    for check in fates.all_younger_checks(id) {
        // Another parent's of the same name has gone as well.
        draft.awaits.extend(fates.elder_checks(&check).into_iter().map(|elder| Fact::Gone(elder, None)));
        draft = draft.awaits(Fact::Ready(check, None));
    }
    draft
}

/// One that goes.
pub(super) fn removed(fates: &Fates<'_>, id: &ObjectId, from: &Constraint, draft: Draft) -> Draft {
    let mut draft = among_kin(fates, id, from.kind, dropped(id, from, draft));
    if from.kind == ConstraintKind::Check
        && let Some(table) = &id.of
    {
        draft = draft
            .announces(Fact::Gone(id.clone(), None))
            .announces(Fact::Cleared(ObjectId::relation(Kind::Table, table)));
        if fates.drops_check_only(id) {
            let name = quote::ident(&id.name);
            let statement = format!("ALTER TABLE ONLY {} DROP CONSTRAINT {name}", quote::name(table));
            draft.change.action = Action::Alter(vec![statement]);
        }
    }
    draft
}

/// A check is the children's, too.
fn changed(id: &ObjectId, kind: ConstraintKind, draft: Draft) -> Draft {
    match &id.of {
        Some(table) if kind == ConstraintKind::Check => {
            draft.announces(Fact::Parent(ObjectId::relation(Kind::Table, table)))
        }
        _ => draft,
    }
}

/// A primary key waits for NOT NULL of its columns; the rest of a new constraint is a matter of how it is rendered.
fn created(id: &ObjectId, to: &Constraint, mut draft: Draft) -> Draft {
    draft.change.risk = Some(risk(id, to));
    if let Some(other) = &to.references {
        draft = draft.awaits(Fact::Keys(ObjectId::relation(Kind::Table, other)));
    }
    draft = key(id, to.kind, draft);
    if to.kind == ConstraintKind::PrimaryKey
        && let Some(table) = &id.of
    {
        let table = ObjectId::relation(Kind::Table, table);
        for column in &to.columns {
            draft = draft.awaits(Fact::NotNull(table.clone(), column.clone()));
        }
    }
    draft
}

/// A column may be null again once no primary key has it.
fn dropped(id: &ObjectId, from: &Constraint, draft: Draft) -> Draft {
    let mut draft = key(id, from.kind, draft);
    if from.kind == ConstraintKind::PrimaryKey
        && let Some(table) = &id.of
    {
        let table = ObjectId::relation(Kind::Table, table);
        for column in &from.columns {
            draft = draft.announces(Fact::MayBeNull(table.clone(), column.clone()));
        }
    }
    draft
}

/// Foreign keys to the table wait for its keys.
fn key(id: &ObjectId, kind: ConstraintKind, draft: Draft) -> Draft {
    match &id.of {
        Some(table) if has_index(kind) => draft.announces(Fact::Keys(ObjectId::relation(Kind::Table, table))),
        _ => draft,
    }
}

fn risk(id: &ObjectId, constraint: &Constraint) -> String {
    let table = id.of.as_ref().map(words::name).unwrap_or_default();
    let columns = constraint.columns.join(", ");
    match constraint.kind {
        ConstraintKind::PrimaryKey | ConstraintKind::Unique => {
            format!("fails if {table} ({columns}) has duplicates")
        }
        ConstraintKind::Check => format!("fails if a row of {table} does not satisfy {}", id.name),
        ConstraintKind::ForeignKey => {
            let other = constraint.references.as_ref().map(words::name).unwrap_or_default();
            format!("fails if a row of {table} ({columns}) has no row in {other}")
        }
        ConstraintKind::Exclusion => format!("fails if two rows of {table} exclude each other"),
    }
}

pub(super) fn in_place(
    fates: &Fates<'_>,
    id: &ObjectId,
    from: (&Entry, &Constraint),
    to: (&Entry, &Constraint),
    drafts: &mut Vec<Draft>,
) {
    let (old, new) = (from.1, to.1);
    if old == new || fates.changes_with_check(id) {
        return;
    }
    let only_validated = Constraint { validated: new.validated, ..old.clone() } == *new;
    if let Some(attributes) = altered(old, new) {
        drafts.push(alter(id, to.0, &attributes));
        return;
    }
    let draft = if only_validated && new.validated {
        let words = format!(
            "validate constraint {} on {}",
            id.name,
            id.of.as_ref().map(words::name).unwrap_or_default()
        );
        Draft::new(id, Action::Validate { constraint: id.name.clone() }, words)
    } else {
        let action = Action::Swap { from: Box::new(from.0.clone()), to: Box::new(to.0.clone()) };
        let draft = Draft::new(id, action, words::alter(id, to.0)).role(Role::Disturb);
        created(id, new, dropped(id, old, draft)).announces(Fact::Made(id.clone()))
    };
    let draft = among_kin(fates, id, new.kind, changed(id, new.kind, draft));
    drafts.push(draft.risk(new.validated.then(|| risk(id, new))));
}

/// When a foreign key is checked, and whether: what follows the rest of its definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attributes {
    deferrable: bool,
    initially_deferred: bool,
    enforced: bool,
}

impl Attributes {
    /// A definition without them, and they.
    fn split(definition: &str) -> (&str, Self) {
        let strip = |rest: &mut &str, words: &str| match rest.strip_suffix(words) {
            Some(before) => {
                *rest = before;
                true
            }
            None => false,
        };
        let mut rest = definition;
        let enforced = !strip(&mut rest, " NOT ENFORCED");
        let initially_deferred = strip(&mut rest, " INITIALLY DEFERRED");
        let deferrable = strip(&mut rest, " DEFERRABLE");
        (rest, Self { deferrable, initially_deferred, enforced })
    }
}

/// What `ALTER CONSTRAINT` says, where it can say all that differs. PostgreSQL takes it for foreign keys only. One that
/// is to be enforced again is made anew: the rows would be read under a lock that keeps writers out.
pub(super) fn altered(from: &Constraint, to: &Constraint) -> Option<String> {
    let ((old_rest, old), (new_rest, new)) =
        (Attributes::split(&from.definition), Attributes::split(&to.definition));
    let same = Constraint {
        definition: to.definition.clone(),
        validated: from.validated && new.enforced,
        ..from.clone()
    } == *to;
    let fits = from.kind == ConstraintKind::ForeignKey && old != new && old_rest == new_rest && same;
    if !fits || (new.enforced && !old.enforced) {
        return None;
    }
    let mut words = Vec::new();
    if (old.deferrable, old.initially_deferred) != (new.deferrable, new.initially_deferred) {
        words.push(match (new.deferrable, new.initially_deferred) {
            (false, _) => "NOT DEFERRABLE",
            (true, false) => "DEFERRABLE INITIALLY IMMEDIATE",
            (true, true) => "DEFERRABLE INITIALLY DEFERRED",
        });
    }
    words.extend((old.enforced && !new.enforced).then_some("NOT ENFORCED"));
    Some(words.join(" "))
}

fn alter(id: &ObjectId, to: &Entry, attributes: &str) -> Draft {
    let table = id.of.as_ref().map(quote::name).unwrap_or_default();
    let statement = format!("ALTER TABLE {table} ALTER CONSTRAINT {} {attributes}", quote::ident(&id.name));
    Draft::alter(id, statement, format!("make {} {}", words::exact(id, to), attributes.to_lowercase()))
}

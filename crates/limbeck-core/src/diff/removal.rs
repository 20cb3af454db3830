//! What goes without a statement of its own, because what it belongs to goes.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Fact, Role};
use super::fate::Fates;
use super::scope;
use super::words;
use crate::schema::{ConstraintKind, Kind, Name, Object, ObjectId};

/// Objects that go with another one.
pub(super) struct Carried<'a> {
    by: BTreeMap<&'a ObjectId, Carrier>,
}

/// What takes an object along: another object, or a column of a table that stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Carrier {
    pub(super) id: ObjectId,
    pub(super) column: Option<String>,
}

impl<'a> Carried<'a> {
    pub(super) fn find(fates: &Fates<'a>) -> Self {
        let mut by = BTreeMap::new();
        let dropped = References::new(fates);
        for (id, entry) in &fates.from.objects {
            if !fates.goes(id) {
                continue;
            }
            let carrier = match (&id.of, &entry.object) {
                (Some(relation), _) => with_relation(fates, id, relation, &entry.object, &dropped),
                (None, Object::Sequence(sequence)) => {
                    sequence.owned_by.as_ref().and_then(|(table, column)| owner(fates, table, column))
                }
                (None, Object::Table(table)) => table
                    .partition_of
                    .as_ref()
                    .map(|partition| ObjectId::relation(Kind::Table, &partition.parent))
                    .filter(|parent| fates.goes(parent))
                    .map(|id| Carrier { id, column: None }),
                _ => None,
            };
            if let Some(carrier) = carrier {
                by.insert(id, carrier);
            }
        }
        Self { by }
    }

    /// Whether it goes without a statement of its own.
    pub(super) fn is_carried(&self, id: &ObjectId) -> bool {
        self.by.contains_key(id)
    }

    /// What takes it along in the end; `None` for what goes by itself.
    pub(super) fn carrier(&self, id: &ObjectId) -> Option<&Carrier> {
        let mut carrier = self.by.get(id)?;
        while carrier.column.is_none()
            && let Some(next) = self.by.get(&carrier.id)
        {
            carrier = next;
        }
        Some(carrier)
    }

    /// Says of a column that goes what goes with it. With a primary key of several, the others may be null again.
    pub(super) fn tell(&self, fates: &Fates<'_>, drafts: &mut [Draft]) {
        for draft in drafts.iter_mut().filter(|draft| draft.role == Role::Remove && draft.column.is_some()) {
            let change = &mut draft.change;
            let mut names = Vec::new();
            for (id, carrier) in &self.by {
                let with = carrier.id == change.object && carrier.column == draft.column;
                if with && let Some((table, Object::Constraint(key))) = id.of.as_ref().zip(fates.from.get(id))
                {
                    let table = ObjectId::relation(Kind::Table, table);
                    let columns = key.columns.iter().filter(|_| key.kind == ConstraintKind::PrimaryKey);
                    draft.announces.extend(columns.map(|it| Fact::MayBeNull(table.clone(), it.clone())));
                }
                if with
                    && !fates.to.objects.contains_key(*id)
                    && let Some(entry) = fates.from.objects.get(*id)
                {
                    names.push(words::own(id, entry));
                }
            }
            if !names.is_empty() {
                change.words = format!("{} with {}", change.words, names.join(", "));
            }
        }
    }

    /// Everything that goes with something else.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a ObjectId> {
        self.by.keys().copied()
    }
}

fn owner(fates: &Fates<'_>, table: &Name, column: &str) -> Option<Carrier> {
    let id = ObjectId::relation(Kind::Table, table);
    if fates.goes(&id) {
        return Some(Carrier { id, column: None });
    }
    fates.column_goes(&id, column).then(|| of_column(fates, &id, column))
}

/// With its table or view, or with a column of it.
fn with_relation(
    fates: &Fates<'_>,
    id: &ObjectId,
    relation: &Name,
    object: &Object,
    dropped: &References<'_>,
) -> Option<Carrier> {
    let host = scope::host(fates.from, relation)?;
    if fates.goes(&host) {
        let apart = matches!(object, Object::Constraint(constraint) if dropped.in_circle(relation, constraint.references.as_ref()));
        return (!apart).then_some(Carrier { id: host, column: None });
    }
    if let Some(id) = fates.goes_with_check(id) {
        return Some(Carrier { id, column: None });
    }
    if !matches!(id.kind, Kind::Index | Kind::Constraint | Kind::Statistics) {
        return None;
    }
    // A constraint goes with a column of its own, but not with one that it refers to or has in an expression only.
    let own = |column: &&str| match object {
        Object::Constraint(constraint) => constraint.columns.iter().any(|own| own == column),
        _ => true,
    };
    let needs = &fates.from.objects.get(id)?.needs;
    let columns = needs.iter().filter(|need| need.on == host).filter_map(|need| need.column.as_deref());
    let column = columns.filter(own).find(|column| fates.column_goes(&host, column))?;
    // A check that goes with a column of ONLY this table would not tell the children's.
    if fates.drops_only(&host, column) && !fates.younger_checks(id).is_empty() {
        return None;
    }
    Some(of_column(fates, &host, column))
}

/// The column, or a parent's with which it goes.
fn of_column(fates: &Fates<'_>, table: &ObjectId, column: &str) -> Carrier {
    Carrier { id: fates.dropper(table, column), column: Some(column.to_owned()) }
}

/// Foreign keys between tables that go.
struct References<'a> {
    to: BTreeMap<&'a Name, BTreeSet<&'a Name>>,
}

impl<'a> References<'a> {
    fn new(fates: &Fates<'a>) -> Self {
        let mut to: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
        for (id, entry) in &fates.from.objects {
            if let (Some(table), Object::Constraint(constraint)) = (&id.of, &entry.object)
                && constraint.kind == ConstraintKind::ForeignKey
                && let Some(other) = &constraint.references
                && fates.goes(&ObjectId::relation(Kind::Table, table))
                && fates.goes(&ObjectId::relation(Kind::Table, other))
            {
                to.entry(table).or_default().insert(other);
            }
        }
        Self { to }
    }

    /// Whether a foreign key is part of a circle through other tables, none of which can then go first.
    fn in_circle(&self, table: &Name, references: Option<&Name>) -> bool {
        let Some(start) = references.filter(|other| *other != table) else { return false };
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(next) = open.pop() {
            if next == table {
                return true;
            }
            if seen.insert(next) {
                open.extend(self.to.get(next).into_iter().flatten().copied());
            }
        }
        false
    }
}

//! Parents and children: partitions, tables that inherit, tables of a type. What is done to a parent's column or check
//! PostgreSQL does to the children's by itself, as long as the bond between them lasts.

use std::borrow::Cow;
use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use super::fate::{ColumnFate, Fates};
use super::scope;
use crate::schema::{
    Column, Constraint, ConstraintKind, Entry, Kind, Name, Need, Object, ObjectId, PartitionOf, Schema, Table,
};

/// What makes a table the child of another one, or of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond<'a> {
    /// `PARTITION OF`.
    Partition(&'a PartitionOf),
    /// `INHERITS`.
    Inherits(&'a Name),
    /// `OF`.
    Of(&'a Name),
}

impl<'a> Bond<'a> {
    pub(super) fn all(table: &'a Table) -> impl Iterator<Item = Self> {
        let partition = table.partition_of.iter().map(Self::Partition);
        let parents = table.inherits.iter().map(Self::Inherits);
        partition.chain(parents).chain(table.of_type.iter().map(Self::Of))
    }

    /// The parent's name.
    pub(super) fn name(self) -> &'a Name {
        match self {
            Self::Partition(partition) => &partition.parent,
            Self::Inherits(name) | Self::Of(name) => name,
        }
    }

    /// The parent, where the schema has it.
    pub(super) fn parent(self, schema: &'a Schema) -> Option<&'a ObjectId> {
        let id = match self {
            Self::Of(name) => ObjectId::relation(Kind::Composite, name),
            _ => scope::host(schema, self.name())?,
        };
        schema.objects.get_key_value(&id).map(|(id, _)| id)
    }
}

/// What children of one side have of their own beside what they inherit, columns by their tables, and checks: their
/// parents' `DROP` leaves it, and it is there only if it was before the parents'.
#[derive(Debug, Default)]
pub(super) struct Beside {
    places: BTreeSet<(ObjectId, Option<String>)>,
}

impl Beside {
    fn has(&self, id: &ObjectId, column: Option<&str>) -> bool {
        self.places.contains(&(id.clone(), column.map(str::to_owned)))
    }
}

/// Makes both sides say of tables that both have what their children inherit in one way: a column that a parent has too
/// is inherited, and a check that a parent has too is the child's. Whether the child has it of its own as well is no
/// difference.
pub(super) fn settle<'a>(
    from: Cow<'a, Schema>,
    to: Cow<'a, Schema>,
) -> (Cow<'a, Schema>, Cow<'a, Schema>, [Beside; 2]) {
    let (old, new) = (Inheritance::of(&from, &to), Inheritance::of(&to, &from));
    let ((from, before), (to, after)) = (old.settle(from), new.settle(to));
    (from, to, [before, after])
}

/// What the children of one side inherit.
#[derive(Default)]
struct Inheritance {
    columns: Vec<(ObjectId, String)>,
    checks: BTreeMap<ObjectId, Entry>,
}

impl Inheritance {
    fn of(schema: &Schema, other: &Schema) -> Self {
        let mut inheritance = Self::default();
        for (id, entry) in &schema.objects {
            let Object::Table(table) = &entry.object else { continue };
            if !other.objects.contains_key(id) {
                continue;
            }
            for parent in Bond::all(table).filter_map(|bond| bond.parent(schema)) {
                let Some(Object::Table(from)) = schema.get(parent) else { continue };
                let both = table.columns.iter().filter(|column| from.column(&column.name).is_some());
                inheritance.columns.extend(both.map(|column| (id.clone(), column.name.clone())));
                inheritance.checks_of(schema, id, parent, other);
            }
        }
        inheritance
    }

    /// The checks that a child has from a parent, and that one from its own.
    fn checks_of(&mut self, schema: &Schema, child: &ObjectId, parent: &ObjectId, other: &Schema) {
        let (Some(own), Some(name)) = (child.qualified(), parent.qualified()) else { return };
        for (id, entry) in schema.belongings(&name).filter(|(_, entry)| is_inheritable(entry)) {
            let id = ObjectId::of(Kind::Constraint, &own, &id.name);
            let need = |need: &Need| match need.on == *parent {
                true => Need { on: child.clone(), ..need.clone() },
                false => need.clone(),
            };
            // Of those that are inherited only, nothing is read, and so no comment is known.
            let comment = other.objects.get(&id).and_then(|entry| entry.comment.clone());
            let needs = entry.needs.iter().map(need).collect();
            self.checks.entry(id).or_insert(Entry { comment, needs, ..entry.clone() });
        }
        if let Some(Object::Table(table)) = schema.get(parent) {
            for elder in Bond::all(table).filter_map(|bond| bond.parent(schema)) {
                self.checks_of(schema, child, elder, other);
            }
        }
    }

    fn settle(self, schema: Cow<'_, Schema>) -> (Cow<'_, Schema>, Beside) {
        let mut beside = Beside::default();
        if self.columns.is_empty() && self.checks.is_empty() {
            return (schema, beside);
        }
        let mut schema = schema.into_owned();
        for (id, name) in self.columns {
            let Some(Object::Table(table)) = schema.objects.get_mut(&id).map(|entry| &mut entry.object)
            else {
                continue;
            };
            let own = table.columns.iter_mut().find(|column| column.name == name && !column.inherited);
            if let Some(column) = own {
                column.inherited = true;
                beside.places.insert((id, Some(name)));
            }
        }
        for (id, entry) in self.checks {
            match schema.objects.entry(id) {
                Slot::Occupied(own) => {
                    beside.places.insert((own.key().clone(), None));
                }
                Slot::Vacant(slot) => {
                    slot.insert(entry);
                }
            }
        }
        (Cow::Owned(schema), beside)
    }
}

fn is_inheritable(entry: &Entry) -> bool {
    check(&entry.object).is_some_and(|check| !check.definition.ends_with(" NO INHERIT"))
}

fn is_inherited(side: &Schema, check: &ObjectId) -> bool {
    side.objects.get(check).is_some_and(is_inheritable)
}

fn check(object: &Object) -> Option<&Constraint> {
    match object {
        Object::Constraint(constraint) if constraint.kind == ConstraintKind::Check => Some(constraint),
        _ => None,
    }
}

fn has_column(side: &Schema, id: &ObjectId, column: &str) -> bool {
    match side.get(id) {
        Some(Object::Table(table)) => table.column(column).is_some(),
        Some(Object::Composite(composite)) => composite.attributes.iter().any(|it| it.name == column),
        _ => false,
    }
}

/// The children of each table and type of one side, by its name.
pub(super) fn children(schema: &Schema) -> BTreeMap<&Name, Vec<&ObjectId>> {
    let mut children: BTreeMap<&Name, Vec<&ObjectId>> = BTreeMap::new();
    for (id, entry) in &schema.objects {
        if let Object::Table(table) = &entry.object {
            for bond in Bond::all(table) {
                children.entry(bond.name()).or_default().push(id);
            }
        }
    }
    children
}

/// The children, near and far, that have a parent's column: it has one name in all of them.
pub(super) fn heirs(schema: &Schema, parent: &ObjectId, column: &str) -> BTreeSet<ObjectId> {
    let (born, mut found, mut open) = (children(schema), BTreeSet::new(), vec![parent]);
    while let Some(next) = open.pop() {
        let children = next.qualified().and_then(|name| born.get(&name)).into_iter().flatten();
        for child in children.filter(|child| has_column(schema, child, column)) {
            if found.insert((*child).clone()) {
                open.push(child);
            }
        }
    }
    found
}

impl<'a> Fates<'a> {
    /// The tables of both sides that are the children of a table or type all the while.
    pub(super) fn children(&self, parent: &ObjectId) -> Vec<&'a ObjectId> {
        let lasts = |child: &&ObjectId| self.lasting(child).iter().any(|(_, other)| *other == parent);
        self.offspring(parent).filter(lasts).collect()
    }

    /// The children of the old side, whatever becomes of them.
    pub(super) fn offspring(&self, parent: &ObjectId) -> impl Iterator<Item = &'a ObjectId> {
        let may_have = matches!(parent.kind, Kind::Table | Kind::ForeignTable | Kind::Composite);
        let name = parent.qualified().filter(|_| may_have);
        name.and_then(|name| self.born.get(&name)).into_iter().flatten().copied()
    }

    /// The bonds of a table of both sides that last, with the parents.
    fn lasting(&self, child: &ObjectId) -> Vec<(Bond<'a>, &'a ObjectId)> {
        let (Some(Object::Table(old)), Some(Object::Table(new))) = (self.from.get(child), self.to.get(child))
        else {
            return Vec::new();
        };
        if self.rebuilt.contains_key(child) {
            return Vec::new();
        }
        let bonds = Bond::all(old).filter(|bond| Bond::all(new).any(|other| other == *bond));
        let parents = bonds.filter_map(|bond| Some((bond, bond.parent(self.from)?)));
        parents.filter(|(_, parent)| !self.goes(parent)).collect()
    }

    /// The bonds of a table that stays that are cut, to be tied again or not.
    pub(super) fn cut(&self, child: &ObjectId) -> Vec<Bond<'a>> {
        self.bonds_but_lasting(self.from, child)
    }

    /// The bonds of a table that stays that are tied, which it may have had before.
    pub(super) fn tied(&self, child: &ObjectId) -> Vec<Bond<'a>> {
        self.bonds_but_lasting(self.to, child)
    }

    fn bonds_but_lasting(&self, side: &'a Schema, child: &ObjectId) -> Vec<Bond<'a>> {
        let stays = !self.goes(child) && !self.comes(child);
        let Some(Object::Table(table)) = side.get(child).filter(|_| stays) else { return Vec::new() };
        let lasting = self.lasting(child);
        // A parent that neither side shows is not ours to leave.
        let differs = |bond: &Bond<'_>| {
            !lasting.iter().any(|(other, _)| other == bond)
                && (bond.parent(side).is_some() || !self.has_on_both_sides(child, *bond))
        };
        Bond::all(table).filter(differs).collect()
    }

    fn has_on_both_sides(&self, child: &ObjectId, bond: Bond<'_>) -> bool {
        let has = |side: &Schema| match side.get(child) {
            Some(Object::Table(table)) => Bond::all(table).any(|other| other == bond),
            _ => false,
        };
        has(self.from) && has(self.to)
    }

    /// The parents all the while.
    fn parents(&self, child: &ObjectId) -> impl Iterator<Item = &'a ObjectId> {
        self.lasting(child).into_iter().map(|(_, parent)| parent)
    }

    /// The parents all the while and theirs, the eldest first.
    pub(super) fn ancestors(&self, child: &ObjectId) -> Vec<&'a ObjectId> {
        let mut found = Vec::new();
        for parent in self.parents(child) {
            found.extend(self.ancestors(parent));
            found.push(parent);
        }
        found
    }

    /// The children all the while and theirs.
    pub(super) fn descendants(&self, parent: &ObjectId) -> Vec<&'a ObjectId> {
        let children = self.children(parent).into_iter();
        children.flat_map(|child| [vec![child], self.descendants(child)].concat()).collect()
    }

    /// The tables of a type that its changes reach: those that are of it all the while, and those that go at some time.
    pub(super) fn tables_of(&self, of_type: &ObjectId) -> Vec<&'a ObjectId> {
        self.offspring(of_type).filter(|table| self.is_reached(of_type, table)).collect()
    }

    fn is_reached(&self, parent: &ObjectId, child: &ObjectId) -> bool {
        self.goes(child) || self.lasting(child).iter().any(|(_, other)| *other == parent)
    }

    /// The children of the old side, near and far, whose column follows the parent's.
    pub(super) fn followers(&self, parent: &ObjectId, column: &str) -> Vec<&'a ObjectId> {
        let follows = |child: &&ObjectId| {
            let follows = self.gives(parent, child, column) && !self.drops_own(child, column);
            self.is_reached(parent, child) && (self.goes(child) || follows)
        };
        let children = self.offspring(parent).filter(follows);
        children.flat_map(|child| [vec![child], self.followers(child, column)].concat()).collect()
    }

    /// Children, near and far, that leave: they have done so before their parent changes.
    pub(super) fn leaving(&self, parent: &ObjectId) -> Vec<&'a ObjectId> {
        let leaves =
            |child: &&ObjectId| self.cut(child).iter().any(|bond| bond.parent(self.from) == Some(parent));
        let mut found: Vec<&ObjectId> = self.offspring(parent).filter(leaves).collect();
        found.extend(self.children(parent).into_iter().flat_map(|child| self.leaving(child)));
        found
    }

    /// Whether what becomes of a column is its parents' doing, or its type's.
    pub(super) fn is_passed_on(&self, child: &ObjectId, column: &str) -> bool {
        self.giver(child, column).is_some()
    }

    /// Whether it is a table's doing: what a type does to its tables, they are told by themselves.
    pub(super) fn parent_disturbs(&self, child: &ObjectId, column: &str) -> bool {
        self.giver(child, column).is_some_and(|parent| parent.kind != Kind::Composite)
    }

    /// Whether a child has another default than the parent that passes the column on.
    pub(super) fn has_own_default(&self, child: &ObjectId, column: &Column) -> bool {
        let parent = self.giver(child, &column.name).and_then(|parent| self.from.get(parent));
        match parent {
            Some(Object::Table(parent)) => {
                parent.column(&column.name).is_some_and(|parent| parent.default != column.default)
            }
            _ => false,
        }
    }

    /// The parent through which a column comes, changes, or goes.
    pub(super) fn giver(&self, child: &ObjectId, column: &str) -> Option<&'a ObjectId> {
        self.parents(child).find(|parent| self.gives(parent, child, column))
    }

    /// Whether it is the parent's doing what becomes of a child's column.
    pub(super) fn gives(&self, parent: &ObjectId, child: &ObjectId, column: &str) -> bool {
        let has = |side: &Schema, id: &ObjectId| has_column(side, id, column);
        let (had, has) = (|id: &ObjectId| has(self.from, id), |id: &ObjectId| has(self.to, id));
        match (had(child), has(child)) {
            (true, true) => had(parent) && has(parent),
            (true, false) => {
                had(parent)
                    && !has(parent)
                    && !self.drops_only(parent, column)
                    && !self.beside.has(child, Some(column))
            }
            (false, _) => has(parent) && !self.will_be_beside.has(child, Some(column)),
        }
    }

    /// The table, or type, whose change drops a column.
    pub(super) fn dropper(&self, table: &ObjectId, column: &str) -> ObjectId {
        match self.giver(table, column).filter(|_| !self.drops_own(table, column)) {
            Some(parent) => self.dropper(parent, column),
            None => table.clone(),
        }
    }

    /// Whether a child has to drop a column that its parent drops and adds: it has it of its own beside.
    pub(super) fn drops_own(&self, child: &ObjectId, column: &str) -> bool {
        self.beside.has(child, Some(column)) && self.column_fate(child, column) == Some(ColumnFate::Recreate)
    }

    /// Whether a child has to add a column that its parent drops and adds: it is to have it of its own beside.
    pub(super) fn adds_own(&self, child: &ObjectId, column: &str) -> bool {
        self.will_be_beside.has(child, Some(column))
            && self.column_fate(child, column) == Some(ColumnFate::Recreate)
    }

    /// Whether a column that goes is to stay with a child, near or far.
    pub(super) fn drops_only(&self, parent: &ObjectId, column: &str) -> bool {
        !has_column(self.to, parent, column)
            && self
                .children(parent)
                .iter()
                .any(|child| has_column(self.to, child, column) || self.drops_only(child, column))
    }

    /// The checks of the parents all the while that a child's check is the same as.
    pub(super) fn elder_checks(&self, check: &ObjectId) -> Vec<ObjectId> {
        let Some(host) = check.of.as_ref().and_then(|table| self.host(table)) else { return Vec::new() };
        let of = |parent: &ObjectId| Some(ObjectId::of(Kind::Constraint, &parent.qualified()?, &check.name));
        self.parents(&host).filter_map(of).filter(|id| self.is_check(id)).collect()
    }

    /// The checks of the children all the while that a parent's check is the same as, on either side.
    pub(super) fn younger_checks(&self, check: &ObjectId) -> Vec<ObjectId> {
        let Some(host) = check.of.as_ref().and_then(|table| self.host(table)) else { return Vec::new() };
        let of = |child: &&ObjectId| Some(ObjectId::of(Kind::Constraint, &child.qualified()?, &check.name));
        if !self.is_check(check) {
            return Vec::new();
        }
        let is_known = |id: &ObjectId| self.from.objects.contains_key(id) || self.to.objects.contains_key(id);
        self.children(&host).iter().filter_map(of).filter(is_known).collect()
    }

    /// Theirs, too.
    pub(super) fn all_younger_checks(&self, check: &ObjectId) -> Vec<ObjectId> {
        let younger = self.younger_checks(check).into_iter();
        younger.flat_map(|child| [vec![child.clone()], self.all_younger_checks(&child)].concat()).collect()
    }

    fn host(&self, table: &Name) -> Option<ObjectId> {
        scope::host(self.from, table).or_else(|| scope::host(self.to, table))
    }

    fn is_check(&self, id: &ObjectId) -> bool {
        is_inherited(self.from, id) || is_inherited(self.to, id)
    }

    /// The parent's check with which a child's goes.
    pub(super) fn goes_with_check(&self, check: &ObjectId) -> Option<ObjectId> {
        let mut elder = self.elder_checks(check).into_iter();
        let takes =
            |id: &ObjectId| self.goes(id) && is_inherited(self.from, id) && !self.drops_check_only(id);
        elder.find(|id| takes(id) && !self.beside.has(check, None))
    }

    /// Whether a check that goes is to stay with a child. A partitioned table cannot leave it to its partitions.
    pub(super) fn drops_check_only(&self, check: &ObjectId) -> bool {
        let host = check.of.as_ref().and_then(|table| self.from.table(table));
        host.is_some_and(|table| table.partition_by.is_none())
            && !self.to.objects.contains_key(check)
            && self.from.objects.get(check).is_some_and(is_inheritable)
            && self
                .younger_checks(check)
                .iter()
                .any(|child| self.to.objects.contains_key(child) || self.drops_check_only(child))
    }

    /// Whether a check comes, or comes again, with a parent's, or with its table.
    pub(super) fn comes_with_check(&self, check: &ObjectId) -> bool {
        let table = check.of.as_ref().and_then(|table| scope::host(self.to, table));
        let made_again = table.filter(|table| self.from.objects.contains_key(table) && self.comes(table));
        let Some(table) = made_again else {
            let own = self.will_be_beside.has(check, None);
            let comes = |id: &ObjectId| self.comes(id) && is_inherited(self.to, id);
            return !own && self.elder_checks(check).iter().any(comes);
        };
        let Some(Object::Table(table)) = self.to.get(&table) else { return false };
        Bond::all(table).any(|bond| {
            let elder = ObjectId::of(Kind::Constraint, bond.name(), &check.name);
            self.to.objects.get(&elder).is_some_and(is_inheritable)
        })
    }

    /// Whether a check changes with a parent's.
    pub(super) fn changes_with_check(&self, check: &ObjectId) -> bool {
        let is_on_both =
            |id: &ObjectId| self.from.objects.contains_key(id) && self.to.objects.contains_key(id);
        self.elder_checks(check).iter().any(is_on_both)
    }

    /// Whether children have a check on one side only.
    pub(super) fn turns_inheritable(&self, check: &ObjectId) -> bool {
        is_inherited(self.from, check) != is_inherited(self.to, check)
            && !self.younger_checks(check).is_empty()
    }

    /// Whether a child, near or far, has a check from another parent, too.
    pub(super) fn is_given_by_others(&self, check: &ObjectId) -> bool {
        self.all_younger_checks(check).iter().any(|child| self.elder_checks(child).len() > 1)
    }

    /// Whether a child, near or far, has a check of its own beside the parent's, or is to have it.
    pub(super) fn is_beside(&self, check: &ObjectId) -> bool {
        let has =
            |child: &ObjectId| [&self.beside, &self.will_be_beside].iter().any(|it| it.has(child, None));
        self.younger_checks(check).iter().any(|child| has(child) || self.is_beside(child))
    }
}

//! What becomes of each object: kept, altered in place, or taken away and made again, and what that does to those
//! that need it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::holders::{Holder, Holding};
use super::kinds;
use super::kinship::{self, Beside};
use super::scope;
use super::words;
use crate::ddl::quote;
use crate::schema::{Column, ConstraintKind, Kind, Name, Need, Object, ObjectId, Schema, Table};
use crate::sql::token::{Lexer, TokenKind};

/// Both sides, and what becomes of what is in them.
pub(super) struct Fates<'a> {
    /// The old side, with renames applied.
    pub(super) from: &'a Schema,
    /// The new side.
    pub(super) to: &'a Schema,
    /// PostgreSQL's major version.
    pub(super) version: u32,
    /// Objects that both sides have and that differ.
    pub(super) changed: BTreeSet<&'a ObjectId>,
    /// Of what both sides have: what is dropped and made again, and why.
    pub(super) rebuilt: BTreeMap<&'a ObjectId, String>,
    /// Columns that both sides have and that are not merely altered.
    pub(super) columns: BTreeMap<(&'a ObjectId, &'a str), (ColumnFate, String)>,
    /// Domains whose default and checks are dropped and made again, as far as they need what goes, and why.
    pub(super) released: BTreeMap<&'a ObjectId, String>,
    /// What stores rows of tables of which a column gets another type, and these tables. Columns that stay are texts for a
    /// moment.
    pub(super) holders: BTreeMap<Holder<'a>, BTreeSet<&'a ObjectId>>,
    /// Who needs an object of the old side.
    users: BTreeMap<&'a ObjectId, Vec<(&'a ObjectId, &'a Need)>>,
    /// What children of the old side have of their own beside what they inherit.
    pub(super) beside: Beside,
    /// And those of the new side.
    pub(super) will_be_beside: Beside,
    /// What partitions that are attached have of their parents' then.
    pub(super) shares: BTreeSet<ObjectId>,
    /// The children of the old side's tables and types.
    pub(super) born: BTreeMap<&'a Name, Vec<&'a ObjectId>>,
    /// What belongs to a table or view of the old side.
    belongings: BTreeMap<&'a Name, Vec<&'a ObjectId>>,
}

/// What happens to a column that both sides have. The later ones include the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ColumnFate {
    /// Its default is dropped and set again.
    ResetDefault,
    /// `ALTER COLUMN ... TYPE`.
    Retype,
    /// It is dropped and added.
    Recreate,
}

/// Something that goes, for good or for a moment.
#[derive(Debug, Clone)]
struct Disturbance<'a> {
    id: &'a ObjectId,
    column: Option<&'a str>,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// For good.
    Removed,
    /// It is made again.
    Rebuilt,
    /// A column's type changes.
    Retyped,
}

impl<'a> Fates<'a> {
    /// Decides for all objects.
    pub(super) fn decide(
        from: &'a Schema,
        to: &'a Schema,
        [beside, will_be_beside]: [Beside; 2],
        shares: BTreeSet<ObjectId>,
        version: u32,
    ) -> Self {
        let mut fates = Self {
            from,
            to,
            version,
            changed: BTreeSet::new(),
            rebuilt: BTreeMap::new(),
            columns: BTreeMap::new(),
            released: BTreeMap::new(),
            holders: BTreeMap::new(),
            users: BTreeMap::new(),
            beside,
            will_be_beside,
            shares,
            born: kinship::children(from),
            belongings: BTreeMap::new(),
        };
        if from
            .objects
            .iter()
            .all(|(id, entry)| to.objects.get(id).is_some_and(|after| entry.says_the_same_as(after)))
        {
            return fates;
        }
        for (id, entry) in &from.objects {
            for need in &entry.needs {
                fates.users.entry(&need.on).or_default().push((id, need));
            }
            if let Some(relation) = &id.of {
                fates.belongings.entry(relation).or_default().push(id);
            }
        }
        let mut queue = fates.begin();
        loop {
            while let Some(disturbance) = queue.pop_front() {
                fates.spread(&disturbance, &mut queue);
            }
            let Some((caught, gone)) = fates.caught_between() else { return fates };
            let how = if to.objects.contains_key(gone) { How::Rebuilt } else { How::Removed };
            fates.rebuild(caught, reason(&Disturbance { id: gone, column: None, how }), &mut queue);
        }
    }

    /// What the two sides say by themselves.
    fn begin(&mut self) -> VecDeque<Disturbance<'a>> {
        let mut queue = VecDeque::new();
        for (id, before) in &self.from.objects {
            let Some(after) = self.to.objects.get(id) else {
                queue.push_back(Disturbance { id, column: None, how: How::Removed });
                continue;
            };
            if before.says_the_same_as(after) {
                continue;
            }
            self.changed.insert(id);
            if let Some(reason) = kinds::must_rebuild(self, id, &before.object, &after.object) {
                self.rebuilt.insert(id, reason);
                queue.push_back(Disturbance { id, column: None, how: How::Rebuilt });
            } else if kinds::is_new_key(&before.object, &after.object) {
                // What counts on its uniqueness cannot stay through it, though it keeps its name.
                queue.push_back(Disturbance { id, column: None, how: How::Rebuilt });
            }
        }
        // Which tables stay the children of others is known now.
        for id in self.changed.clone() {
            self.compare_columns(id, &mut queue);
        }
        for id in self.from.objects.keys().filter(|id| id.kind == Kind::Constraint) {
            self.compare_check(id, &mut queue);
        }
        queue
    }

    /// What becomes of a table's columns, as far as it is not their parents' doing.
    fn compare_columns(&mut self, id: &'a ObjectId, queue: &mut VecDeque<Disturbance<'a>>) {
        let (Some(Object::Table(old)), Some(Object::Table(new))) = (self.from.get(id), self.to.get(id))
        else {
            return;
        };
        if self.rebuilt.contains_key(id) {
            return;
        }
        for before in &old.columns {
            let column = before.name.as_str();
            if self.parent_disturbs(id, column) {
                continue;
            }
            match new.column(column) {
                None => queue.push_back(Disturbance { id, column: Some(column), how: How::Removed }),
                Some(after) => {
                    if let Some((fate, reason)) = kinds::column_fate(before, after, self.version) {
                        self.mark_column(id, column, fate, reason, queue);
                    }
                }
            }
        }
    }

    /// A check that children have too.
    fn compare_check(&mut self, id: &'a ObjectId, queue: &mut VecDeque<Disturbance<'a>>) {
        if self.to.objects.contains_key(id) {
            // Its successor would meet what the child has of its own, or from another parent.
            if self.changed.contains(id) && (self.is_beside(id) || self.is_given_by_others(id)) {
                self.rebuild(id, "a child has it, too".to_owned(), queue);
            } else if self.changed.contains(id) && self.turns_inheritable(id) {
                self.rebuild(id, "children inherit it on one side only".to_owned(), queue);
            }
        } else if !self.drops_check_only(id) {
            self.rebuild_younger(id, &format!("{} goes", words::object(id)), queue);
        }
    }

    /// The children's checks that go with one, and come again.
    fn rebuild_younger(&mut self, id: &ObjectId, reason: &str, queue: &mut VecDeque<Disturbance<'a>>) {
        for younger in self.younger_checks(id) {
            if let Some((younger, _)) = self.from.objects.get_key_value(&younger) {
                self.rebuild(younger, reason.to_owned(), queue);
            }
        }
    }

    fn mark_column(
        &mut self,
        id: &'a ObjectId,
        column: &'a str,
        fate: ColumnFate,
        reason: String,
        queue: &mut VecDeque<Disturbance<'a>>,
    ) {
        let before = self.columns.get(&(id, column)).map(|(fate, _)| *fate);
        if before.is_some_and(|before| before >= fate) {
            return;
        }
        if fate > ColumnFate::ResetDefault && self.is_partition_key(id, column) {
            let reason = format!("{column} is part of its partition key, and {reason}");
            return self.rebuild(id, reason, queue);
        }
        self.columns.insert((id, column), (fate, reason));
        let how = match fate {
            ColumnFate::ResetDefault => return,
            ColumnFate::Retype => How::Retyped,
            ColumnFate::Recreate => How::Rebuilt,
        };
        queue.push_back(Disturbance { id, column: Some(column), how });
    }

    /// Tells those that need it, and those that belong to it.
    fn spread(&mut self, disturbance: &Disturbance<'a>, queue: &mut VecDeque<Disturbance<'a>>) {
        for (user, need) in self.users(disturbance.id).to_vec() {
            let concerned = disturbance.column.is_none_or(|column| need.column.as_deref() == Some(column));
            if concerned && (user != disturbance.id || need.by.is_some()) {
                self.reach(user, need, disturbance, queue);
            }
        }
        if let Some(column) = disturbance.column {
            self.pass_on(disturbance, column, queue);
        }
        if disturbance.how == How::Retyped {
            self.free_rows(disturbance, queue);
        }
        if disturbance.column.is_some() || disturbance.how != How::Rebuilt {
            return;
        }
        // Children that are left alone meanwhile see to their columns themselves.
        for child in self.offspring(disturbance.id).collect::<Vec<_>>() {
            self.compare_columns(child, queue);
        }
        let Some(name) = disturbance.id.qualified() else { return };
        if scope::host(self.from, &name).as_ref() != Some(disturbance.id) {
            return;
        }
        for belonging in self.belongings.get(&name).cloned().unwrap_or_default() {
            self.rebuild(belonging, format!("{} is made again", words::object(disturbance.id)), queue);
        }
    }

    /// Tells the children.
    fn pass_on(&mut self, parent: &Disturbance<'a>, column: &str, queue: &mut VecDeque<Disturbance<'a>>) {
        for child in self.children(parent.id) {
            let Some(Object::Table(table)) = self.from.get(child) else { continue };
            let Some(column) = table.column(column).map(|column| column.name.as_str()) else { continue };
            if !self.gives(parent.id, child, column) {
                continue;
            }
            let reason = reason(parent);
            match parent.how {
                How::Removed => {
                    queue.push_back(Disturbance { id: child, column: Some(column), how: How::Removed })
                }
                How::Retyped => self.mark_column(child, column, ColumnFate::Retype, reason, queue),
                How::Rebuilt => self.mark_column(child, column, ColumnFate::Recreate, reason, queue),
            }
        }
    }

    /// PostgreSQL gives no column of a table another type while the table's rows are stored elsewhere.
    fn free_rows(&mut self, retyped: &Disturbance<'a>, queue: &mut VecDeque<Disturbance<'a>>) {
        for holder in self.holders_of(retyped.id, Holding::Anyhow) {
            self.holders.entry(holder).or_default().insert(retyped.id);
            match holder {
                (view, None) => self.rebuild(view, reason(retyped), queue),
                (table, Some(column)) => self.retype_again(table, column, reason(retyped), queue),
            }
        }
    }

    /// Whether a table's partitions are told apart by the column.
    fn is_partition_key(&self, id: &ObjectId, column: &str) -> bool {
        let Some(Object::Table(Table { partition_by: Some(key), .. })) = self.from.get(id) else {
            return false;
        };
        let mut tokens = Lexer::new(key, 0).filter(|token| !token.is_blank()).peekable();
        while let Some(token) = tokens.next() {
            let is_called = tokens.peek().is_some_and(|next| key[next.span.clone()] == *"(");
            let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedName) && !is_called;
            if is_name && key[token.span] == *quote::ident(column) {
                return true;
            }
        }
        false
    }

    /// A column that both sides have, with its own type.
    fn retype_again(
        &mut self,
        table: &'a ObjectId,
        column: &'a str,
        reason: String,
        queue: &mut VecDeque<Disturbance<'a>>,
    ) {
        let after = match self.to.get(table) {
            Some(Object::Table(table)) => table.column(column),
            _ => None,
        };
        if after.is_some_and(|after| !after.inherited) && !self.rebuilt.contains_key(table) {
            self.mark_column(table, column, ColumnFate::Retype, reason, queue);
        }
    }

    /// Decides what a disturbance does to one that needs it.
    fn reach(
        &mut self,
        user: &'a ObjectId,
        need: &'a Need,
        disturbance: &Disturbance<'a>,
        queue: &mut VecDeque<Disturbance<'a>>,
    ) {
        if !self.to.objects.contains_key(user) || self.rebuilt.contains_key(user) {
            return;
        }
        let reason = reason(disturbance);
        match user.kind {
            Kind::Table | Kind::ForeignTable => self.reach_table(user, need, disturbance, reason, queue),
            Kind::Sequence if disturbance.how != How::Rebuilt => {}
            Kind::Domain if need.by.is_some() && !kinds::is_enclosed(self, user) => {
                if !self.lets_go(user, disturbance) {
                    self.released.entry(user).or_insert(reason);
                }
            }
            Kind::Constraint | Kind::Index | Kind::Statistics => {
                if self.breaks(user, disturbance) {
                    self.rebuild(user, reason, queue);
                }
            }
            _ => {
                if !self.lets_go(user, disturbance) {
                    self.rebuild(user, reason, queue);
                }
            }
        }
    }

    /// One that cannot be replaced by one that does not need what goes: it would have to be before that goes, but after
    /// something has come again which what goes needs, too. And what goes.
    fn caught_between(&self) -> Option<(&'a ObjectId, &'a ObjectId)> {
        let can_be = |user: &ObjectId| {
            let stays = matches!(user.kind, Kind::Table | Kind::ForeignTable | Kind::Sequence | Kind::Domain);
            !stays && self.changed.contains(user) && !self.goes(user)
        };
        let is_between = |user: &ObjectId, gone: &ObjectId| {
            let new = all_needs(self.to, user);
            let again = |&(id, column): &(&ObjectId, Option<&str>)| match column {
                _ if self.rebuilt.contains_key(id) => new.iter().any(|(new, _)| *new == id),
                Some(column) if self.column_fate(id, column) > Some(ColumnFate::ResetDefault) => {
                    new.contains(&(id, None)) || new.contains(&(id, Some(column)))
                }
                _ => false,
            };
            all_needs(self.from, gone).iter().chain([&(gone, None)]).any(again)
        };
        self.from.objects.keys().filter(|id| self.goes(id)).find_map(|gone| {
            let mut users = self.users(gone).iter().filter(|(user, _)| can_be(user));
            users.find(|(user, _)| is_between(user, gone)).map(|(user, _)| (*user, gone))
        })
    }

    /// A table's column that needs something.
    fn reach_table(
        &mut self,
        table: &'a ObjectId,
        need: &'a Need,
        disturbance: &Disturbance<'a>,
        reason: String,
        queue: &mut VecDeque<Disturbance<'a>>,
    ) {
        let Some(column) = need.by.as_deref() else {
            if disturbance.how == How::Rebuilt && self.is_partition_of(table, disturbance.id) {
                self.rebuild(table, reason, queue);
            }
            return;
        };
        let (Some(Object::Table(old)), Some(Object::Table(new))) = (self.from.get(table), self.to.get(table))
        else {
            return;
        };
        let (Some(before), Some(after)) = (old.column(column), new.column(column)) else { return };
        let is_type = disturbance.column.is_none() && is_of_type(before, disturbance.id);
        // A type of another kind may have taken the name.
        let is_replaced =
            is_type && before.data_type == after.data_type && before.collation == after.collation;
        let is_overtaken = self.is_overtaken(table, Some(column), disturbance.id);
        if disturbance.how == How::Removed && !is_replaced && !is_overtaken {
            return;
        }
        if self.parent_disturbs(table, column) {
            if !is_type && self.has_own_default(table, before) {
                self.mark_column(table, column, ColumnFate::ResetDefault, reason, queue);
            }
            return;
        }
        let fate = match (&before.generated, is_type) {
            (Some(_), _) if after.generated.is_some() => ColumnFate::Recreate,
            (_, true) => ColumnFate::Retype,
            (_, false) => ColumnFate::ResetDefault,
        };
        self.mark_column(table, column, fate, reason, queue);
    }

    fn is_partition_of(&self, table: &ObjectId, parent: &ObjectId) -> bool {
        let Some(Object::Table(table)) = self.to.get(table) else { return false };
        table
            .partition_of
            .as_ref()
            .is_some_and(|partition| Some(&partition.parent) == parent.qualified().as_ref())
    }

    /// Whether a constraint, index or statistics object cannot stay through it.
    fn breaks(&self, user: &ObjectId, disturbance: &Disturbance<'_>) -> bool {
        match disturbance.how {
            // A changed one is swapped for one that does not need it.
            How::Removed => {
                !self.changed.contains(user)
                    || self.is_altered(user)
                    || self.is_overtaken(user, None, disturbance.id)
            }
            How::Rebuilt => true,
            // PostgreSQL makes them anew by itself, as they are, if they go together with the type that the column has then;
            // a foreign key only if the types still fit.
            How::Retyped => {
                let is_loosened = |column| kinds::is_loosened(self, disturbance.id, column);
                self.changed.contains(user)
                    || disturbance.column.is_some_and(is_loosened)
                    || self.foreign_key_breaks(user, disturbance)
            }
        }
    }

    fn is_altered(&self, user: &ObjectId) -> bool {
        match (self.from.get(user), self.to.get(user)) {
            (Some(from), Some(to)) => kinds::is_altered(from, to),
            _ => false,
        }
    }

    fn foreign_key_breaks(&self, user: &ObjectId, disturbance: &Disturbance<'_>) -> bool {
        let Some(Object::Constraint(constraint)) = self.from.get(user) else { return false };
        if constraint.kind != ConstraintKind::ForeignKey {
            return false;
        }
        let (Some(Object::Table(old)), Some(Object::Table(new)), Some(column)) =
            (self.from.get(disturbance.id), self.to.get(disturbance.id), disturbance.column)
        else {
            return false;
        };
        match (old.column(column), new.column(column)) {
            (Some(before), Some(after)) => {
                !kinds::compare_with_each_other(&before.data_type, &after.data_type)
            }
            _ => false,
        }
    }

    /// Whether it is replaced in place by one that does not need what is disturbed.
    fn lets_go(&self, user: &ObjectId, disturbance: &Disturbance<'_>) -> bool {
        self.has_let_go(user, disturbance.id, disturbance.column)
    }

    /// Whether an object changes, and does not need another one, or its column, any more.
    pub(super) fn has_let_go(&self, user: &ObjectId, id: &ObjectId, column: Option<&str>) -> bool {
        let is_meant = |need: &Need| {
            need.on == *id && column.is_none_or(|column| need.column.as_deref() == Some(column))
        };
        let needs =
            |side: &Schema| side.objects.get(user).is_some_and(|entry| entry.needs.iter().any(is_meant));
        self.changed.contains(user)
            && self.to.objects.contains_key(user)
            && needs(self.from)
            && !needs(self.to)
            && !self.is_overtaken(user, None, id)
    }

    /// Whether what an object, or a column of it, says afterwards means another routine, operator or type of the same name:
    /// it cannot be said while the one that goes is there, since it would mean that one, or could mean either.
    fn is_overtaken(&self, user: &ObjectId, column: Option<&str>, id: &ObjectId) -> bool {
        let is_other = |on: &ObjectId| {
            id.is_overload_of(on)
                || is_type(id.kind) && is_type(on.kind) && id != on && id.qualified() == on.qualified()
        };
        let is_meant = |need: &Need| {
            is_other(&need.on) && column.is_none_or(|column| need.by.as_deref() == Some(column))
        };
        self.to.objects.get(user).is_some_and(|entry| entry.needs.iter().any(is_meant))
    }

    fn rebuild(&mut self, id: &'a ObjectId, reason: String, queue: &mut VecDeque<Disturbance<'a>>) {
        if self.to.objects.contains_key(id) && !self.rebuilt.contains_key(id) {
            self.rebuilt.insert(id, reason.clone());
            queue.push_back(Disturbance { id, column: None, how: How::Rebuilt });
            self.rebuild_younger(id, &reason, queue);
        }
    }

    /// Whether the old side has it and the new one has not, or it is made again.
    pub(super) fn goes(&self, id: &ObjectId) -> bool {
        self.from.objects.contains_key(id)
            && (!self.to.objects.contains_key(id) || self.rebuilt.contains_key(id))
    }

    /// Whether the new side has it and the old one has not, or it is made again.
    pub(super) fn comes(&self, id: &ObjectId) -> bool {
        self.to.objects.contains_key(id)
            && (!self.from.objects.contains_key(id) || self.rebuilt.contains_key(id))
    }

    /// Whether the old side's column of a table that stays is dropped, for good or to be added again.
    pub(super) fn column_goes(&self, table: &ObjectId, column: &str) -> bool {
        let (Some(Object::Table(old)), Some(Object::Table(new))) = (self.from.get(table), self.to.get(table))
        else {
            return false;
        };
        old.column(column).is_some()
            && (new.column(column).is_none() || self.column_fate(table, column) == Some(ColumnFate::Recreate))
    }

    /// What happens to a column that both sides have, apart from what can be altered.
    pub(super) fn column_fate(&self, table: &ObjectId, column: &str) -> Option<ColumnFate> {
        self.columns.get(&(table, column)).map(|(fate, _)| *fate)
    }

    /// Whether what a column of the old side needs is its type.
    pub(super) fn is_type_of(&self, table: &ObjectId, need: &Need) -> bool {
        let Some(Object::Table(table)) = self.from.get(table) else { return false };
        let column = need.by.as_ref().and_then(|by| table.column(by));
        column.is_some_and(|column| is_of_type(column, &need.on))
    }

    /// Whether a column has a type that goes before, and one of the same name afterwards.
    pub(super) fn has_remade(&self, table: &ObjectId, column: &str, of_type: &ObjectId) -> bool {
        let name = of_type.qualified();
        self.goes(of_type)
            && self.to.objects.get(table).is_some_and(|entry| {
                let by_name = |need: &Need| is_type(need.on.kind) && need.on.qualified() == name;
                entry.needs.iter().any(|need| need.by.as_deref() == Some(column) && by_name(need))
            })
    }

    /// Whether a column's new type can only be made when another one, which its old type is or has in it, has made room.
    pub(super) fn waits_for_room(&self, table: &ObjectId, column: &str, of_type: &ObjectId) -> bool {
        let Some(entry) = self.to.objects.get(table) else { return false };
        let of_column = entry.needs.iter().filter(|need| need.by.as_deref() == Some(column));
        let types = of_column.map(|need| &need.on).filter(|on| is_type(on.kind));
        let new: BTreeSet<&ObjectId> = types.flat_map(|on| closure(self.to, on)).collect();
        closure(self.from, of_type).into_iter().any(|old| {
            let takes_its_name = |new: &&ObjectId| is_type(new.kind) && new.qualified() == old.qualified();
            is_type(old.kind) && self.goes(old) && new.iter().any(takes_its_name)
        })
    }

    /// The types of a column that go and come again under their names.
    pub(super) fn remade(&self, table: &ObjectId, column: &str) -> Vec<&'a ObjectId> {
        let Some(entry) = self.from.objects.get(table) else { return Vec::new() };
        let of_column = entry.needs.iter().filter(|need| need.by.as_deref() == Some(column));
        let types = of_column.map(|need| &need.on).filter(|on| is_type(on.kind));
        types.filter(|on| self.has_remade(table, column, on)).collect()
    }

    /// The tables of whose rows an object stores some, or a column of it, and of which a column gets another type.
    pub(super) fn rows_in(&self, holder: &ObjectId, column: Option<&str>) -> BTreeSet<&'a ObjectId> {
        let is_meant = |(id, by): &Holder<'_>| *id == holder && (column.is_none() || *by == column);
        let meant = self.holders.iter().filter(|(holder, _)| is_meant(holder));
        meant.flat_map(|(_, tables)| tables.iter().copied()).collect()
    }

    /// Who needs an object of the old side.
    pub(super) fn users(&self, id: &ObjectId) -> &[(&'a ObjectId, &'a Need)] {
        self.users.get(id).map_or(&[], Vec::as_slice)
    }
}

/// Whether it is a column's type or collation, and not something that its default names.
fn is_of_type(column: &Column, id: &ObjectId) -> bool {
    let name = id.qualified();
    match id.kind {
        Kind::Collation => column.collation == name,
        // The column may have the multirange type.
        Kind::Range => column.data_type.contains('.'),
        kind => {
            let of = column.data_type.trim_end_matches("[]");
            is_type(kind) && name.is_some_and(|name| quote::name(&name) == of)
        }
    }
}

/// The objects, and the columns of them, that an object needs, directly or not.
fn all_needs<'s>(schema: &'s Schema, id: &ObjectId) -> BTreeSet<(&'s ObjectId, Option<&'s str>)> {
    let needs =
        closure(schema, id).into_iter().filter_map(|id| schema.objects.get(id)).flat_map(|it| &it.needs);
    needs.map(|need| (&need.on, need.column.as_deref())).collect()
}

/// An object, and all that it needs, directly or not.
fn closure<'s>(schema: &'s Schema, id: &ObjectId) -> BTreeSet<&'s ObjectId> {
    let Some((id, _)) = schema.objects.get_key_value(id) else { return BTreeSet::new() };
    let (mut found, mut open) = (BTreeSet::from([id]), vec![id]);
    while let Some(next) = open.pop() {
        let needs = schema.objects.get(next).into_iter().flat_map(|entry| &entry.needs);
        open.extend(needs.map(|need| &need.on).filter(|on| found.insert(*on)));
    }
    found
}

/// Kinds that a column's type or collation may be.
pub(super) fn is_type(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Enum
            | Kind::Domain
            | Kind::Composite
            | Kind::Range
            | Kind::Collation
            | Kind::Table
            | Kind::View
            | Kind::MaterializedView
    )
}

fn reason(disturbance: &Disturbance<'_>) -> String {
    let what = match disturbance.column {
        Some(column) => {
            let table = disturbance.id.qualified().map(|name| words::name(&name)).unwrap_or_default();
            format!("{table}.{column}")
        }
        None => words::object(disturbance.id),
    };
    match disturbance.how {
        How::Removed => format!("{what} goes"),
        How::Rebuilt => format!("{what} is made again"),
        How::Retyped => format!("{what} gets another type"),
    }
}

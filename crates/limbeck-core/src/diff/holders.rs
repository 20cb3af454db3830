//! Where values of a type are stored, bare or inside other values: PostgreSQL looks into none of these when the type changes,
//! and refuses the change.

use std::collections::BTreeSet;

use super::fate::Fates;
use crate::schema::{Kind, Object, ObjectId};

/// What stores values: a table's column, or a materialized view.
pub(super) type Holder<'a> = (&'a ObjectId, Option<&'a str>);

/// Which holders are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holding {
    /// Those that have the values inside arrays, rows or ranges.
    Within,
    /// All.
    Anyhow,
}

impl<'a> Fates<'a> {
    /// What stores values of a type on the old side; of a table or view: its rows.
    pub(super) fn holders_of(&self, of: &ObjectId, how: Holding) -> BTreeSet<Holder<'a>> {
        let mut search = Search { fates: self, found: BTreeSet::new(), seen: BTreeSet::new() };
        search.users(of, how);
        search.found
    }
}

struct Search<'f, 'a> {
    fates: &'f Fates<'a>,
    found: BTreeSet<Holder<'a>>,
    seen: BTreeSet<(&'a ObjectId, Holding)>,
}

impl<'a> Search<'_, 'a> {
    fn users(&mut self, of: &ObjectId, how: Holding) {
        for (user, need) in self.fates.users(of).to_vec() {
            if need.column.is_none() {
                self.user(user, need.by.as_deref(), how);
            }
        }
    }

    fn user(&mut self, user: &'a ObjectId, by: Option<&'a str>, how: Holding) {
        let is_enough = |data_type: &str| how == Holding::Anyhow || data_type.ends_with("[]");
        match (self.fates.from.get(user), by) {
            (Some(Object::Table(table)), Some(by)) => {
                let stored = table.column(by).filter(|column| is_enough(&column.data_type));
                if stored.is_some() && user.kind == Kind::Table {
                    self.found.insert((user, Some(by)));
                }
                self.within(user);
            }
            (Some(Object::View(view)), _) => {
                let is_stored = view.columns.iter().any(|column| is_enough(&column.data_type));
                if is_stored && user.kind == Kind::MaterializedView {
                    self.found.insert((user, None));
                }
                self.within(user);
            }
            (Some(Object::Domain(domain)), None) if !domain.base.ends_with("[]") => self.again(user, how),
            (Some(Object::Domain(_)), None) => self.within(user),
            (Some(Object::Composite(_) | Object::Range(_)), _) => self.within(user),
            _ => {}
        }
    }

    /// Whoever has values of the user has those of the type inside them.
    fn within(&mut self, user: &'a ObjectId) {
        self.again(user, Holding::Anyhow);
    }

    fn again(&mut self, user: &'a ObjectId, how: Holding) {
        if self.seen.insert((user, how)) {
            self.users(user, how);
        }
    }
}

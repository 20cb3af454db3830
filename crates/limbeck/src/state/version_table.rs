//! `alembic_version`: same name, same meaning, row for row, as Alembic's.

use limbeck_core::plan::RowChange;
use limbeck_core::revision::RevisionId;

use crate::quote::{ident, literal};

/// Alembic's width. A longer id needs the column widened.
const ALEMBIC_WIDTH: usize = 32;

/// The version table's name, resolved once per connection and from then on always with its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionTable {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl VersionTable {
    /// Schema and name, quoted.
    pub(crate) fn quoted(&self) -> String {
        format!("{}.{}", ident(&self.schema), ident(&self.name))
    }

    /// How the journal and the lock name it.
    pub(crate) fn key(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// The statement with which Alembic creates it, with room for `longest` characters.
    pub(crate) fn create(&self, longest: usize) -> String {
        let width = longest.max(ALEMBIC_WIDTH);
        format!(
            "CREATE TABLE IF NOT EXISTS {} (\n    version_num VARCHAR({width}) NOT NULL,\n    CONSTRAINT {} PRIMARY KEY (version_num)\n)",
            self.quoted(),
            ident(&format!("{}_pkc", self.name)),
        )
    }

    /// The statement that makes room for an id longer than Alembic's column.
    pub(crate) fn widen(&self, longest: usize) -> String {
        format!("ALTER TABLE {} ALTER COLUMN version_num TYPE VARCHAR({longest})", self.quoted())
    }

    /// [`VersionTable::widen`] for a script, which cannot ask the server first.
    pub(crate) fn widen_if_narrow(&self, longest: usize) -> Option<String> {
        let statement = self.widen(longest);
        let table = literal(&self.quoted());
        (longest > ALEMBIC_WIDTH).then(|| {
            format!(
                "DO $limbeck$ BEGIN\n    IF (SELECT atttypmod BETWEEN 4 AND {} FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass({table}) AND attname = 'version_num') THEN\n        {statement};\n    END IF;\nEND $limbeck$",
                longest + 3
            )
        })
    }

    /// The statements of a change, in the order of [`RowChange`].
    pub(crate) fn change(&self, change: &RowChange) -> Vec<String> {
        let table = self.quoted();
        let delete =
            |id: &RevisionId| format!("DELETE FROM {table} WHERE version_num = {}", literal(id.as_str()));
        let insert =
            |id: &RevisionId| format!("INSERT INTO {table} (version_num) VALUES ({})", literal(id.as_str()));
        let update = |(from, to): &(RevisionId, RevisionId)| {
            format!(
                "UPDATE {table} SET version_num = {} WHERE version_num = {}",
                literal(to.as_str()),
                literal(from.as_str())
            )
        };
        let mut statements: Vec<String> = change.delete.iter().map(delete).collect();
        statements.extend(change.update.iter().map(update));
        statements.extend(change.insert.iter().map(insert));
        statements
    }

    /// All rows, sorted as bytes.
    pub(crate) fn select(&self) -> String {
        format!("SELECT version_num::text FROM {} ORDER BY version_num COLLATE \"C\"", self.quoted())
    }
}

/// The width that ids need, where it is more than Alembic's column has.
pub(crate) fn longest<'a>(ids: impl IntoIterator<Item = &'a RevisionId>) -> usize {
    ids.into_iter().map(|id| id.as_str().chars().count()).max().unwrap_or(0)
}

//! Comments.

use limbeck_core::schema::Object;
use sqlx::Row;

use super::Section;
use super::reader::class;
use super::scope::FIRST_OWN;

/// The one schema that is in every database, as PostgreSQL comments it.
const PUBLIC: (i64, &str) = (2200, "standard public schema");

pub(super) const COMMENTS: Section = Section {
    sql: |_| {
        let (public, text) = PUBLIC;
        format!(
            "SELECT classoid::int8 AS class, objoid::int8 AS oid, objsubid::int2 AS number, description FROM pg_description \
             WHERE objoid >= {FIRST_OWN} OR classoid = {} AND objoid = {public} AND description <> '{text}'",
            class::NAMESPACE
        )
    },
    read: |reader, rows| {
        for row in rows {
            let address: (i64, i64) = (row.try_get("class")?, row.try_get("oid")?);
            let number: i16 = row.try_get("number")?;
            let comment: Option<String> = row.try_get("description")?;
            if number == 0 {
                if let Some(sequence) = reader.identity_sequence(address) {
                    sequence.comment = comment;
                } else if let Some(entry) = reader.whole_at(address) {
                    entry.comment = comment;
                } else if let Some(comment) = comment {
                    reader.comment_part(address, comment);
                }
                continue;
            }
            let Some(column) = reader.column(address.1, number).map(str::to_owned) else { continue };
            let Some(entry) = reader.entry_at(address) else { continue };
            let place = match &mut entry.object {
                Object::Table(table) => {
                    table.columns.iter_mut().find(|it| it.name == column).map(|it| &mut it.comment)
                }
                Object::View(view) => {
                    view.columns.iter_mut().find(|it| it.name == column).map(|it| &mut it.comment)
                }
                Object::Composite(composite) => {
                    composite.attributes.iter_mut().find(|it| it.name == column).map(|it| &mut it.comment)
                }
                _ => None,
            };
            if let Some(place) = place {
                *place = comment;
            }
        }
        Ok(())
    },
};

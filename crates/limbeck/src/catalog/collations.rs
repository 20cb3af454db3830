//! Collations.

use limbeck_core::schema::{Collation, Kind, Name, ObjectId};
use sqlx::Row;

use super::Section;
use super::reader::class;
use super::scope::no_member;

pub(super) const COLLATIONS: Section = Section {
    sql: |scope| {
        // Until 14 ICU's locale was in the columns of libc's; 17 renamed the column of 15.
        let locale = match scope.version {
            170_000.. => "c.colllocale",
            150_000.. => "c.colliculocale",
            _ => "CASE WHEN c.collprovider = 'i' THEN c.collcollate::text END",
        };
        let rules = scope.since(16, "', rules = ' || quote_literal(c.collicurules)", "NULL");
        let (schemas, member) = (&scope.schemas, no_member(class::COLLATION, "c.oid"));
        format!(
            "SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.collname::text AS name, concat('provider = ', \
             CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'default' END, \
             CASE WHEN NOT c.collisdeterministic THEN ', deterministic = false' END, \
             CASE WHEN {locale} IS NOT NULL THEN ', locale = ' || quote_literal({locale}) \
             WHEN c.collcollate = c.collctype THEN ', locale = ' || quote_literal(c.collcollate) \
             ELSE ', lc_collate = ' || quote_literal(c.collcollate) || ', lc_ctype = ' || quote_literal(c.collctype) END, \
             {rules}) AS definition \
             FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE {schemas} AND {member}"
        )
    },
    read: |reader, rows| {
        for row in rows {
            let name = Name::new(row.try_get::<String, _>("schema")?, row.try_get::<String, _>("name")?);
            let collation = Collation { definition: row.try_get("definition")? };
            let id = ObjectId::relation(Kind::Collation, &name);
            reader.add((class::COLLATION, row.try_get("oid")?), id, collation);
        }
        Ok(())
    },
};

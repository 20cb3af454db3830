//! Schemas and extensions.

use limbeck_core::schema::{Extension, Kind, Object, ObjectId};
use sqlx::Row;

use super::Section;
use super::reader::class;
use super::scope::no_member;

pub(super) const SCHEMAS: Section = Section {
    sql: |scope| {
        format!(
            "SELECT n.oid::int8 AS oid, n.nspname::text AS name FROM pg_namespace n WHERE {} AND {}",
            scope.schemas,
            no_member(class::NAMESPACE, "n.oid")
        )
    },
    read: |reader, rows| {
        for row in rows {
            let id = ObjectId::global(Kind::Schema, row.try_get::<String, _>("name")?);
            reader.add((class::NAMESPACE, row.try_get("oid")?), id, Object::Schema);
        }
        Ok(())
    },
};

/// PL/pgSQL is in every database.
pub(super) const EXTENSIONS: Section = Section {
    sql: |scope| {
        format!(
            "SELECT x.oid::int8 AS oid, x.extname::text AS name, n.nspname::text AS schema, x.extversion AS version \
             FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace \
             WHERE {} AND x.extname <> 'plpgsql'",
            scope.globals
        )
    },
    read: |reader, rows| {
        for row in rows {
            let id = ObjectId::global(Kind::Extension, row.try_get::<String, _>("name")?);
            let extension = Extension { schema: row.try_get("schema")?, version: row.try_get("version")? };
            reader.add((class::EXTENSION, row.try_get("oid")?), id, extension);
        }
        Ok(())
    },
};

//! Enums, domains, ranges and composite types; the attributes of these are read with the columns, the checks of
//! domains with the constraints.

use limbeck_core::schema::{Composite, Domain, Enum, Kind, Name, Nullability, Object, ObjectId, Range};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Reader, class};
use super::scope::no_member;

pub(super) const TYPES: Section = Section {
    sql: |scope| {
        let multirange =
            scope.since(14, "', multirange_type_name = ' || r.rngmultitypid::regtype::text", "NULL");
        let (schemas, member) = (&scope.schemas, no_member(class::TYPE, "t.oid"));
        format!(
            "SELECT t.oid::int8 AS oid, n.nspname::text AS schema, t.typname::text AS name, t.typtype::text AS typtype, \
             t.typrelid::int8 AS relation, t.typnotnull AS is_not_null, \
             CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base, \
             CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)) END \
             AS default, ln.nspname::text AS collation_schema, l.collname::text AS collation_name, \
             CASE WHEN t.typtype = 'e' THEN (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) \
             FROM pg_enum e WHERE e.enumtypid = t.oid) END AS labels, \
             CASE WHEN t.typtype = 'r' THEN concat('subtype = ', format_type(r.rngsubtype, NULL), \
             (SELECT format(', subtype_opclass = %I.%I', cn.nspname, c.opcname) FROM pg_opclass c \
             JOIN pg_namespace cn ON cn.oid = c.opcnamespace WHERE c.oid = r.rngsubopc AND NOT c.opcdefault), \
             (SELECT format(', collation = %I.%I', cn.nspname, c.collname) FROM pg_collation c \
             JOIN pg_namespace cn ON cn.oid = c.collnamespace WHERE c.oid = r.rngcollation \
             AND c.oid <> (SELECT s.typcollation FROM pg_type s WHERE s.oid = r.rngsubtype)), \
             CASE WHEN r.rngcanonical <> 0 THEN ', canonical = ' || r.rngcanonical::text END, \
             CASE WHEN r.rngsubdiff <> 0 THEN ', subtype_diff = ' || r.rngsubdiff::text END, {multirange}) END AS range \
             FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type b ON b.oid = t.typbasetype \
             LEFT JOIN pg_collation l ON t.typtype = 'd' AND l.oid = t.typcollation AND l.oid <> b.typcollation \
             LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace LEFT JOIN pg_range r ON r.rngtypid = t.oid \
             WHERE {schemas} AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' \
             AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')) AND {member}"
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

fn read(reader: &mut Reader, row: &PgRow) -> Result<(), sqlx::Error> {
    let (kind, object) = match row.try_get("typtype")? {
        "e" => {
            let values: Option<Vec<String>> = row.try_get("labels")?;
            (Kind::Enum, Object::from(Enum { values: values.unwrap_or_default() }))
        }
        "d" => (Kind::Domain, domain(row)?.into()),
        "r" => (Kind::Range, Range { definition: row.try_get("range")? }.into()),
        _ => (Kind::Composite, Composite { attributes: Vec::new() }.into()),
    };
    let name = Name::new(row.try_get::<String, _>("schema")?, row.try_get::<String, _>("name")?);
    let id = ObjectId::relation(kind, &name);
    if kind == Kind::Composite {
        reader.part((class::CLASS, row.try_get("relation")?), id.clone());
    }
    reader.add((class::TYPE, row.try_get("oid")?), id, object);
    Ok(())
}

fn domain(row: &PgRow) -> Result<Domain, sqlx::Error> {
    let nullability = match row.try_get("is_not_null")? {
        true => Nullability::NotNull,
        false => Nullability::Nullable,
    };
    Ok(Domain {
        base: row.try_get("base")?,
        collation: collation(row)?,
        default: row.try_get("default")?,
        nullability,
        checks: Vec::new(),
    })
}

/// The columns `collation_schema` and `collation_name`.
pub(super) fn collation(row: &PgRow) -> Result<Option<Name>, sqlx::Error> {
    let schema: Option<String> = row.try_get("collation_schema")?;
    let name: Option<String> = row.try_get("collation_name")?;
    Ok(schema.zip(name).map(|(schema, name)| Name::new(schema, name)))
}

//! Columns of tables and views, attributes of composite types.

use limbeck_core::schema::{
    Attribute, Column, Generated, Generation, Identity, IdentityKind, Nullability, Object, ViewColumn,
};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{ColumnFacts, Reader, class};
use super::relations::options;
use super::types::collation;

pub(super) const COLUMNS: Section = Section {
    sql: |scope| {
        let compression = scope.since(
            14,
            "CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END",
            "NULL::text",
        );
        // From 18 on NOT NULL is a constraint, which may be not valid.
        let not_valid = scope.since(
            18,
            "a.attnotnull AND EXISTS (SELECT FROM pg_constraint nn WHERE nn.conrelid = c.oid AND nn.contype = 'n' \
             AND nn.conkey = ARRAY[a.attnum] AND NOT nn.convalidated)",
            "false",
        );
        format!(
            "SELECT c.oid::int8 AS relation, a.attnum AS number, a.attname::text AS name, \
             nullif(quote_ident(a.attname), a.attname::text) AS quoted, a.atttypid::int8 AS type, \
             a.attcollation::int8 AS collation, format_type(a.atttypid, a.atttypmod) AS data_type, \
             ln.nspname::text AS collation_schema, l.collname::text AS collation_name, \
             a.attnotnull AS is_not_null, {not_valid} AS is_not_valid, d.oid::int8 AS default_oid, \
             CASE WHEN d.oid IS NOT NULL THEN pg_get_expr(d.adbin, d.adrelid) END AS default, \
             a.attgenerated::text AS generated, a.attidentity::text AS identity, \
             CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' \
             WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END AS storage, {compression} AS compression, \
             CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::int4 END AS statistics, \
             CASE WHEN c.relkind = 'f' THEN a.attfdwoptions ELSE a.attoptions END AS options, \
             a.attinhcount > 0 AND NOT a.attislocal AS inherited \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             JOIN pg_type t ON t.oid = a.atttypid \
             LEFT JOIN pg_attrdef d ON a.atthasdef AND d.adrelid = c.oid AND d.adnum = a.attnum \
             LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.oid <> t.typcollation \
             LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace \
             WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND c.relpersistence <> 't' AND {} \
             ORDER BY a.attrelid, a.attnum",
            scope.schemas
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

fn read(reader: &mut Reader, row: &PgRow) -> Result<(), sqlx::Error> {
    let relation: i64 = row.try_get("relation")?;
    let number: i16 = row.try_get("number")?;
    let Some(entry) = reader.entry_at((class::CLASS, relation)) else { return Ok(()) };
    let name: String = row.try_get("name")?;
    match &mut entry.object {
        Object::Table(table) => table.columns.push(column(row, &name)?),
        Object::View(view) => view.columns.push(ViewColumn {
            name: name.clone(),
            data_type: row.try_get("data_type")?,
            default: row.try_get("default")?,
            comment: None,
        }),
        Object::Composite(composite) => composite.attributes.push(Attribute {
            name: name.clone(),
            data_type: row.try_get("data_type")?,
            collation: collation(row)?,
            comment: None,
        }),
        _ => {}
    }
    let facts = ColumnFacts {
        quoted: row.try_get::<Option<String>, _>("quoted")?.unwrap_or_else(|| name.clone()),
        name,
        data_type: row.try_get("type")?,
        collation: row.try_get("collation")?,
    };
    reader.know_column(relation, number, facts);
    if let Some(default) = row.try_get("default_oid")? {
        reader.name_default(default, relation, number);
    }
    Ok(())
}

fn column(row: &PgRow, name: &str) -> Result<Column, sqlx::Error> {
    let mut column = Column::new(name, row.try_get::<String, _>("data_type")?);
    column.collation = collation(row)?;
    column.nullability = match (row.try_get("is_not_null")?, row.try_get("is_not_valid")?) {
        (false, _) => Nullability::Nullable,
        (true, false) => Nullability::NotNull,
        (true, true) => Nullability::NotValid,
    };
    let default: Option<String> = row.try_get("default")?;
    let generation = match row.try_get("generated")? {
        "s" => Some(Generation::Stored),
        "v" => Some(Generation::Virtual),
        _ => None,
    };
    match (default, generation) {
        (Some(expression), Some(generation)) => column.generated = Some(Generated { expression, generation }),
        (default, _) => column.default = default,
    }
    let kind = match row.try_get("identity")? {
        "a" => Some(IdentityKind::Always),
        "d" => Some(IdentityKind::ByDefault),
        _ => None,
    };
    // Its sequence is found with the sequences.
    column.identity = kind.map(|kind| Identity { kind, sequence: None });
    column.storage = row.try_get("storage")?;
    column.compression = row.try_get("compression")?;
    column.statistics = row.try_get("statistics")?;
    column.options = options(row, "options")?;
    column.inherited = row.try_get("inherited")?;
    Ok(column)
}

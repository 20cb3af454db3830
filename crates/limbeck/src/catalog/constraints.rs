//! Constraints of tables and of domains.

use limbeck_core::schema::{Constraint, ConstraintKind, DomainCheck, Kind, Object};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Reader, class};

/// Those that are only inherited, or are a partition's share of its parent's, are not listed. NOT NULL, a constraint
/// from PostgreSQL 18 on, is part of the column.
pub(super) const CONSTRAINTS: Section = Section {
    sql: |scope| {
        format!(
            "SELECT k.oid::int8 AS oid, k.conrelid::int8 AS relation, k.contypid::int8 AS domain, k.conname::text AS name, \
             k.contype::text AS contype, k.convalidated AS is_validated, k.conkey AS columns, \
             k.confrelid::int8 AS referenced, rn.nspname::text AS referenced_schema, r.relname::text AS referenced_name, \
             pg_get_constraintdef(k.oid) AS definition \
             FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace \
             LEFT JOIN pg_class r ON r.oid = k.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace \
             WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND k.conparentid = 0 \
             AND (k.conislocal OR k.coninhcount = 0) AND {} ORDER BY k.conname",
            scope.schemas
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

fn read(reader: &mut Reader, row: &PgRow) -> Result<(), sqlx::Error> {
    let name: String = row.try_get("name")?;
    let mut definition: String = row.try_get("definition")?;
    if let Some(valid) = definition.strip_suffix(" NOT VALID") {
        definition = valid.to_owned();
    }
    let validated = row.try_get("is_validated")?;
    let oid: i64 = row.try_get("oid")?;
    let domain = (class::TYPE, row.try_get("domain")?);
    if let Some(Object::Domain(domain)) = reader.entry_at(domain).map(|entry| &mut entry.object) {
        domain.checks.push(DomainCheck { name: name.clone(), definition, validated });
        if let Some(id) = reader.id((class::TYPE, row.try_get("domain")?)).cloned() {
            reader.named_part((class::CONSTRAINT, oid), id, name);
        }
        return Ok(());
    }
    let relation: i64 = row.try_get("relation")?;
    let Some(id) = reader.id_of(Kind::Constraint, relation, name) else { return Ok(()) };
    let columns: Option<Vec<i16>> = row.try_get("columns")?;
    let columns = columns.unwrap_or_default();
    let columns = columns.into_iter().filter_map(|number| Some(reader.column(relation, number)?.to_owned()));
    let referenced: Option<String> = row.try_get("referenced_schema")?;
    let referenced = referenced.zip(row.try_get("referenced_name")?);
    let constraint = Constraint {
        kind: kind(row.try_get("contype")?),
        definition,
        validated,
        columns: columns.collect(),
        references: referenced
            .map(|(schema, name): (String, String)| limbeck_core::schema::Name::new(schema, name)),
        // Found with the indexes.
        index: None,
    };
    reader.add((class::CONSTRAINT, oid), id, constraint);
    Ok(())
}

fn kind(contype: &str) -> ConstraintKind {
    match contype {
        "p" => ConstraintKind::PrimaryKey,
        "u" => ConstraintKind::Unique,
        "f" => ConstraintKind::ForeignKey,
        "x" => ConstraintKind::Exclusion,
        _ => ConstraintKind::Check,
    }
}

//! Indexes, those of constraints too.

use std::collections::BTreeMap;

use limbeck_core::schema::{Index, Kind, Object, ReplicaIdentity};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Reader, class};
use super::scope::no_member;

/// Not those of partitions that are parts of their parent's index.
pub(super) const INDEXES: Section = Section {
    sql: |scope| {
        let (schemas, member) = (&scope.schemas, no_member(class::CLASS, "x.oid"));
        format!(
            "SELECT x.oid::int8 AS oid, i.indrelid::int8 AS relation, x.relname::text AS name, i.indisunique AS is_unique, \
             i.indisvalid AS is_valid, x.relkind = 'I' AS is_partitioned, i.indisclustered AS is_clustered, \
             i.indisreplident AS is_replica_identity, string_to_array(i.indkey::text, ' ')::int2[] AS columns, k.oid::int8 AS constraint_oid, \
             substr(pg_get_indexdef(x.oid), length(format('CREATE %sINDEX %I ON %s%I.%I ', \
             CASE WHEN i.indisunique THEN 'UNIQUE ' END, x.relname, CASE WHEN x.relkind = 'I' THEN 'ONLY ' END, n.nspname, \
             c.relname)) + 1) AS definition, \
             CASE WHEN i.indexprs IS NOT NULL THEN (SELECT array_agg(a.attnum::int4 ORDER BY a.attnum) FROM pg_attribute a \
             WHERE a.attrelid = x.oid AND a.attstattarget >= 0) END AS statistics_columns, \
             CASE WHEN i.indexprs IS NOT NULL THEN (SELECT array_agg(a.attstattarget::int4 ORDER BY a.attnum) \
             FROM pg_attribute a WHERE a.attrelid = x.oid AND a.attstattarget >= 0) END AS statistics_targets \
             FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_constraint k ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid \
             AND k.contype IN ('p', 'u', 'x') \
             WHERE c.relkind IN ('r', 'p', 'm') AND NOT x.relispartition AND x.relpersistence <> 't' AND {schemas} \
             AND {member}"
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

fn read(reader: &mut Reader, row: &PgRow) -> Result<(), sqlx::Error> {
    let relation: i64 = row.try_get("relation")?;
    let name: String = row.try_get("name")?;
    if let Some(table) = reader.table(relation) {
        if row.try_get("is_clustered")? {
            table.cluster_on = Some(name.clone());
        }
        if row.try_get("is_replica_identity")? && table.replica_identity == ReplicaIdentity::Default {
            table.replica_identity = ReplicaIdentity::Index(name.clone());
        }
    }
    let oid: i64 = row.try_get("oid")?;
    let definition: String = row.try_get("definition")?;
    if let Some(constraint) = row.try_get::<Option<i64>, _>("constraint_oid")? {
        let address = (class::CONSTRAINT, constraint);
        if let Some(Object::Constraint(constraint)) = reader.entry_at(address).map(|entry| &mut entry.object)
        {
            constraint.index = Some(definition);
        }
        if let Some(id) = reader.id(address).cloned() {
            reader.part((class::CLASS, oid), id);
        }
        return Ok(());
    }
    let Some(id) = reader.id_of(Kind::Index, relation, name) else { return Ok(()) };
    let columns: Vec<i16> = row.try_get("columns")?;
    let column = |number: &i16| reader.column(relation, *number).map(str::to_owned);
    let valid: bool = row.try_get("is_valid")?;
    let index = Index {
        unique: row.try_get("is_unique")?,
        definition,
        valid,
        // That of a partitioned table is not valid as long as a partition lacks it.
        only: !valid && row.try_get("is_partitioned")?,
        columns: columns.iter().map(column).collect(),
        statistics: statistics(row)?,
    };
    reader.add((class::CLASS, oid), id, index);
    Ok(())
}

fn statistics(row: &PgRow) -> Result<BTreeMap<i32, i32>, sqlx::Error> {
    let columns: Option<Vec<i32>> = row.try_get("statistics_columns")?;
    let targets: Option<Vec<i32>> = row.try_get("statistics_targets")?;
    Ok(columns.unwrap_or_default().into_iter().zip(targets.unwrap_or_default()).collect())
}

//! Indexes, those of constraints too.
//!
//! `pg_get_indexdef` opens the table of each index and takes longer than everything else that is read. So it prints only
//! what takes PostgreSQL's knowledge (expressions, predicates, storage parameters, what departs from a type's usual
//! operator class or collation); the definitions of all others are put together here, as `ruleutils.c` does it.

use std::collections::BTreeMap;

use limbeck_core::schema::{Index, Kind, Object, ReplicaIdentity};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Reader, class};
use super::relations::has_options;
use super::scope::no_member;

/// What each access method takes for a type where an index says nothing.
pub(super) const OPERATOR_CLASSES: Section = Section {
    sql: |_| {
        "SELECT oid::int8 AS oid, opcmethod::int8 AS method, opcintype::int8 AS type FROM pg_opclass WHERE opcdefault"
            .to_owned()
    },
    read: |reader, rows| {
        for row in rows {
            let (method, of) = (row.try_get("method")?, row.try_get("type")?);
            reader.operator_classes.insert((method, of), row.try_get("oid")?);
        }
        Ok(())
    },
};

/// Not those of partitions that are parts of their parent's index: see [`SHARES`].
pub(super) const INDEXES: Section = Section {
    sql: |scope| {
        let (schemas, member) = (&scope.schemas, no_member(class::CLASS, "x.oid"));
        let has_options = has_options("o");
        let nulls = scope.since(15, "NOT i.indnullsnotdistinct", "true");
        format!(
            "SELECT x.oid::int8 AS oid, i.indrelid::int8 AS relation, x.relname::text AS name, i.indisunique AS is_unique, \
             i.indisvalid AS is_valid, x.relkind = 'I' AS is_partitioned, i.indisclustered AS is_clustered, \
             i.indisreplident AS is_replica_identity, string_to_array(i.indkey::text, ' ')::int2[] AS columns, \
             k.oid::int8 AS constraint_oid, x.relam::int8 AS method, i.indnkeyatts AS keys, i.indclass::text AS classes, \
             i.indcollation::text AS collations, i.indoption::text AS orders, \
             CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL AND x.reloptions IS NULL AND {nulls} \
             AND x.oid NOT IN (SELECT o.attrelid FROM pg_attribute o WHERE {has_options}) \
             THEN quote_ident(m.amname) END AS plain_method, \
             CASE WHEN i.indexprs IS NOT NULL THEN (SELECT array_agg(a.attnum::int4 ORDER BY a.attnum) FROM pg_attribute a \
             WHERE a.attrelid = x.oid AND a.attstattarget >= 0) END AS statistics_columns, \
             CASE WHEN i.indexprs IS NOT NULL THEN (SELECT array_agg(a.attstattarget::int4 ORDER BY a.attnum) \
             FROM pg_attribute a WHERE a.attrelid = x.oid AND a.attstattarget >= 0) END AS statistics_targets \
             FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = x.relam \
             LEFT JOIN pg_constraint k ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid \
             AND k.contype IN ('p', 'u', 'x') \
             WHERE c.relkind IN ('r', 'p', 'm') AND NOT x.relispartition AND x.relpersistence <> 't' AND {schemas} \
             AND {member}"
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

/// What partitions have of their parents' indexes and foreign keys: only the names.
pub(super) const SHARES: Section = Section {
    sql: |scope| {
        let schemas = &scope.schemas;
        format!(
            "SELECT i.indrelid::int8 AS relation, 'index' AS kind, p.relname::text AS parents, x.relname::text AS name \
             FROM pg_inherits h JOIN pg_class x ON x.oid = h.inhrelid JOIN pg_class p ON p.oid = h.inhparent \
             JOIN pg_index i ON i.indexrelid = x.oid JOIN pg_namespace n ON n.oid = x.relnamespace WHERE {schemas} \
             UNION ALL SELECT k.conrelid::int8, 'foreign key', p.conname::text, k.conname::text FROM pg_constraint k \
             JOIN pg_constraint p ON p.oid = k.conparentid AND p.conrelid <> k.conrelid AND p.confrelid = k.confrelid \
             JOIN pg_namespace n ON n.oid = k.connamespace WHERE k.contype = 'f' AND {schemas}"
        )
    },
    read: |reader, rows| {
        for row in rows {
            let Some(table) = reader.table(row.try_get("relation")?) else { continue };
            let names = match row.try_get("kind")? {
                "index" => &mut table.shares.indexes,
                _ => &mut table.shares.foreign_keys,
            };
            names.insert(row.try_get("parents")?, row.try_get("name")?);
        }
        Ok(())
    },
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
    let columns: Vec<i16> = row.try_get("columns")?;
    let definition = plain_definition(reader, row, relation, &columns)?;
    if let Some(constraint) = row.try_get::<Option<i64>, _>("constraint_oid")? {
        if let Some(id) = reader.id((class::CONSTRAINT, constraint)).cloned() {
            // Its name is the constraint's.
            reader.named_part((class::CLASS, oid), id, String::new());
            define(reader, oid, definition);
        }
        return Ok(());
    }
    let Some(id) = reader.id_of(Kind::Index, relation, name) else { return Ok(()) };
    let column = |number: &i16| reader.column(relation, *number).map(str::to_owned);
    let valid: bool = row.try_get("is_valid")?;
    let index = Index {
        unique: row.try_get("is_unique")?,
        definition: String::new(),
        valid,
        // That of a partitioned table is not valid as long as a partition lacks it.
        only: !valid && row.try_get("is_partitioned")?,
        columns: columns.iter().map(column).collect(),
        statistics: statistics(row)?,
    };
    reader.add((class::CLASS, oid), id, index);
    define(reader, oid, definition);
    Ok(())
}

/// Gives an index its definition; one that is not known here is asked for afterwards.
fn define(reader: &mut Reader, oid: i64, definition: Option<String>) {
    let Some(definition) = definition else {
        reader.unprinted.push(oid);
        return;
    };
    match reader.entry_at((class::CLASS, oid)).map(|entry| &mut entry.object) {
        Some(Object::Constraint(constraint)) => constraint.index = Some(definition),
        Some(Object::Index(index)) => index.definition = definition,
        _ => {}
    }
}

/// The query for the definitions that only PostgreSQL can print, from `USING` on.
pub(super) fn definitions(oids: &[i64]) -> String {
    let oids = oids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    format!(
        "SELECT x.oid::int8 AS oid, substr(pg_get_indexdef(x.oid), length(format('CREATE %sINDEX %I ON %s%I.%I ', \
         CASE WHEN i.indisunique THEN 'UNIQUE ' END, x.relname, CASE WHEN x.relkind = 'I' THEN 'ONLY ' END, n.nspname, \
         c.relname)) + 1) AS definition FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE x.oid = ANY ('{{{oids}}}'::oid[])"
    )
}

/// Takes the rows of [`definitions`].
pub(super) fn read_definitions(reader: &mut Reader, rows: &[PgRow]) -> Result<(), sqlx::Error> {
    for row in rows {
        define(reader, row.try_get("oid")?, Some(row.try_get("definition")?));
    }
    Ok(())
}

/// What `pg_get_indexdef` prints from `USING` on, where that takes no more than names.
fn plain_definition(
    reader: &Reader,
    row: &PgRow,
    relation: i64,
    columns: &[i16],
) -> Result<Option<String>, sqlx::Error> {
    let Some(name) = row.try_get::<Option<String>, _>("plain_method")? else { return Ok(None) };
    let method: i64 = row.try_get("method")?;
    let keys = usize::try_from(row.try_get::<i16, _>("keys")?).unwrap_or_default();
    let (classes, collations) = (numbers(row, "classes")?, numbers(row, "collations")?);
    let orders = numbers(row, "orders")?;
    let per_key = classes.iter().zip(&collations).zip(&orders);
    let printed = per_key.zip(columns).map(|(((class, collation), order), number)| {
        let facts = reader.facts(relation, *number)?;
        let usual = is_usual(reader, method, facts.data_type, *class)
            && (*collation == 0 || *collation == facts.collation);
        usual.then(|| format!("{}{}", facts.quoted, direction(*order)))
    });
    let Some(printed) = printed.collect::<Option<Vec<_>>>().filter(|printed| printed.len() == keys) else {
        return Ok(None);
    };
    let included =
        columns.iter().skip(keys).map(|number| Some(reader.facts(relation, *number)?.quoted.as_str()));
    let Some(included) = included.collect::<Option<Vec<_>>>() else { return Ok(None) };
    let include = match included.is_empty() {
        true => String::new(),
        false => format!(" INCLUDE ({})", included.join(", ")),
    };
    Ok(Some(format!("USING {name} ({}){include}", printed.join(", "))))
}

/// Whether an operator class is what PostgreSQL takes for a type by itself (`GetDefaultOpClass`): the type's own, else
/// that of what the type can stand for without a conversion.
fn is_usual(reader: &Reader, method: i64, data_type: i64, class: i64) -> bool {
    const TEXT: i64 = 25;
    const CHARACTER_VARYING: i64 = 1043;
    const ANY_ENUM: i64 = 3500;
    let of = |data_type: i64| reader.operator_classes.get(&(method, data_type)).copied();
    of(data_type).or_else(|| of(if data_type == CHARACTER_VARYING { TEXT } else { ANY_ENUM })) == Some(class)
}

/// The order of a key, from the bits of `pg_index.indoption`: descending, nulls first. What is usual is not said.
fn direction(order: i64) -> &'static str {
    match order {
        1 => " DESC NULLS LAST",
        2 => " NULLS FIRST",
        3 => " DESC",
        _ => "",
    }
}

/// An `oidvector` or `int2vector`, which prints its numbers with spaces between.
fn numbers(row: &PgRow, column: &str) -> Result<Vec<i64>, sqlx::Error> {
    let text: String = row.try_get(column)?;
    Ok(text.split(' ').filter_map(|number| number.parse().ok()).collect())
}

fn statistics(row: &PgRow) -> Result<BTreeMap<i32, i32>, sqlx::Error> {
    let columns: Option<Vec<i32>> = row.try_get("statistics_columns")?;
    let targets: Option<Vec<i32>> = row.try_get("statistics_targets")?;
    Ok(columns.unwrap_or_default().into_iter().zip(targets.unwrap_or_default()).collect())
}

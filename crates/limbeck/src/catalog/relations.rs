//! Tables, foreign tables, views and materialized views.

use std::collections::BTreeMap;

use limbeck_core::schema::{Kind, Name, ObjectId, PartitionOf, Persistence, ReplicaIdentity, Table, View};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Reader, class};
use super::scope::no_member;

pub(super) const RELATIONS: Section = Section {
    sql: |scope| {
        let (schemas, member) = (&scope.schemas, no_member(class::CLASS, "c.oid"));
        format!(
            "SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind, \
             c.relpersistence = 'u' AS is_unlogged, c.reloptions AS options, t.reloptions AS toast_options, \
             CASE WHEN a.amname <> 'heap' THEN a.amname::text END AS method, \
             c.relrowsecurity AS row_security, c.relforcerowsecurity AS force_row_security, \
             CASE WHEN c.relkind IN ('r', 'p') THEN c.relreplident::text END AS replica_identity, \
             CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_by, \
             CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound, \
             p.schemas AS parent_schemas, p.names AS parents, \
             tn.nspname::text AS type_schema, ty.typname::text AS type_name, \
             CASE WHEN c.relkind = 'f' THEN (SELECT format('SERVER %I', s.srvname) || coalesce((SELECT ' OPTIONS (' || \
             string_agg(format('%I %L', o.option_name, o.option_value), ', ') || ')' \
             FROM pg_options_to_table(f.ftoptions) o), '') FROM pg_foreign_table f \
             JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) END AS server, \
             CASE WHEN c.relkind IN ('v', 'm') THEN rtrim(pg_get_viewdef(c.oid), ';') END AS query \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_class t ON t.oid = c.reltoastrelid LEFT JOIN pg_am a ON a.oid = c.relam \
             LEFT JOIN pg_type ty ON ty.oid = c.reloftype LEFT JOIN pg_namespace tn ON tn.oid = ty.typnamespace \
             LEFT JOIN (SELECT i.inhrelid, array_agg(pn.nspname::text ORDER BY i.inhseqno) AS schemas, \
             array_agg(pc.relname::text ORDER BY i.inhseqno) AS names FROM pg_inherits i \
             JOIN pg_class pc ON pc.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = pc.relnamespace \
             WHERE pc.relkind IN ('r', 'p', 'f') GROUP BY i.inhrelid) p ON p.inhrelid = c.oid \
             WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't' AND {schemas} AND {member}"
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

fn read(reader: &mut Reader, row: &PgRow) -> Result<(), sqlx::Error> {
    let name = Name::new(row.try_get::<String, _>("schema")?, row.try_get::<String, _>("name")?);
    if reader.without_tables.contains(&name) {
        return Ok(());
    }
    let address = (class::CLASS, row.try_get("oid")?);
    let kind = match row.try_get("kind")? {
        "v" => Kind::View,
        "m" => Kind::MaterializedView,
        "f" => Kind::ForeignTable,
        _ => Kind::Table,
    };
    let id = ObjectId::relation(kind, &name);
    match kind {
        Kind::View | Kind::MaterializedView => reader.add(address, id, view(row)?),
        _ => reader.add(address, id, table(row)?),
    }
    Ok(())
}

fn view(row: &PgRow) -> Result<View, sqlx::Error> {
    Ok(View {
        definition: row.try_get("query")?,
        columns: Vec::new(),
        options: options(row, "options")?,
        access_method: row.try_get("method")?,
    })
}

fn table(row: &PgRow) -> Result<Table, sqlx::Error> {
    let mut table = Table::new(Vec::new());
    if row.try_get("is_unlogged")? {
        table.persistence = Persistence::Unlogged;
    }
    table.partition_by = row.try_get("partition_by")?;
    let mut parents = parents(row)?;
    match row.try_get("bound")? {
        Some(bound) => {
            table.partition_of = parents.pop().map(|parent| PartitionOf { parent, bound });
        }
        None => table.inherits = parents,
    }
    let of_schema: Option<String> = row.try_get("type_schema")?;
    let of_name: Option<String> = row.try_get("type_name")?;
    table.of_type = of_schema.zip(of_name).map(|(schema, name)| Name::new(schema, name));
    table.options = options(row, "options")?;
    let toast = options(row, "toast_options")?;
    table.options.extend(toast.into_iter().map(|(name, value)| (format!("toast.{name}"), value)));
    table.access_method = row.try_get("method")?;
    table.row_security = row.try_get("row_security")?;
    table.force_row_security = row.try_get("force_row_security")?;
    // Which index it is, is found with the indexes.
    table.replica_identity = match row.try_get("replica_identity")? {
        Some("n") => ReplicaIdentity::Nothing,
        Some("f") => ReplicaIdentity::Full,
        _ => ReplicaIdentity::Default,
    };
    table.server = row.try_get("server")?;
    Ok(table)
}

fn parents(row: &PgRow) -> Result<Vec<Name>, sqlx::Error> {
    let schemas: Option<Vec<String>> = row.try_get("parent_schemas")?;
    let names: Option<Vec<String>> = row.try_get("parents")?;
    let pairs = schemas.unwrap_or_default().into_iter().zip(names.unwrap_or_default());
    Ok(pairs.map(|(schema, name)| Name::new(schema, name)).collect())
}

/// What a server keeps among the options for itself, with a value of its own at each change: since the releases of
/// November 2026 (17.12, for example), the version of a table's columns.
const OF_THE_SERVER: &str = "pg_attver";

/// Whether a row of `pg_attribute` has options that somebody gave it.
pub(super) fn has_options(attribute: &str) -> String {
    format!(
        "({attribute}.attoptions IS NOT NULL AND EXISTS (SELECT FROM unnest({attribute}.attoptions) y \
         WHERE NOT starts_with(y, '{OF_THE_SERVER}=')))"
    )
}

/// `name=value` texts, as in `pg_class.reloptions`.
pub(super) fn options(row: &PgRow, column: &str) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let options: Option<Vec<String>> = row.try_get(column)?;
    let pair = |option: String| match option.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (option, String::new()),
    };
    let pairs = options.unwrap_or_default().into_iter().map(pair);
    Ok(pairs.filter(|(name, _)| name != OF_THE_SERVER).collect())
}

//! Sequences, those of identity columns too, which become part of the column.

use limbeck_core::schema::{IdentitySequence, Kind, Name, ObjectId, Persistence, Sequence};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Reader, class};
use super::scope::no_member;

pub(super) const SEQUENCES: Section = Section {
    sql: |scope| {
        let (schemas, member) = (&scope.schemas, no_member(class::CLASS, "c.oid"));
        format!(
            "SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, \
             c.relpersistence = 'u' AS is_unlogged, format_type(s.seqtypid, NULL) AS data_type, s.seqstart AS start, \
             s.seqincrement AS increment, s.seqmin AS min, s.seqmax AS max, s.seqcache AS cache, s.seqcycle AS cycle, \
             d.deptype = 'i' AS is_identity, d.refobjid::int8 AS owner, d.refobjsubid::int2 AS owner_column \
             FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_depend d ON d.classid = {class} AND d.objid = c.oid AND d.objsubid = 0 \
             AND d.refclassid = {class} AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') \
             WHERE c.relpersistence <> 't' AND {schemas} AND {member}",
            class = class::CLASS
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

fn read(reader: &mut Reader, row: &PgRow) -> Result<(), sqlx::Error> {
    let name = Name::new(row.try_get::<String, _>("schema")?, row.try_get::<String, _>("name")?);
    let owner: Option<(i64, i16)> = row.try_get::<Option<i64>, _>("owner")?.zip(row.try_get("owner_column")?);
    let is_identity: Option<bool> = row.try_get("is_identity")?;
    if let (Some((table, column)), Some(true)) = (owner, is_identity) {
        let sequence = IdentitySequence::new(name, sequence(row, None)?);
        if let Some(identity) = reader.table_column(table, column).and_then(|column| column.identity.as_mut())
        {
            identity.sequence = Some(sequence);
            reader.know_identity(row.try_get("oid")?, table, column);
        }
        return Ok(());
    }
    let owner = match owner {
        Some((table, number)) => {
            let table_name = reader.relation(table);
            let column = reader.column(table, number).map(str::to_owned);
            // That of a table that is left out goes with it.
            let Some(owner) = table_name.zip(column) else { return Ok(()) };
            Some(owner)
        }
        None => None,
    };
    let id = ObjectId::relation(Kind::Sequence, &name);
    reader.add((class::CLASS, row.try_get("oid")?), id, sequence(row, owner)?);
    Ok(())
}

fn sequence(row: &PgRow, owned_by: Option<(Name, String)>) -> Result<Sequence, sqlx::Error> {
    Ok(Sequence {
        data_type: row.try_get("data_type")?,
        start: row.try_get("start")?,
        increment: row.try_get("increment")?,
        min: row.try_get("min")?,
        max: row.try_get("max")?,
        cache: row.try_get("cache")?,
        cycle: row.try_get("cycle")?,
        persistence: match row.try_get("is_unlogged")? {
            true => Persistence::Unlogged,
            false => Persistence::Permanent,
        },
        owned_by,
    })
}

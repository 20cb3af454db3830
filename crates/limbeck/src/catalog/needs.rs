//! What needs what: `pg_depend`, with the parts of objects that it tells apart put together again.

use std::collections::HashMap;

use limbeck_core::schema::{Kind, Need, ObjectId};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Address, Reader, class};
use super::scope::FIRST_OWN;

pub(super) const MEMBERS: Section = Section {
    sql: |_| {
        format!(
            "SELECT d.classid::int8 AS class, d.objid::int8 AS oid, x.extname::text AS extension FROM pg_depend d \
             JOIN pg_extension x ON x.oid = d.refobjid WHERE d.refclassid = {} AND d.deptype = 'e'",
            class::EXTENSION
        )
    },
    read: |reader, rows| {
        for row in rows {
            reader.members.insert((row.try_get("class")?, row.try_get("oid")?), row.try_get("extension")?);
        }
        Ok(())
    },
};

/// Which schema something is in needs no row: its name says it.
pub(super) const NEEDS: Section = Section {
    sql: |_| {
        format!(
            "SELECT classid::int8 AS class, objid::int8 AS oid, objsubid::int2 AS number, refclassid::int8 AS ref_class, \
             refobjid::int8 AS ref_oid, refobjsubid::int2 AS ref_number, deptype = 'i' OR classid IN ({OWNED}) \
             AND refclassid IN ({OWNERS}) AS is_part FROM pg_depend WHERE objid >= {FIRST_OWN} AND refobjid >= {FIRST_OWN} \
             AND refclassid <> {} AND deptype IN ('n', 'a', 'i', 'P', 'S')",
            class::NAMESPACE
        )
    },
    read: |reader, rows| {
        let edges: Vec<Edge> = rows.iter().map(Edge::read).collect::<Result<_, _>>()?;
        let wholes = edges.iter().filter(|edge| edge.is_part).map(|edge| (edge.from, edge.to)).collect();
        let places = Places { reader, wholes };
        let needs: Vec<(ObjectId, Need)> = edges.iter().filter_map(|edge| places.need(edge)).collect();
        for (id, need) in needs {
            if let Some(entry) = reader.entry(&id) {
                entry.needs.insert(need);
            }
        }
        Ok(())
    },
};

/// `pg_amop`, `pg_amproc`, `pg_publication_rel`, `pg_publication_namespace`: parts of their owners that are not marked
/// as internal to them.
const OWNED: &str = "2602, 2603, 6106, 6237";
/// Operator families, operator classes, publications.
const OWNERS: &str = "2753, 2616, 6104";

/// An object, and the number of its column, or 0.
type Place = (Address, i16);

struct Edge {
    from: Place,
    to: Place,
    is_part: bool,
}

impl Edge {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            from: ((row.try_get("class")?, row.try_get("oid")?), row.try_get("number")?),
            to: ((row.try_get("ref_class")?, row.try_get("ref_oid")?), row.try_get("ref_number")?),
            is_part: row.try_get("is_part")?,
        })
    }
}

struct Places<'a> {
    reader: &'a Reader,
    /// What something is a part of, according to `pg_depend`: an array type of its element, a row type of its table.
    wholes: HashMap<Place, Place>,
}

impl Places<'_> {
    fn need(&self, edge: &Edge) -> Option<(ObjectId, Need)> {
        let (id, by) = self.find(edge.from)?;
        let (on, column) = self.find(edge.to)?;
        (id != on).then_some((id, Need { on, column, by }))
    }

    /// The object, and its column.
    fn find(&self, place: Place) -> Option<(ObjectId, Option<String>)> {
        let mut place = place;
        // Parts of parts: an array of a table's row type. There are no longer chains than these.
        for _ in 0..4 {
            let (address, number) = place;
            if let Some(id) = self.reader.id(address) {
                let column = self.reader.column(address.1, number).filter(|_| address.0 == class::CLASS);
                return Some((id.clone(), column.map(str::to_owned)));
            }
            if let Some(extension) = self.reader.members.get(&address) {
                return Some((ObjectId::global(Kind::Extension, extension), None));
            }
            place = match self.reader.default(address.1).filter(|_| address.0 == class::ATTRIBUTE_DEFAULT) {
                Some((relation, number)) => ((class::CLASS, relation), number),
                None => *self.wholes.get(&(address, 0))?,
            };
        }
        None
    }
}

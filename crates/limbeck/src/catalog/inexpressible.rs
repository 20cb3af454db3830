//! What a database holds that a schema value cannot say.

use sqlx::Row;

use super::Section;

pub(super) const INEXPRESSIBLE: Section = Section {
    sql: |_| "SELECT NULL::text AS what WHERE false".to_owned(),
    read: |reader, rows| {
        for row in rows {
            reader.inexpressible.insert(row.try_get("what")?);
        }
        Ok(())
    },
};

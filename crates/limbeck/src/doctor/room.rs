//! How much room there is: transaction ids, and the disk where that can be seen.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Check, Context, Finding};
use crate::connect::Address;

/// PostgreSQL stops taking writes three million ids before 2^31 (manual, "Preventing Transaction ID
/// Wraparound Failures"); autovacuum should act at 200 million.
const IDS: i64 = 1 << 31;
const WORRYING_AGE: i64 = 1_000_000_000;
const DANGEROUS_AGE: i64 = 1_900_000_000;

pub(super) const WRAPAROUND: Check = Check {
    name: "wraparound",
    sql: |_| {
        "SELECT greatest(age(datfrozenxid), mxid_age(datminmxid))::int8 AS age, quote_ident(datname) AS name \
         FROM pg_catalog.pg_database WHERE datname = current_database()"
            .to_owned()
    },
    read: wraparound,
};

fn wraparound(rows: &[PgRow], _: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let age: i64 = row.try_get("age")?;
    let name: String = row.try_get("name")?;
    Ok(vec![of_age(age, &name)])
}

fn of_age(age: i64, database: &str) -> Finding {
    let percent = age * 100 / IDS;
    let what = format!("{percent} % of the transaction ids are used up");
    let help = format!(
        "end old transactions, prepared ones and replication slots, then VACUUM (FREEZE) the oldest tables of \
         {database}"
    );
    match age {
        DANGEROUS_AGE.. => {
            Finding::error(WRAPAROUND.name, format!("{what}: the server will soon refuse to write"))
                .help(help)
        }
        WORRYING_AGE.. => {
            Finding::warning(WRAPAROUND.name, format!("{what}: autovacuum does not keep up")).help(help)
        }
        _ => Finding::fine(WRAPAROUND.name, what),
    }
}

/// The tablespace of the version table is that of the database, as limbeck makes it.
pub(super) const DISK: Check = Check {
    name: "disk",
    sql: |_| {
        "SELECT coalesce(nullif(pg_tablespace_location(d.dattablespace), ''), \
         (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory')) AS folder \
         FROM pg_catalog.pg_database d WHERE d.datname = current_database()"
            .to_owned()
    },
    read: disk,
};

fn disk(rows: &[PgRow], context: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let folder: Option<String> = rows.first().map(|row| row.try_get("folder")).transpose()?.flatten();
    let mut addresses = context.patient.spec.addresses();
    if !addresses.all(|address| matches!(address, Address::Socket(..))) {
        return Ok(vec![Finding::note(
            DISK.name,
            "not visible: PostgreSQL does not tell, and the server may be elsewhere",
        )]);
    }
    let Some(folder) = folder else {
        return Ok(vec![
            Finding::note(DISK.name, "not visible: the role may not know the server's folder")
                .help("GRANT pg_read_all_settings TO the role that migrates"),
        ]);
    };
    Ok(vec![match rustix::fs::statvfs(&folder) {
        Err(error) => {
            Finding::note(DISK.name, format!("not visible: {folder} cannot be looked at ({error})"))
        }
        Ok(disk) => of_space(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize, &folder),
    }])
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

fn of_space(free: u64, total: u64, folder: &str) -> Finding {
    let shown = if free < GIB { format!("{} MiB", free / MIB) } else { format!("{} GiB", free / GIB) };
    let what = format!("{shown} free in {folder}");
    let help = "make room before the next run: a revision that rewrites a table needs as much again";
    match free {
        _ if free < 64 * MIB => {
            Finding::error(DISK.name, format!("{what}: PostgreSQL stops when it is full")).help(help)
        }
        _ if free < GIB || free < total / 20 => Finding::warning(DISK.name, what).help(help),
        _ => Finding::fine(DISK.name, what),
    }
}

#[cfg(test)]
mod tests {
    use super::{GIB, MIB, of_age, of_space};
    use crate::doctor::Severity;

    #[test]
    fn little_room_is_a_warning_and_none_an_error() {
        let severity = |free| of_space(free, 100 * GIB, "/data").severity;
        assert_eq!(severity(50 * GIB), Severity::Fine);
        assert_eq!(severity(4 * GIB), Severity::Warning);
        assert_eq!(severity(63 * MIB), Severity::Error);
    }

    #[test]
    fn old_ids_are_a_warning_and_very_old_ones_an_error() {
        let severity = |age| of_age(age, "shop").severity;
        assert_eq!(severity(200_000_000), Severity::Fine);
        assert_eq!(severity(1_200_000_000), Severity::Warning);
        assert_eq!(severity(2_000_000_000), Severity::Error);
    }
}

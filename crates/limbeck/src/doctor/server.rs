//! The server: its version, whether it takes writes, how the connection is protected.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Check, Context, Finding};
use crate::connect::Address;

/// The major versions that limbeck is tested with.
const OLDEST: i32 = 13;
const NEWEST: i32 = 18;

pub(super) const VERSION: Check = Check {
    name: "server",
    sql: |_| {
        "SELECT current_setting('server_version_num')::int4 AS number, \
         split_part(current_setting('server_version'), ' ', 1) AS version, pg_is_in_recovery() AS is_standby, \
         current_setting('default_transaction_read_only') = 'on' AS is_read_only"
            .to_owned()
    },
    read: version,
};

fn version(rows: &[PgRow], context: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let number: i32 = row.try_get("number")?;
    let version: String = row.try_get("version")?;
    let mut findings = vec![of_version(number / 10_000, &version, context)];
    if row.try_get("is_standby")? {
        findings.push(
            Finding::error(VERSION.name, "this is a standby: it takes no writes")
                .help("name the primary in the URL, or all servers with `target_session_attrs=read-write`"),
        );
    } else if row.try_get("is_read_only")? {
        findings.push(
            Finding::error(
                VERSION.name,
                "transactions are read-only by default (`default_transaction_read_only`)",
            )
            .help("ALTER ROLE ... SET default_transaction_read_only = off, for the role that migrates"),
        );
    }
    Ok(findings)
}

fn of_version(major: i32, version: &str, context: &Context<'_>) -> Finding {
    let what = format!("PostgreSQL {version}");
    let wanted = context.patient.config.postgres_version.map(i32::from);
    match wanted {
        _ if major < OLDEST => Finding::error(
            VERSION.name,
            format!("{what} is older than limbeck supports ({OLDEST} to {NEWEST})"),
        )
        .help("upgrade the server"),
        Some(wanted) if wanted != major => {
            Finding::warning(VERSION.name, format!("{what}, but `postgres_version` says {wanted}"))
                .help("correct `postgres_version` in limbeck.toml, or use a server of production's version")
        }
        _ if major > NEWEST => Finding::note(
            VERSION.name,
            format!("{what}, newer than what this limbeck was tested with ({NEWEST})"),
        ),
        _ => Finding::fine(VERSION.name, what),
    }
}

pub(super) const TLS: Check = Check {
    name: "tls",
    sql: |_| {
        "SELECT coalesce(s.ssl, false) AS is_on, s.version AS protocol FROM (SELECT pg_backend_pid() AS pid) b \
         LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = b.pid"
            .to_owned()
    },
    read: tls,
};

fn tls(rows: &[PgRow], context: &Context<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let spec = context.patient.spec;
    let is_on = rows.first().map(|row| row.try_get("is_on")).transpose()?.unwrap_or(false);
    let protocol: Option<String> = rows.first().map(|row| row.try_get("protocol")).transpose()?.flatten();
    let protocol = protocol.unwrap_or_else(|| "TLS".to_owned());
    let mode = spec.sslmode();
    Ok(vec![if spec.addresses().all(is_on_this_machine) {
        let on = if is_on { protocol } else { "none, and none needed".to_owned() };
        Finding::fine(TLS.name, format!("{on}: the server is on this machine"))
    } else if !is_on {
        Finding::warning(
            TLS.name,
            format!("the connection is not encrypted (sslmode={mode}): passwords and data pass in the clear"),
        )
        .help("turn `ssl` on in the server, and put `sslmode=verify-full` into the URL")
    } else if !spec.verifies_server() {
        Finding::note(TLS.name, format!("{protocol}, but sslmode={mode} does not check who answers"))
            .help("put `sslmode=verify-full` into the URL, with `sslrootcert=` for a CA of your own")
    } else {
        Finding::fine(TLS.name, format!("{protocol}, sslmode={mode}"))
    }])
}

fn is_on_this_machine(address: &Address) -> bool {
    match address {
        Address::Socket(..) => true,
        Address::Tcp(host, _) => {
            host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
    }
}

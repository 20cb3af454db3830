//! The parameters of a URL: libpq's, and what Python's drivers add. One table names them all.

use limbeck_core::nearest;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;
use super::tls::{RootCert, SessionAttrs, SslMode};
use super::uri::parse_port;
use super::url::{Fault, Keepalives, Parts, Timeout};

type Setter = fn(&mut Parts, &str, &str) -> Result<(), Fault>;

/// Every parameter that is understood, with what it does.
const PARAMETERS: &[(&str, Setter)] = &[
    ("host", set_hosts),
    ("hostaddr", set_hostaddrs),
    ("port", set_ports),
    ("user", set_user),
    ("password", set_password),
    ("dbname", set_dbname),
    ("sslmode", set_sslmode),
    ("sslrootcert", set_sslrootcert),
    ("sslcert", set_sslcert),
    ("sslkey", set_sslkey),
    ("options", set_options),
    ("connect_timeout", set_connect_timeout),
    ("target_session_attrs", set_attrs),
    ("passfile", set_passfile),
    ("keepalives", set_keepalives),
    ("keepalives_idle", set_keepalive),
    ("keepalives_interval", set_keepalive),
    ("keepalives_count", set_keepalive),
    ("tcp_user_timeout", ignore),
    ("channel_binding", must_be_lax),
    ("gssencmode", must_be_lax),
    ("sslnegotiation", must_be_lax),
    ("load_balance_hosts", must_be_lax),
    ("client_encoding", must_be_lax),
    ("sslcompression", ignore),
    ("sslsni", ignore),
    // Ours wins.
    ("application_name", ignore),
    ("fallback_application_name", ignore),
    // asyncpg, psycopg and SQLAlchemy's dialects for them.
    ("ssl", set_ssl),
    ("timeout", set_connect_timeout),
    ("command_timeout", ignore),
    ("statement_cache_size", ignore),
    ("prepared_statement_cache_size", ignore),
    ("prepared_statement_name_func", ignore),
    ("prepare_threshold", ignore),
    ("async_fallback", ignore),
];

/// Values under which a parameter asks for nothing that we do not do.
const LAX: &[(&str, &[&str])] = &[
    ("channel_binding", &["prefer", "disable"]),
    ("gssencmode", &["prefer", "disable"]),
    ("sslnegotiation", &["postgres"]),
    ("load_balance_hosts", &["disable"]),
    ("client_encoding", &["utf8", "utf-8", "auto"]),
];

/// Takes one parameter. Values are never shown: a mistake may have put a password there.
pub(super) fn set(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    match PARAMETERS.iter().find(|(known, _)| *known == name) {
        Some((_, setter)) => setter(parts, name, value),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Fault {
    let shown = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let message = match shown {
        true => format!("the URL has a parameter `{name}` that limbeck does not know"),
        false => "the URL has a parameter that limbeck does not know".to_owned(),
    };
    let meant = nearest(name, PARAMETERS.iter().map(|(known, _)| *known)).filter(|_| shown);
    let help = match (meant, name) {
        (Some(known), _) => format!("did you mean `{known}`?"),
        (None, "schema" | "search_path" | "currentSchema") => {
            "to set the search path write options=-csearch_path%3Dname".to_owned()
        }
        (None, "service") => "put the service's parameters into the URL".to_owned(),
        _ => "remove it; libpq's parameters are understood, settings of the server go into `options`"
            .to_owned(),
    };
    Fault::new(message, help)
}

fn bad(name: &str, must: &str) -> Fault {
    Fault::new(format!("the value of the parameter `{name}` is not understood"), format!("it must be {must}"))
}

fn set_hosts(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    parts.hosts = if value.is_empty() { Vec::new() } else { value.split(',').map(str::to_owned).collect() };
    Ok(())
}

fn set_hostaddrs(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    parts.hostaddrs =
        if value.is_empty() { Vec::new() } else { value.split(',').map(str::to_owned).collect() };
    let numeric = |addr: &String| addr.is_empty() || addr.parse::<std::net::IpAddr>().is_ok();
    if parts.hostaddrs.iter().all(numeric) { Ok(()) } else { Err(bad(name, "a list of IP addresses")) }
}

fn set_ports(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    let port = |text: &str| if text.is_empty() { Ok(None) } else { parse_port(text).map(Some) };
    parts.ports = value.split(',').map(port).collect::<Result<_, _>>()?;
    Ok(())
}

fn set_user(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    parts.user = Some(value.to_owned()).filter(|user| !user.is_empty());
    Ok(())
}

fn set_password(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    parts.password = Some(Secret::new(value)).filter(|_| !value.is_empty());
    Ok(())
}

fn set_dbname(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    if value.contains("://") || value.contains('=') {
        return Err(bad(name, "a plain name, not another URL"));
    }
    parts.dbname = Some(value.to_owned()).filter(|name| !name.is_empty());
    Ok(())
}

fn set_sslmode(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    let must = "disable, allow, prefer, require, verify-ca or verify-full";
    parts.sslmode = Some(SslMode::parse(value).ok_or_else(|| bad(name, must))?);
    Ok(())
}

/// asyncpg's `ssl`, which also takes truth values.
fn set_ssl(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => parts.sslmode = Some(SslMode::Require),
        "false" | "0" | "off" | "no" => parts.sslmode = Some(SslMode::Disable),
        mode => return set_sslmode(parts, name, mode),
    }
    Ok(())
}

fn set_sslrootcert(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    parts.sslrootcert = match value {
        "" => None,
        "system" => Some(RootCert::System),
        path => Some(RootCert::File(PathBuf::from(path))),
    };
    Ok(())
}

fn set_sslcert(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    parts.sslcert = Some(PathBuf::from(value)).filter(|_| !value.is_empty());
    Ok(())
}

fn set_sslkey(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    parts.sslkey = Some(PathBuf::from(value)).filter(|_| !value.is_empty());
    Ok(())
}

fn set_passfile(parts: &mut Parts, _: &str, value: &str) -> Result<(), Fault> {
    parts.passfile = Some(PathBuf::from(value)).filter(|_| !value.is_empty());
    Ok(())
}

/// Seconds for each host; zero and negative numbers mean "for ever", as in libpq.
fn set_connect_timeout(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    let seconds: i32 = value.trim().parse().map_err(|_| bad(name, "a whole number of seconds"))?;
    parts.connect_timeout = Some(match u64::try_from(seconds) {
        Ok(seconds) if seconds > 0 => Timeout::After(Duration::from_secs(seconds)),
        _ => Timeout::Never,
    });
    Ok(())
}

fn set_attrs(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    let must = "any, read-write, read-only, primary, standby or prefer-standby";
    parts.attrs = Some(SessionAttrs::parse(value).ok_or_else(|| bad(name, must))?);
    Ok(())
}

fn set_keepalives(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    match value {
        "0" => parts.keepalives = Keepalives::Off,
        "1" if parts.keepalives == Keepalives::Off => parts.keepalives = Keepalives::Unsaid,
        "1" => {}
        _ => return Err(bad(name, "0 or 1")),
    }
    Ok(())
}

fn set_keepalive(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    let number: u32 = value.trim().parse().map_err(|_| bad(name, "a whole number"))?;
    let setting = match name {
        "keepalives_idle" => "tcp_keepalives_idle",
        "keepalives_interval" => "tcp_keepalives_interval",
        _ => "tcp_keepalives_count",
    };
    match &mut parts.keepalives {
        Keepalives::Off => {}
        Keepalives::On(settings) => settings.push((setting, number)),
        unsaid => *unsaid = Keepalives::On(vec![(setting, number)]),
    }
    Ok(())
}

/// Accepted, and without effect here.
#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn ignore(_: &mut Parts, _: &str, _: &str) -> Result<(), Fault> {
    Ok(())
}

fn must_be_lax(_: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    let values = LAX.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, values)| values);
    if values.contains(&value.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(bad(name, &format!("{}; limbeck cannot do more", values.join(" or "))))
}

/// The server's settings in libpq's `options`: `-c name=value`, `-cname=value`, `--name=value`, with
/// a backslash before a space that belongs to a value.
fn set_options(parts: &mut Parts, name: &str, value: &str) -> Result<(), Fault> {
    let must = "settings of the form -c name=value";
    let mut words = split_options(value).into_iter();
    parts.options.clear();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("-c"), word.strip_prefix("--")) {
            (Some(""), _) => words.next().ok_or_else(|| bad(name, must))?,
            (Some(rest), _) | (None, Some(rest)) => rest.to_owned(),
            (None, None) => return Err(bad(name, must)),
        };
        let (key, value) = setting.split_once('=').ok_or_else(|| bad(name, must))?;
        parts.options.push((key.replace('-', "_"), value.to_owned()));
    }
    Ok(())
}

fn split_options(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_whitespace() => words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty())),
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|w| !w.is_empty()));
    words
}

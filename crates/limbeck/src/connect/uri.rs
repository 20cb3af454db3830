//! The two ways to write a database down: a URL, and libpq's `keyword=value` pairs.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::params;
use super::secret::Secret;
use super::url::{Fault, Parts};

const SHAPE: &str = "write it as postgresql://user:password@host:5432/database";
const ENCODE: &str = "in a URL the characters @ : / ? # % of a user, password or name must be written as \
                      %40 %3A %2F %3F %23 %25";

/// What stays as it is when a URL is shown.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

pub(super) fn parse(text: &str) -> Result<Parts, Fault> {
    if text.is_empty() {
        return Err(Fault::new("the database URL is empty", SHAPE));
    }
    if text.starts_with(['"', '\'']) {
        let help = "an env file's values need no quotes: they become part of the value";
        return Err(Fault::new("the database URL begins with a quote", help));
    }
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            check_scheme(scheme)?;
            parse_uri(rest)
        }
        _ if text.contains('=') => parse_keywords(text),
        _ => Err(Fault::new("this is not a PostgreSQL URL", SHAPE)),
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._:".contains(&b))
}

fn check_scheme(scheme: &str) -> Result<(), Fault> {
    let lower = scheme.to_ascii_lowercase();
    let dialect = lower.split('+').next().unwrap_or_default();
    if matches!(dialect, "postgres" | "postgresql") {
        return Ok(());
    }
    let help = match dialect {
        _ if lower.starts_with("jdbc:") => "leave out `jdbc:`, and write user and password before the host",
        _ => "limbeck speaks to PostgreSQL only: postgresql://, postgres:// or postgresql+driver://",
    };
    Err(Fault::new(format!("the URL's scheme `{lower}` is not PostgreSQL's"), help))
}

fn parse_uri(rest: &str) -> Result<Parts, Fault> {
    let (before, query) = rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
    let (authority, path) = before.split_once('/').unwrap_or((before, ""));
    // A raw `@` after the authority is mostly the end of a password that holds `/` or `?`: whatever
    // was read before it as a host may be the password's beginning.
    if path.contains('@') || query.is_some_and(|query| query.contains('@')) {
        return Err(Fault::new("the URL has an `@` after its host", ENCODE));
    }
    let mut parts = Parts::default();
    let hosts = match authority.rsplit_once('@') {
        Some((userinfo, hosts)) => {
            parse_userinfo(userinfo, &mut parts)?;
            hosts
        }
        None => authority,
    };
    parse_hosts(hosts, &mut parts)?;
    if !path.is_empty() {
        parts.dbname = Some(decode(path, "database name")?);
    }
    let mut hosts = Vec::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Fault::new("a parameter of the URL has no value", "write name=value after the `?`")
        })?;
        let (name, value) = (decode(name, "parameter")?, decode(value, "parameter")?);
        match name.as_str() {
            "host" => hosts.push(value),
            name => params::set(&mut parts, name, &value)?,
        }
    }
    set_hosts(&mut parts, &hosts)?;
    Ok(parts)
}

/// The parameter `host`: once, as libpq has it; or again and again and with ports, as SQLAlchemy writes lists
/// of hosts (its page "PostgreSQL", "Specifying multiple fallback hosts").
fn set_hosts(parts: &mut Parts, values: &[String]) -> Result<(), Fault> {
    let all = || values.iter().flat_map(|value| value.split(','));
    let (Some(last), true) = (values.last(), values.len() > 1 || all().any(has_port)) else {
        return values.iter().try_for_each(|value| params::set(parts, "host", value));
    };
    if last.is_empty() {
        return params::set(parts, "host", last);
    }
    parts.hosts.clear();
    let common = std::mem::take(&mut parts.ports);
    for host in all() {
        let (host, port) = if has_port(host) { split_port(host)? } else { (host, None) };
        parts.hosts.push(host.to_owned());
        parts.ports.push(port.map(parse_port).transpose()?);
    }
    if parts.ports.iter().all(Option::is_none) {
        parts.ports = common;
    }
    Ok(())
}

/// `db:5432` and `[::1]:5432`; neither a socket's folder nor a bare IPv6 address.
fn has_port(host: &str) -> bool {
    !host.starts_with('/') && (host.starts_with('[') || host.matches(':').count() == 1)
}

fn parse_userinfo(userinfo: &str, parts: &mut Parts) -> Result<(), Fault> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };
    if !user.is_empty() {
        parts.user = Some(decode(user, "user name")?);
    }
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        parts.password = Some(Secret::new(decode(password, "password")?));
    }
    Ok(())
}

fn parse_hosts(text: &str, parts: &mut Parts) -> Result<(), Fault> {
    if text.is_empty() {
        return Ok(());
    }
    for spec in text.split(',') {
        let (host, port) = split_port(spec)?;
        parts.hosts.push(decode(host, "host")?);
        parts.ports.push(match port {
            None | Some("") => None,
            Some(port) => Some(parse_port(port)?),
        });
    }
    if parts.hosts.iter().all(String::is_empty) {
        parts.hosts.clear();
    }
    Ok(())
}

fn split_port(spec: &str) -> Result<(&str, Option<&str>), Fault> {
    if let Some(rest) = spec.strip_prefix('[') {
        let fault = || Fault::new("an IPv6 address in the URL is not closed", "write it as [::1]:5432");
        let (host, after) = rest.split_once(']').ok_or_else(fault)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(fault()),
        };
    }
    match spec.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((spec, None)),
    }
}

/// A port; its text is not shown, since it may be a piece of a password.
pub(super) fn parse_port(text: &str) -> Result<u16, Fault> {
    text.parse::<u16>().ok().filter(|port| *port != 0 && text.bytes().all(|b| b.is_ascii_digit())).ok_or_else(
        || Fault::new("a port of the URL is not a number from 1 to 65535", format!("{SHAPE}; {ENCODE}")),
    )
}

fn decode(text: &str, what: &str) -> Result<String, Fault> {
    let bytes = text.as_bytes();
    let broken = bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'%' && !bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return Err(Fault::new(format!("the URL's {what} has a `%` that begins no %XX"), ENCODE));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) if !decoded.contains('\0') => Ok(Cow::into_owned(decoded)),
        _ => Err(Fault::new(format!("the URL's {what} is not UTF-8 text"), ENCODE)),
    }
}

/// libpq's `host=localhost dbname='my db'`; a backslash quotes the next character.
fn parse_keywords(text: &str) -> Result<Parts, Fault> {
    let fault = || {
        Fault::new(
            "this is neither a PostgreSQL URL nor a list of keyword=value pairs",
            format!("{SHAPE}, or as: host=... dbname=... user=..."),
        )
    };
    let mut parts = Parts::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or_else(fault)?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(fault());
        }
        let (value, after) = take_value(after.trim_start()).ok_or_else(fault)?;
        params::set(&mut parts, name, &value)?;
        rest = after.trim_start();
    }
    Ok(parts)
}

/// The value at the beginning of `text`, and what follows it.
fn take_value(text: &str) -> Option<(String, &str)> {
    let quoted = text.strip_prefix('\'');
    let body = quoted.unwrap_or(text);
    let mut value = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '\'' if quoted.is_some() => return Some((value, &body[at + 1..])),
            c if quoted.is_none() && c.is_whitespace() => return Some((value, &body[at..])),
            c => value.push(c),
        }
    }
    quoted.is_none().then_some((value, ""))
}

//! Passwords are kept from every output: a type that does not print, and masks for texts.

use std::fmt;
use std::ops::Range;

/// A text that no output shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `text` (one URL or keyword string, well-formed or not) with whatever may be a password in it
/// replaced by `***`: rather too much than too little.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in secret_ranges(text) {
        out.push_str(&text[at..range.start]);
        out.push_str("***");
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// A whole file with the passwords of its URLs replaced by as many asterisks as they have bytes, so
/// that places in the file stay right.
pub(crate) fn mask_in_place(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut at = 0;
        for range in secret_ranges(line.trim_end()).into_iter().map(|range| within_quotes(line, range)) {
            out.push_str(&line[at..range.start]);
            out.extend(std::iter::repeat_n('*', range.len()));
            at = range.end;
        }
        out.push_str(&line[at..]);
    }
    out
}

/// A secret that runs to the end of a line leaves the closing quote out.
fn within_quotes(line: &str, range: Range<usize>) -> Range<usize> {
    let quote = line[range.clone()].find(['"', '\'']).filter(|_| range.end == line.trim_end().len());
    range.start..quote.map_or(range.end, |at| range.start + at)
}

/// Where secrets may stand, in order and without overlaps.
fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let in_url = text.find("://").and_then(|at| in_userinfo(text, at + 3));
    match (in_url, in_parameter(text, 0)) {
        // A parameter's secret runs to the end of the text, and so covers what follows.
        (Some(url), Some(parameter)) if parameter.start <= url.start => vec![parameter],
        (Some(url), _) => std::iter::once(url.clone()).chain(in_parameter(text, url.end)).collect(),
        (None, parameter) => parameter.into_iter().collect(),
    }
}

/// From the first colon to the last `@`; without an `@`, whatever follows a colon and is no port.
fn in_userinfo(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    let colon = start + rest.find(':')? + 1;
    match rest.rfind('@').map(|at| start + at) {
        Some(at) if at >= colon => Some(colon..at),
        Some(_) => None,
        None => {
            let digits = text[colon..].bytes().take_while(u8::is_ascii_digit).count();
            let after = text[colon + digits..].chars().next();
            let port = digits > 0 && after.is_none_or(|c| "/,?\"'".contains(c));
            (!port && !text[start..].starts_with('[')).then_some(colon..text.len())
        }
    }
}

/// The value of `password=` and `sslpassword=`, to the end of the text.
fn in_parameter(text: &str, from: usize) -> Option<Range<usize>> {
    let at = from + text[from..].to_ascii_lowercase().find("password")? + "password".len();
    let value = text[at..].trim_start();
    match value.strip_prefix('=') {
        // `password = "..."` as a key of a configuration file is no value of ours, but masking it harms nobody.
        Some(value) => Some(text.len() - value.len()..text.len()),
        None => in_parameter(text, at),
    }
}

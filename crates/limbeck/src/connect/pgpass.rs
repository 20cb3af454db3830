//! `~/.pgpass` (PostgreSQL manual, "The Password File").

use std::io;
use std::path::Path;

use super::secret::Secret;

/// A password file's text, or nothing; a file that is ignored leaves a warning.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Option<String> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            warnings.push(format!("password file {} is ignored: {error}", path.display()));
            return None;
        }
    };
    if !metadata.is_file() {
        warnings.push(format!("password file {} is ignored: it is not a plain file", path.display()));
        return None;
    }
    if is_open_to_others(&metadata) {
        warnings.push(format!(
            "password file {0} is ignored: others may read it; run `chmod 0600 {0}`",
            path.display()
        ));
        return None;
    }
    match std::fs::read(path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => {
            warnings.push(format!("password file {} is ignored: {error}", path.display()));
            None
        }
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

/// What a line is looked up by.
pub(super) struct Key<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password of the first line that fits.
pub(super) fn find(text: &str, key: &Key<'_>) -> Option<Secret> {
    let port = key.port.to_string();
    let wanted = [key.host, &port, key.database, key.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = split(line)?;
        let fits = fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        fits.then(|| Secret::new(&*fields[4])).filter(|secret| !secret.reveal().is_empty())
    })
}

/// Five fields between colons; a backslash quotes the next character, `\*` stays apart from `*`.
fn split(line: &str) -> Option<[String; 5]> {
    let mut fields = [const { String::new() }; 5];
    let mut index = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' if index < 4 => index += 1,
            ':' => break,
            '\\' => fields[index].extend(chars.next()),
            c => fields[index].push(c),
        }
    }
    (index == 4).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_wins() {
        let text = "# comment\nshort:line\ndb:5432:shop:app:one\n*:*:*:a\\:b:t\\\\w\\:o\n*:*:*:*:last:rest\n";
        let find = |host, port, database, user| {
            find(text, &Key { host, port, database, user }).map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(find("db", 5432, "shop", "app").as_deref(), Some("one"));
        assert_eq!(find("db", 5433, "shop", "app").as_deref(), Some("last"));
        assert_eq!(find("x", 1, "y", "a:b").as_deref(), Some("t\\w:o"));
    }
}

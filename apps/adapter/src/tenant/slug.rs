//! Slugs, made from names as revision 001b makes them.

use uuid::Uuid;

/// `tenants.slug` has room for so many characters.
const LONGEST: usize = 100;

/// Lower case, each run of other characters than a-z and 0-9 a single hyphen, none at the ends, at most 100
/// characters. A name with nothing left becomes `tenant-` and the first eight digits of the id.
pub(crate) fn from_name(name: &str, id: Uuid) -> String {
    let mut slug = String::with_capacity(name.len());
    for character in name.chars() {
        match character.to_ascii_lowercase() {
            lower if lower.is_ascii_alphanumeric() => slug.push(lower),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(LONGEST);
    match slug.trim_end_matches('-') {
        "" => format!("tenant-{}", &id.to_string()[..8]),
        slug => slug.to_owned(),
    }
}

/// The next one to try when `slug` is taken: -2, -3, ..., shortened in front of the number.
pub(crate) fn numbered(slug: &str, number: u32) -> String {
    let suffix = format!("-{number}");
    let kept = slug.get(..LONGEST - suffix.len()).unwrap_or(slug);
    format!("{}{suffix}", kept.trim_end_matches('-'))
}

/// Whether a slug is one.
pub(crate) fn is_valid(slug: &str) -> bool {
    (1..=LONGEST).contains(&slug.len())
        && slug.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{from_name, is_valid, numbered};

    /// The names and slugs of `tests/revisions.rs`.
    #[test]
    fn names_become_slugs_as_in_revision_001b() {
        let id = Uuid::parse_str("00000007-0000-4000-8000-000000000000").expect("a uuid");
        let x = |n| "x".repeat(n);
        let cases = [
            (String::new(), "tenant-00000007".to_owned()),
            ("測試公司".into(), "tenant-00000007".into()),
            ("ACME!".into(), "acme".into()),
            ("Acme #3".into(), "acme-3".into()),
            ("  Ärger & Öl  ".into(), "rger-l".into()),
            ("O'Brien; DROP TABLE tenants\n--".into(), "o-brien-drop-table-tenants".into()),
            (x(255), x(100)),
            ("y".repeat(99) + " z", "y".repeat(99)),
        ];
        for (name, slug) in cases {
            assert_eq!(from_name(&name, id), slug, "{name:?}");
            assert!(is_valid(&slug), "{slug}");
        }
    }

    #[test]
    fn numbers_fit() {
        let x = |n| "x".repeat(n);
        assert_eq!(numbered("acme", 2), "acme-2");
        assert_eq!(numbered(&x(100), 3), x(98) + "-3");
        assert_eq!(numbered(&("z".repeat(97) + "-xx"), 2), "z".repeat(97) + "-2");
    }

    #[test]
    fn others_are_no_slugs() {
        for bad in ["", "-a", "a-", "a--b", "A", "ä", "a b", "a/b", &"x".repeat(101)] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}

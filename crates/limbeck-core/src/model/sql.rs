//! The little SQL that models are written with: names, references, canonical type names.

/// A reference to a table: `schema.table(a, b)`, schema and columns optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) schema: Option<String>,
    pub(super) table: String,
    pub(super) columns: Vec<String>,
}

impl Reference {
    /// Reads it. Names are taken as they are written, without folding to small letters; a name with other characters
    /// may stand in double quotes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (path, columns) = match text.trim().strip_suffix(')') {
            Some(text) => {
                let (path, columns) = text.split_once('(')?;
                let columns: Option<Vec<_>> =
                    split(columns, ',').into_iter().map(|name| bare(&name)).collect();
                (path, columns?)
            }
            None => (text, Vec::new()),
        };
        let (schema, table) = qualified(path)?;
        Some(Self { schema, table, columns })
    }
}

/// `schema.name` or `name`, each part quoted or not; names are taken as they are written.
pub(super) fn qualified(text: &str) -> Option<(Option<String>, String)> {
    match split(text, '.').as_slice() {
        [name] => Some((None, bare(name)?)),
        [schema, name] => Some((Some(bare(schema)?), bare(name)?)),
        _ => None,
    }
}

/// One name, with or without quotes.
fn bare(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(inside) = text.strip_prefix('"') {
        let inside = inside.strip_suffix('"')?;
        return (!inside.is_empty()).then(|| inside.replace("\"\"", "\""));
    }
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
}

/// Parts between `separator`s outside of quotes.
pub(super) fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars() {
        if letter == '"' {
            quoted = !quoted;
        }
        if letter == separator && !quoted {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(letter);
        }
    }
    parts.push(part);
    parts
}

/// Other names of types beside those that PostgreSQL prints, from the manual's table 8.1 and `gram.y`.
const ALIASES: &[(&str, &str)] = &[
    ("bool", "boolean"),
    ("int2", "smallint"),
    ("int", "integer"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("float", "double precision"),
    ("decimal", "numeric"),
    ("dec", "numeric"),
    ("varchar", "character varying"),
    ("char varying", "character varying"),
    ("varbit", "bit varying"),
    ("timestamptz", "timestamp with time zone"),
    ("timestamp", "timestamp without time zone"),
    ("timetz", "time with time zone"),
    ("time", "time without time zone"),
    ("char", "character(1)"),
    ("character", "character(1)"),
    ("bit", "bit(1)"),
];

/// A type as `format_type` prints it, where that is only a matter of its name: `varchar(50)[]` becomes
/// `character varying(50)[]`. Everything else stays as it is written; the server knows it.
pub(crate) fn canonical_type(written: &str) -> String {
    let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = written.to_lowercase();
    // A quoted name, or a path, is nothing that this table knows.
    if lower.contains(['"', '.', '\'']) {
        return written;
    }
    let (element, array) = match lower.find('[') {
        Some(at)
            if lower[at..]
                .chars()
                .all(|letter| letter == '[' || letter == ']' || letter.is_ascii_digit()) =>
        {
            (lower[..at].trim_end(), "[]")
        }
        Some(_) => return written,
        None => (lower.as_str(), ""),
    };
    let (name, modifier) = match element.split_once('(') {
        Some((name, rest)) => match rest.strip_suffix(')') {
            Some(inside) => (name.trim_end(), format!("({})", inside.replace(' ', ""))),
            None => return written,
        },
        None => (element, String::new()),
    };
    let name = match (name, modifier.as_str()) {
        ("char", modifier) if !modifier.is_empty() => "character",
        ("character" | "bit", modifier) if !modifier.is_empty() => name,
        // timestamp(3) with time zone: the modifier stands inside of the name.
        ("timestamptz", modifier) if !modifier.is_empty() => {
            return format!("timestamp{modifier} with time zone{array}");
        }
        ("timestamp", modifier) if !modifier.is_empty() => {
            return format!("timestamp{modifier} without time zone{array}");
        }
        ("float" | "time" | "timetz", modifier) if !modifier.is_empty() => return written,
        _ => ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, printed)| printed),
    };
    const WITH_MODIFIER: [&str; 6] =
        ["character varying", "character", "numeric", "bit", "bit varying", "interval"];
    if !modifier.is_empty() && !WITH_MODIFIER.contains(&name) {
        return written;
    }
    // numeric(10) is printed numeric(10,0).
    let modifier = if name == "numeric" && !modifier.is_empty() && !modifier.contains(',') {
        modifier.replace(')', ",0)")
    } else {
        modifier
    };
    format!("{name}{modifier}{array}")
}

#[cfg(test)]
mod tests {
    use super::{Reference, canonical_type, qualified};

    #[test]
    fn types_are_named_as_the_server_prints_them() {
        let cases = [
            ("varchar(50)", "character varying(50)"),
            ("VARCHAR ( 50 ) []", "character varying(50)[]"),
            ("int4[][]", "integer[]"),
            ("timestamptz(3)", "timestamp(3) with time zone"),
            ("timestamp", "timestamp without time zone"),
            ("timestamp(3) with time zone", "timestamp(3) with time zone"),
            ("char", "character(1)"),
            ("char(3)", "character(3)"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("numeric(10)", "numeric(10,0)"),
            ("public.\"Mood\"", "public.\"Mood\""),
            ("citext", "citext"),
            ("geometry(Point, 4326)", "geometry(Point, 4326)"),
        ];
        for (written, expected) in cases {
            assert_eq!(canonical_type(written), expected);
        }
    }

    #[test]
    fn references_have_parts() {
        let parts = |text| Reference::parse(text).map(|r| (r.schema, r.table, r.columns));
        let some = |schema: Option<&str>, table: &str, columns: &[&str]| {
            let columns = columns.iter().map(|&c| c.to_owned()).collect();
            Some((schema.map(str::to_owned), table.to_owned(), columns))
        };
        assert_eq!(parts("tenants(id)"), some(None, "tenants", &["id"]));
        assert_eq!(parts("a.b (c, d)"), some(Some("a"), "b", &["c", "d"]));
        assert_eq!(parts("\"A.B\".\"t\"\"x\""), some(Some("A.B"), "t\"x", &[]));
        assert_eq!(parts("t("), None);
        assert_eq!(parts("a.b.c"), None);
        assert_eq!(parts("t()"), None);
        assert_eq!(qualified(""), None);
    }
}

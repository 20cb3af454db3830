//! A new revision file's name, from Alembic's `file_template`.

use super::RevisionId;
use crate::nearest;
use crate::problem::{Code, Problem};

/// The template that is used when the configuration has none.
pub const DEFAULT_FILE_TEMPLATE: &str =
    "%(year)d%(month).2d%(day).2d_%(hour).2d%(minute).2d_%(rev)s_%(slug)s";

/// How long a slug may be when the configuration does not say it, in characters.
pub const DEFAULT_SLUG_LENGTH: usize = 40;

/// A date and a time, in the time zone in which the name is to say them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// The year.
    pub year: i32,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
    /// The second.
    pub second: u8,
    /// Seconds since 1970 in UTC.
    pub epoch: i64,
}

/// Makes a file's name, `.sql` included, as Alembic's `file_template` describes it: `%(rev)s`, `%(slug)s`,
/// `%(year)d`, `%(month).2d`, `%(day).2d`, `%(hour).2d`, `%(minute).2d`, `%(second).2d`, `%(epoch)s`, each
/// also with `%%` as in an ini file. A template may have folders in it. Unlike Alembic it leaves no `_`
/// where a slug is empty or was cut.
///
/// # Errors
/// [`Code::FileTemplate`] for a field that does not exist or is not closed, and for a name that would lead
/// out of the folder.
pub fn file_name(template: &str, id: &RevisionId, slug: &str, created: &Created) -> Result<String, Problem> {
    let mut name = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        push_text(&mut name, slug, &rest[..at]);
        let percent = rest[at..].strip_prefix("%%").unwrap_or(&rest[at + 1..]);
        rest = match percent.strip_prefix('(') {
            Some(field) => push_field(&mut name, template, field, &Fields { id, slug, created })?,
            None if rest[at..].starts_with("%%") => {
                name.push('%');
                percent
            }
            None => return Err(wrong(template, "has a `%` without `(`".into())),
        };
    }
    push_text(&mut name, slug, rest);
    let outside = name.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if outside || name.contains(['\\', '\0']) {
        return Err(wrong(template, format!("makes `{name}`, which is no name for a file below the folder")));
    }
    Ok(name + ".sql")
}

/// A message as a part of a file's name: its words in small letters, joined with `_`, and of these as many
/// whole ones as fit into `length` characters; of a longer first word its beginning.
pub fn slug(message: &str, length: usize) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<&str> = message.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let slug = words.join("_").to_lowercase();
    if slug.chars().count() <= length {
        return slug;
    }
    let cut: String = slug.chars().take(length).collect();
    let whole = cut.rsplit_once('_').map_or(cut.as_str(), |(whole, _)| whole);
    whole.trim_end_matches('_').to_owned()
}

struct Fields<'a> {
    id: &'a RevisionId,
    slug: &'a str,
    created: &'a Created,
}

const FIELDS: [&str; 9] = ["rev", "slug", "year", "month", "day", "hour", "minute", "second", "epoch"];

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let created = self.created;
        Some(match name {
            "rev" => self.id.as_str().replace(['/', '\\'], "_"),
            "slug" => self.slug.to_owned(),
            "year" => created.year.to_string(),
            "month" => created.month.to_string(),
            "day" => created.day.to_string(),
            "hour" => created.hour.to_string(),
            "minute" => created.minute.to_string(),
            "second" => created.second.to_string(),
            "epoch" => created.epoch.to_string(),
            _ => return None,
        })
    }
}

fn wrong(template: &str, why: String) -> Problem {
    Problem::new(Code::FileTemplate, format!("file_template {why}: {template}"))
        .help(format!("the usual one is {DEFAULT_FILE_TEMPLATE}"))
}

/// Copies text; where an empty slug stood at the beginning of a name, without the `_` that followed it.
fn push_text(name: &mut String, slug: &str, text: &str) {
    let leads = slug.is_empty() && (name.is_empty() || name.ends_with('/'));
    name.push_str(if leads { text.trim_start_matches('_') } else { text });
}

/// Puts in the field that begins in `field`, after its `(`; gives what follows it.
fn push_field<'a>(
    name: &mut String,
    template: &str,
    field: &'a str,
    fields: &Fields<'_>,
) -> Result<&'a str, Problem> {
    let Some((key, format)) = field.split_once(')') else {
        return Err(wrong(template, "has a `%(` without `)`".into()));
    };
    let Some(value) = fields.get(key) else {
        let problem = wrong(template, format!("has the unknown field `{key}`"));
        return Err(match nearest(key, FIELDS) {
            Some(known) => problem.help(format!("did you mean `%({known})`?")),
            None => problem.help(format!("the fields are: {}", FIELDS.join(", "))),
        });
    };
    let end = format.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(format.len());
    if !format[end..].starts_with(['s', 'd', 'i']) {
        return Err(wrong(template, format!("does not say how `%({key})` is to be written (`s` or `d`)")));
    }
    if value.is_empty() && name.ends_with('_') {
        name.pop();
    }
    // `.2` and `02` both pad with zeros; only numbers are ever padded.
    let width = format[..end].trim_start_matches('.').parse().unwrap_or(0_usize).min(20);
    let is_number = !matches!(key, "rev" | "slug");
    name.push_str(&if is_number { format!("{value:0>width$}") } else { value });
    Ok(&format[end + 1..])
}

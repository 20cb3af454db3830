//! Numbers, times and lists as an operator reads them.

use jiff::Timestamp;

/// With a separator between thousands: `1,000`.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 revision`, `2 revisions`.
pub(crate) fn revisions(number: usize) -> String {
    format!("{} revision{}", count(number), if number == 1 { "" } else { "s" })
}

/// The first few, and how many more there are: `a, b and 3 more`.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    const SHOWN: usize = 5;
    let texts: Vec<String> = items.iter().map(|item| clip(item.as_ref())).collect();
    match texts.as_slice() {
        [all @ .., last] if !all.is_empty() && texts.len() <= SHOWN => {
            format!("{} and {last}", all.join(", "))
        }
        all if all.len() <= SHOWN => all.join(", "),
        all => format!("{} and {} more", all[..SHOWN].join(", "), count(all.len() - SHOWN)),
    }
}

/// Of a text that has no end as much as a line or two can hold.
pub(crate) fn clip(text: &str) -> String {
    const LENGTH: usize = 300;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A time to the second, or the text where it is none.
pub(crate) fn second(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => clip(time),
    }
}

/// How long it is from one time to another.
pub(crate) fn between(from: &str, to: &str) -> Option<String> {
    let (from, to): (Timestamp, Timestamp) = (from.parse().ok()?, to.parse().ok()?);
    let millis = to.as_millisecond().checked_sub(from.as_millisecond()).filter(|millis| *millis >= 0)?;
    let seconds = millis / 1000;
    Some(match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    })
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Something to type.
    pub(crate) is_code: bool,
}

/// Takes what stands between backticks as something to type.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let parts = text.split('`').enumerate();
    let pieces = parts.map(|(at, text)| Piece { text: text.to_owned(), is_code: at % 2 == 1 });
    pieces.filter(|piece| !piece.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::{between, clip, count, list, second};

    #[test]
    fn numbers_and_lists() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(count), ["0", "12", "999", "1,000", "1,234,567"]);
        let ids = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&ids[..1]), "a");
        assert_eq!(list(&ids[..2]), "a and b");
        assert_eq!(list(&ids[..5]), "a, b, c, d and e");
        assert_eq!(list(&ids), "a, b, c, d, e and 2 more");
        assert_eq!(clip(&"ä".repeat(400)).chars().count(), 301);
    }

    #[test]
    fn times() {
        assert_eq!(second("2026-11-23T01:02:03.456789Z"), "2026-11-23 01:02:03");
        assert_eq!(second("yesterday"), "yesterday");
        let from = "2026-11-23T01:02:03Z";
        for (to, expected) in [
            ("2026-11-23T01:02:03.012Z", "12 ms"),
            ("2026-11-23T01:02:05.25Z", "2.2 s"),
            ("2026-11-23T01:03:08Z", "1 min 5 s"),
            ("2026-11-23T03:03:08Z", "2 h 1 min"),
            ("2026-11-25T02:03:08Z", "2 d 1 h"),
        ] {
            assert_eq!(between(from, to).as_deref(), Some(expected));
        }
        assert_eq!(between(from, "2026-11-22T00:00:00Z"), None, "a clock that was set back");
        assert_eq!(between("", ""), None);
    }
}

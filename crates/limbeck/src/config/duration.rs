//! Durations as people write them.

use std::time::Duration;

/// Understands `500ms`, `3s`, `2min` (or `2m`), `1h`; zero needs no unit. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let millis = match text[digits..].trim_start() {
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    // PostgreSQL counts its timeouts in an int of milliseconds.
    let total = number.checked_mul(millis)?;
    (total <= i32::MAX as u64).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let millis = |text| parse_duration(text).map(|duration| duration.as_millis());
        for (text, wanted) in [
            ("3s", Some(3000)),
            ("500ms", Some(500)),
            ("2 min", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("0", Some(0)),
            ("3", None),
            ("-3s", None),
            ("s", None),
            ("99999999999999999999s", None),
            ("1000h", None),
        ] {
            assert_eq!(millis(text), wanted, "{text}");
        }
    }
}

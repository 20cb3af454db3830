//! Pages of what is newest first, by the key of the last row rather than by number: the thousandth page costs
//! as much as the first, and rows that come in meanwhile shift nothing.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use sqlx::{Postgres, QueryBuilder};
use utoipa::ToSchema;
use uuid::Uuid;

const MOST: i64 = 200;
const USUAL: i64 = 50;

/// The first microsecond after the year 9999, which PostgreSQL and RFC 3339 both have room for.
const END_OF_TIME: i64 = 253_402_300_800_000_000;

/// The key of the last row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Its `created_at`.
    pub(crate) at: DateTime<Utc>,
    /// Its id, which decides between rows of the same moment.
    pub(crate) id: Uuid,
}

/// How many rows a page has at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(i64);

/// A moment, as RFC 3339 writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(crate) DateTime<Utc>);

/// A page, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// What is on it.
    items: Vec<T>,
    /// The `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Of rows that were asked for with [`push`].
    pub(crate) fn of<R: Into<T>>(mut rows: Vec<R>, limit: Limit, key: impl Fn(&R) -> Cursor) -> Self {
        let shown = usize::try_from(limit.0).unwrap_or(usize::MAX);
        let more = rows.len() > shown;
        rows.truncate(shown);
        let next_cursor = rows.last().filter(|_| more).map(|row| key(row).to_string());
        Self { items: rows.into_iter().map(Into::into).collect(), next_cursor }
    }
}

/// Adds the page to a query that has a `WHERE`: what comes after the cursor, newest first, and one row more than
/// the page shows, which tells whether there is a next one.
pub(crate) fn push(query: &mut QueryBuilder<Postgres>, cursor: Option<Cursor>, limit: Limit) {
    if let Some(cursor) = cursor {
        query.push(" AND (created_at, id) < (").push_bind(cursor.at);
        query.push(", ").push_bind(cursor.id).push(")");
    }
    query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(limit.0 + 1);
}

/// Adds a range of time to a query that has a `WHERE`.
pub(crate) fn push_range(query: &mut QueryBuilder<Postgres>, from: Option<Moment>, to: Option<Moment>) {
    if let Some(Moment(from)) = from {
        query.push(" AND created_at >= ").push_bind(from);
    }
    if let Some(Moment(to)) = to {
        query.push(" AND created_at < ").push_bind(to);
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        let text = String::deserialize(text)?;
        let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        limit.map(Self).ok_or_else(|| D::Error::custom(format!("a limit is a number from 1 to {MOST}")))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        let text = String::deserialize(text)?;
        let moment = DateTime::parse_from_rfc3339(&text).map_err(|_| {
            D::Error::custom("a time looks like 2025-10-30T11:30:00Z (a plus sign is written %2B in a query)")
        })?;
        Ok(Self(moment.to_utc()))
    }
}

/// Opaque: its form may change with any release.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.at.timestamp_micros().to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (at, id) = bytes.split_first_chunk::<8>()?;
        let at = i64::from_be_bytes(*at);
        let at = (0..END_OF_TIME).contains(&at).then(|| DateTime::from_timestamp_micros(at))??;
        Some(Self { at, id: Uuid::from_slice(id).ok()? })
    }
}

/// How the text of a wrong cursor's error begins; [`crate::query`] makes it a problem of its own kind.
pub(crate) const INVALID_CURSOR: &str = "a cursor is what an earlier page gave as next_cursor";

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        let text = String::deserialize(text)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(INVALID_CURSOR))
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::Cursor;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for micros in [0, 1, 1_761_823_800_123_456, super::END_OF_TIME - 1] {
            let at = DateTime::from_timestamp_micros(micros).expect("a time");
            let cursor = Cursor { at, id: Uuid::from_u128(u128::MAX - 7) };
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
    }

    #[test]
    fn others_are_refused() {
        let never = Cursor { at: chrono::DateTime::<chrono::Utc>::MAX_UTC, id: Uuid::nil() }.to_string();
        for bad in ["", "x", "AAAA", "%00", &"A".repeat(31), &"A".repeat(33), &"A".repeat(9999), &never] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }
}

//! Queries and ids in addresses.

use axum::extract::{self, FromRequestParts};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::page::INVALID_CURSOR;
use crate::problem::{Kind, Problem};

/// The query of an address, checked.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        if text.contains("%00") {
            return Err(Problem::new(Kind::BadRequest, "%00 is in the query; no text holds it"));
        }
        extract::Query::try_from_uri(&parts.uri).map(|extract::Query(query)| Self(query)).map_err(|why| {
            let why = why.body_text();
            // What the library says before it comes to the point.
            let why = why.strip_prefix("Failed to deserialize query string: ").unwrap_or(&why);
            let kind = if why.contains(INVALID_CURSOR) { Kind::InvalidCursor } else { Kind::BadRequest };
            Problem::new(kind, format!("the query is not understood: {why}"))
        })
    }
}

/// The id in an address. What is no id names nothing.
pub(crate) struct Id(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = extract::Path::<String>::from_request_parts(parts, state).await;
        let id = id.ok().and_then(|extract::Path(text)| Uuid::try_parse(&text).ok());
        id.map(Self).ok_or_else(|| Problem::new(Kind::NotFound, "the address does not hold a UUID"))
    }
}

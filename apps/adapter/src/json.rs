//! JSON bodies.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use memchr::memmem;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::problem::{Kind, Problem};

/// A JSON body, checked: its size, its type, its depth (serde_json stops at 128), no NUL in it.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        insist_on_json(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        parse(&body).map(Self)
    }
}

/// Parses a body.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let value = serde_json::from_slice(body).map_err(|why| explain::<T>(body, &why))?;
    match has_nul(body) {
        true => Err(Problem::new(Kind::InvalidBody, "\\u0000 is in a text; PostgreSQL has no room for it")),
        false => Ok(value),
    }
}

/// `application/json`, or a type that ends in `+json`.
pub(crate) fn insist_on_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let right =
        essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json");
    match right {
        true => Ok(()),
        false => Err(Problem::new(
            Kind::UnsupportedMediaType,
            "the header Content-Type must be application/json, and so must the body",
        )),
    }
}

/// Why a body could not be read.
pub(crate) fn unreadable(why: BytesRejection) -> Problem {
    match why.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Kind::BodyTooLarge, "the body is over the service's limit (ADAPTER_BODY_LIMIT)")
        }
        _ => Problem::new(Kind::BadRequest, "the body could not be read to its end").because(why.body_text()),
    }
}

/// Where it is wrong. Only here is it worth knowing the path to the place, which takes time.
fn explain<T: DeserializeOwned>(body: &[u8], why: &serde_json::Error) -> Problem {
    if why.classify() != Category::Data {
        return Problem::new(Kind::MalformedJson, format!("the body is not valid JSON: {why}"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(why) => {
            let path = why.path().to_string();
            let field = if path == "." { String::new() } else { path };
            Problem::field(field, why.into_inner().to_string())
        }
        Ok(_) => Problem::field("", why.to_string()),
    }
}

/// JSON writes NUL as `\u0000` only: a backslash that is not itself escaped, and the rest.
fn has_nul(body: &[u8]) -> bool {
    memmem::find_iter(body, b"\\u0000").any(|at| {
        let before = body[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        before % 2 == 0
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{has_nul, parse};

    #[test]
    fn nul_is_found_where_it_is_one() {
        for bad in [r#""\u0000""#, r#""\\\u0000""#, r#""\\u0000 \u0000""#] {
            assert!(has_nul(bad.as_bytes()), "{bad}");
        }
        for good in [r#""\\u0000""#, r#""u0000""#, r#""\u00001""#.replace("0000", "0001").as_str(), "{}"] {
            assert!(!has_nul(good.as_bytes()), "{good}");
        }
    }

    #[test]
    fn bodies_that_are_not_json_are_refused() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        for bad in ["", "{", "{\"a\":1,}", "nul", "\u{feff}{}", "1e999", r#""\ud800""#, &deep] {
            let problem = parse::<Value>(bad.as_bytes()).expect_err(bad);
            assert_eq!(problem.status(), 400, "{bad}");
        }
        assert!(parse::<Value>(b"\xff").is_err());
    }
}

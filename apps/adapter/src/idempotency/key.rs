//! What a client sends in `Idempotency-Key`, and what it stands for.

use axum::http::{HeaderMap, Method};
use sha2::{Digest as _, Sha256};

/// The header.
pub(crate) const HEADER: &str = "idempotency-key";

/// Keys are stored in a `varchar(255)`.
const MAX_LENGTH: usize = 255;

/// A request that shall not be done twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyedRequest {
    pub(super) key: String,
    pub(super) method: String,
    pub(super) path: String,
    /// SHA-256 of the body, in hexadecimal digits.
    pub(super) body_hash: String,
}

/// The header is there, but holds no key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl KeyedRequest {
    /// `None` for a request without a key. The path is without its query: no route that changes anything has one.
    pub(crate) fn read(
        headers: &HeaderMap,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<Option<Self>, Malformed> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let bytes = value.as_bytes();
        let sane = (1..=MAX_LENGTH).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        let key = value.to_str().map_err(|_| Malformed)?;
        if !sane || values.next().is_some() {
            return Err(Malformed);
        }
        Ok(Some(Self {
            key: key.to_owned(),
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            body_hash: hex::encode(Sha256::digest(body)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method};

    use super::{HEADER, KeyedRequest, Malformed};

    fn read(values: &[&str]) -> Result<Option<KeyedRequest>, Malformed> {
        let value = |text: &&str| (HEADER.parse().expect("a name"), HeaderValue::from_bytes(text.as_bytes()));
        let headers = values.iter().map(value).map(|(name, value)| (name, value.expect("a value")));
        KeyedRequest::read(&headers.collect::<HeaderMap>(), &Method::POST, "/a", b"{}")
    }

    #[test]
    fn a_key_is_1_to_255_visible_characters() {
        assert_eq!(read(&[]), Ok(None));
        let request = read(&["k-1"]).expect("it is a key").expect("it is there");
        assert_eq!(
            (request.key.as_str(), request.method.as_str(), request.path.as_str()),
            ("k-1", "POST", "/a")
        );
        assert_eq!(
            request.body_hash, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "printf '{{}}' | sha256sum"
        );
        assert!(read(&[&"k".repeat(255)]).is_ok());
        for bad in [&[""][..], &["a b"], &["ä"], &["\t"], &[&"k".repeat(256)], &["a", "a"]] {
            assert_eq!(read(bad), Err(Malformed), "{bad:?}");
        }
    }
}

//! Keys of tenants: made here, shown once, kept as their SHA-256.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::auth::KeyHash;
use crate::problem::{Kind, Problem};

/// What every key begins with, so that scanners for leaked secrets can find it.
const PREFIX: &str = "ta_";

/// A new key.
pub(crate) struct NewKey {
    /// What the tenant gets.
    pub(crate) text: String,
    /// What is kept.
    pub(crate) hash: String,
}

impl NewKey {
    /// 32 bytes of the operating system's randomness.
    pub(crate) fn make() -> Result<Self, Problem> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|why| Problem::new(Kind::Internal, "no key could be made").because(why))?;
        let text = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let hash = KeyHash::of(text.as_bytes()).to_string();
        Ok(Self { text, hash })
    }
}

/// Which key it is, for audit rows: the first digits of its hash tell keys apart, and are of no other use.
pub(crate) fn fingerprint(hash: &str) -> Value {
    json!(format!("sha256:{}…", hash.get(..12).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::NewKey;

    #[test]
    fn keys_are_long_and_differ() {
        let keys = [(); 2].map(|()| NewKey::make().unwrap_or_else(|_| panic!("no randomness")));
        assert_ne!(keys[0].text, keys[1].text);
        for key in keys {
            assert!(key.text.starts_with("ta_") && key.text.len() == 46, "{}", key.text);
            assert_eq!(key.hash.len(), 64);
        }
    }
}

//! Who asks: a tenant by `X-API-Key`, an operator by `X-Admin-Key`.
//!
//! Both are middleware of their routers ([`tenant`], [`admin`]), so that no route can forget to ask. Handlers
//! take [`TenantAuth`] to know who it is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::db::Owner;
use crate::options::Environment;
use crate::problem::{Kind, Problem};
use crate::state::App;

/// The header with a tenant's key.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The header with the admin key.
pub(crate) const ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-key");

/// No key is longer; what is longer is not even hashed.
const LONGEST_KEY: usize = 256;

/// The SHA-256 of `test-api-key-12345`, which revision 002 publishes.
const PUBLISHED: &str = "2688f4e126ca5efd4a60022073e6cd90017626e56c3f30b194d53e6299edfe3c";

/// The SHA-256 of a tenant's key, shown in hexadecimal as `tenants.api_key_hash` has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    /// Of a key.
    pub(crate) fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// The tenant that asks. [`crate::db::Db::tenant`] opens its transactions.
#[derive(Clone)]
pub(crate) struct TenantAuth {
    /// The tenant's id.
    pub(crate) id: Uuid,
    /// The key that it came with.
    pub(crate) key: KeyHash,
    /// Whether a transaction of this request has found the key to be valid.
    pub(crate) let_in: Arc<AtomicBool>,
}

impl<S: Send + Sync> FromRequestParts<S> for TenantAuth {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unknown_key)
    }
}

/// Lets tenants in, and tells what comes after it who it is.
pub(crate) async fn tenant(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = given(request.headers(), &API_KEY)?;
    let key = KeyHash::of(key.as_bytes());
    if app.options.environment == Environment::Production && key.to_string() == PUBLISHED {
        return Err(refuse_published());
    }
    match app.db.lookup(&key).await? {
        Owner::Active(id) => {
            request.extensions_mut().insert(TenantAuth { id, key, let_in: Arc::default() });
            Ok(next.run(request).await)
        }
        other => Err(other.refusal()),
    }
}

/// Lets operators in.
pub(crate) async fn admin(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(right) = app.options.admin_key() else {
        return Err(Problem::new(
            Kind::AdminOff,
            "the admin API is off; the service's ADMIN_API_KEY turns it on",
        ));
    };
    let key = given(request.headers(), &ADMIN_KEY)?;
    // Hashes have one length, so that comparing them does not tell the key's.
    let (right, key) = (Sha256::digest(right.as_bytes()), Sha256::digest(key.as_bytes()));
    match bool::from(right.ct_eq(&key)) {
        true => Ok(next.run(request).await),
        false => Err(unauthorized("the header X-Admin-Key does not hold the admin key")),
    }
}

/// Nobody has this key.
pub(crate) fn unknown_key() -> Problem {
    unauthorized("the header X-API-Key does not hold the key of a tenant")
}

fn given<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a HeaderValue, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(key), None) if key.len() <= LONGEST_KEY => Ok(key),
        (Some(_), None) => Err(unauthorized(format!("no key is longer than {LONGEST_KEY} characters"))),
        (None, _) => Err(unauthorized(format!("the header {name} is missing"))),
        (Some(_), Some(_)) => Err(unauthorized(format!("the header {name} is there more than once"))),
    }
}

fn unauthorized(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Kind::Unauthorized, detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey"))
}

fn refuse_published() -> Problem {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "the key of the test tenant (revision 002) is published, and refused where ADAPTER_ENV=production; \
             rotate it, or deactivate that tenant"
        );
    }
    unauthorized("this key is published, and not accepted in production")
}

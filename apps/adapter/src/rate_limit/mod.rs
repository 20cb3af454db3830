//! How many requests a tenant may make: a bucket of `ADAPTER_RATE_LIMIT` requests that fills up within a minute.
//!
//! It is counted in Redis where `REDIS_URL` is set, for all replicas together, else in each process.

mod gcra;
mod layer;
mod local;
mod redis;

use uuid::Uuid;

pub(crate) use gcra::{Decision, Quota};
pub(crate) use layer::layer;
use local::Local;
use redis::Shared;

use crate::Failure;

/// Decides whether a request may pass.
pub(crate) struct RateLimiter {
    quota: Option<Quota>,
    shared: Option<Shared>,
    local: Local,
}

impl RateLimiter {
    /// `per_minute` 0 means no limit.
    pub(crate) fn new(per_minute: u32, redis_url: Option<&str>) -> Result<Self, Failure> {
        let shared = redis_url.map(Shared::new).transpose()?;
        Ok(Self { quota: Quota::per_minute(per_minute), shared, local: Local::new() })
    }

    /// Counts a request of a tenant; `None` where there is no limit.
    pub(crate) async fn decide(&self, tenant: Uuid) -> Option<Decision> {
        let quota = self.quota?;
        if let Some(shared) = &self.shared
            && let Some(decision) = shared.decide(quota, tenant).await
        {
            return Some(decision);
        }
        Some(self.local.decide(quota, tenant))
    }
}

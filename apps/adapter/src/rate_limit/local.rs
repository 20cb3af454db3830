//! The limiter of one process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use uuid::Uuid;

use super::gcra::{Decision, Quota};

/// Below this many tenants nothing is tidied up.
const FEW: usize = 1024;

/// When whose bucket is full again.
#[derive(Debug)]
pub(super) struct Local {
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    full: HashMap<Uuid, Instant>,
    /// At this size, those that are full are dropped.
    tidy_at: usize,
}

impl Local {
    pub(super) fn new() -> Self {
        Self { buckets: Mutex::new(Buckets { full: HashMap::new(), tidy_at: FEW }) }
    }

    pub(super) fn decide(&self, quota: Quota, tenant: Uuid) -> Decision {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).decide(quota, tenant, Instant::now())
    }
}

impl Buckets {
    fn decide(&mut self, quota: Quota, tenant: Uuid, now: Instant) -> Decision {
        self.tidy(now);
        let full = self.full.entry(tenant).or_insert(now);
        let decision = quota.decide(full.saturating_duration_since(now));
        *full = now + decision.reset;
        decision
    }

    fn tidy(&mut self, now: Instant) {
        if self.full.len() >= self.tidy_at {
            self.full.retain(|_, full| *full > now);
            self.tidy_at = FEW.max(2 * self.full.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use uuid::Uuid;

    use super::{FEW, Local, Quota};

    #[test]
    fn tenants_do_not_share_a_bucket_and_full_ones_are_forgotten() {
        let quota = Quota::per_minute(1).expect("it is a limit");
        let local = Local::new();
        let mut buckets = local.buckets.lock().expect("nobody else has it");
        let now = Instant::now();
        for tenant in 0..FEW as u128 {
            assert_eq!(buckets.decide(quota, Uuid::from_u128(tenant), now).retry_after, None);
        }
        let refused = buckets.decide(quota, Uuid::from_u128(0), now);
        assert_eq!(refused.retry_after, Some(Duration::from_secs(60)));
        assert_eq!((buckets.full.len(), buckets.tidy_at), (FEW, 2 * FEW));
        let later = now + Duration::from_secs(60);
        buckets.tidy_at = FEW;
        assert_eq!(buckets.decide(quota, Uuid::from_u128(0), later).retry_after, None);
        assert_eq!(buckets.full.len(), 1);
    }
}

//! The generic cell rate algorithm: a bucket of `limit` requests that fills up again within the window, kept as one
//! moment for each tenant, at which its bucket will be full. Here and in `gcra.lua` the arithmetic is the same.

use std::time::Duration;

/// The time in which a bucket fills up.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// How many requests a tenant may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    limit: u32,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Requests a minute.
    pub(crate) limit: u32,
    /// How many may follow at once.
    pub(crate) remaining: u32,
    /// When the bucket is full again.
    pub(crate) reset: Duration,
    /// For a request that is refused: when one will be let through.
    pub(crate) retry_after: Option<Duration>,
}

impl Quota {
    /// This many requests a minute; `None` for 0, which means: no limit.
    pub(crate) fn per_minute(limit: u32) -> Option<Self> {
        (limit > 0).then_some(Self { limit })
    }

    /// What one request takes from the bucket, in time.
    pub(super) fn cost(self) -> Duration {
        WINDOW / self.limit
    }

    /// Decides on a request; `until_full` is when the bucket is full again, from now on. A request that is let through
    /// moves that moment to [`Decision::reset`].
    pub(super) fn decide(self, until_full: Duration) -> Decision {
        let after = until_full + self.cost();
        match after.checked_sub(WINDOW) {
            Some(excess) if !excess.is_zero() => self.decision(until_full, Some(excess)),
            _ => self.decision(after, None),
        }
    }

    pub(super) fn decision(self, reset: Duration, retry_after: Option<Duration>) -> Decision {
        let free = WINDOW.saturating_sub(reset).as_nanos() / self.cost().as_nanos().max(1);
        let remaining = u32::try_from(free).unwrap_or(u32::MAX).min(self.limit);
        Decision { limit: self.limit, remaining, reset, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Quota;

    #[test]
    fn a_bucket_empties_and_fills_up_again() {
        let quota = Quota::per_minute(3).expect("it is a limit");
        let seconds = Duration::from_secs;
        let mut full = Duration::ZERO;
        for remaining in [2, 1, 0] {
            let decision = quota.decide(full);
            assert_eq!((decision.remaining, decision.retry_after), (remaining, None));
            full = decision.reset;
        }
        assert_eq!(full, seconds(60));
        let refused = quota.decide(full);
        assert_eq!((refused.remaining, refused.reset, refused.retry_after), (0, full, Some(seconds(20))));
        let later = quota.decide(full - seconds(19));
        assert_eq!(later.retry_after, Some(seconds(1)));
        let later = quota.decide(full - seconds(20));
        assert_eq!((later.remaining, later.retry_after), (0, None));
        assert_eq!(quota.decide(Duration::ZERO).reset, seconds(20));
    }

    #[test]
    fn any_limit_is_kept() {
        assert_eq!(Quota::per_minute(0), None);
        for limit in [1, 7, 600, 1_000_000, u32::MAX] {
            let quota = Quota::per_minute(limit).expect("it is a limit");
            let decision = quota.decide(Duration::ZERO);
            assert_eq!(decision.retry_after, None, "{limit}");
            assert!(decision.remaining.abs_diff(limit - 1) <= limit / 10, "{limit}: {decision:?}");
        }
    }
}

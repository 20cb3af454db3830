//! Calls a provider until there is an end: an answer, a fault that another attempt would not change, or no more
//! attempts or time.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;

use super::provider::{Call, Client, Fault, FaultKind, Provider, Retry};
use crate::models::ActionStatus;

/// The pause after the first attempt; each further one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that a provider may ask for (`Retry-After`); asked for more, the action ends at once.
const MAX_ASKED_PAUSE: Duration = Duration::from_secs(30);

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) attempts: u32,
    /// For one attempt.
    pub(crate) attempt: Duration,
    /// For the whole action, pauses included.
    pub(crate) total: Duration,
}

/// How an action ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ActionStatus,
    pub(crate) response: Option<Box<RawValue>>,
    pub(crate) error: Option<String>,
    pub(crate) took: Duration,
}

/// Where the action stands, for those who look at its log meanwhile.
pub(crate) trait Progress {
    /// A pause begins (`retry`, with the reason), or ends (`pending`).
    async fn note(&mut self, status: ActionStatus, why: &str);
}

/// Runs an action to its end.
pub(crate) async fn run(
    provider: &Provider,
    client: &Client,
    call: &Call<'_>,
    limits: Limits,
    progress: &mut impl Progress,
) -> Ended {
    let begun = Instant::now();
    let deadline = begun + limits.total;
    let mut attempt = 1;
    loop {
        let fault = match provider.call(client, call, limits.attempt.min(left(deadline))).await {
            Ok(answer) => return Ended::well(answer, begun.elapsed()),
            Err(fault) => fault,
        };
        if attempt >= limits.attempts {
            return Ended::badly(fault, attempt, begun.elapsed());
        }
        let Some(pause) = pause(fault.retry, attempt).filter(|pause| *pause < left(deadline)) else {
            return Ended::badly(fault, attempt, begun.elapsed());
        };
        progress.note(ActionStatus::Retry, &fault.message).await;
        tokio::time::sleep(pause).await;
        progress.note(ActionStatus::Pending, &fault.message).await;
        attempt += 1;
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// How long to wait before the next attempt; `None`: there shall be none.
fn pause(retry: Retry, attempt: u32) -> Option<Duration> {
    match retry {
        Retry::Never => None,
        Retry::After(asked) => (asked <= MAX_ASKED_PAUSE).then_some(asked),
        Retry::Backoff => Some(backoff(attempt).mul_f64(0.5 + fastrand::f64() / 2.0)),
    }
}

/// The longest pause after this attempt. Half of it is left to chance, so that many actions that failed together do
/// not come back together.
fn backoff(attempt: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(MAX_PAUSE)
}

impl Ended {
    fn well(answer: Value, took: Duration) -> Self {
        Self { status: ActionStatus::Success, response: raw(answer), error: None, took }
    }

    fn badly(fault: Fault, attempts: u32, took: Duration) -> Self {
        let status = match fault.kind {
            FaultKind::Failure => ActionStatus::Failure,
            FaultKind::Timeout => ActionStatus::Timeout,
        };
        let error = match attempts {
            1 => fault.message,
            _ => format!("{} ({attempts} attempts)", fault.message),
        };
        Self { status, response: fault.response.and_then(raw), error: Some(error), took }
    }
}

/// As it is stored and shown.
fn raw(value: Value) -> Option<Box<RawValue>> {
    // Values can always be written as JSON.
    to_raw_value(&storable(value)).ok()
}

/// PostgreSQL's jsonb cannot hold NUL characters: what a provider says with some is kept with U+FFFD in their place.
fn storable(value: Value) -> Value {
    let clean = |text: String| match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}"),
        false => text,
    };
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (clean(name), storable(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{MAX_ASKED_PAUSE, MAX_PAUSE, Retry, backoff, pause, storable};

    #[test]
    fn pauses_grow_up_to_a_bound_and_differ() {
        let longest: Vec<_> = (1..=7).map(|attempt| backoff(attempt).as_millis()).collect();
        assert_eq!(longest, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff(u32::MAX), MAX_PAUSE);
        let pauses: Vec<_> = (0..20).filter_map(|_| pause(Retry::Backoff, 2)).collect();
        let [shortest, longest] = [Duration::from_millis(200), Duration::from_millis(400)];
        assert!(pauses.iter().all(|pause| (shortest..=longest).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
    }

    #[test]
    fn a_provider_may_ask_for_a_pause_within_bounds() {
        assert_eq!(pause(Retry::Never, 1), None);
        assert_eq!(pause(Retry::After(MAX_ASKED_PAUSE), 1), Some(MAX_ASKED_PAUSE));
        assert_eq!(pause(Retry::After(MAX_ASKED_PAUSE + Duration::from_secs(1)), 1), None);
    }

    #[test]
    fn what_postgresql_cannot_store_is_replaced() {
        let value = json!({ "a\0": ["\0", 1, null, { "b": "c\0d" }] });
        assert_eq!(storable(value), json!({ "a\u{fffd}": ["\u{fffd}", 1, null, { "b": "c\u{fffd}d" }] }));
    }
}

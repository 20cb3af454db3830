//! Waiting for a database that is still on its way.

use std::fmt;
use std::time::Duration;

use limbeck_core::problem::{Code, Problem};
use sqlx::postgres::PgConnection;

use super::{ConnectError, ConnectSpec, Lookup, connect};

/// How often to try, and how long to rest between two tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    interval: Duration,
}

impl Default for RetryPolicy {
    /// Thirty attempts, two seconds apart.
    fn default() -> Self {
        Self { attempts: 30, interval: Duration::from_secs(2) }
    }
}

/// More attempts than this are a mistake.
const MOST_ATTEMPTS: u32 = 100_000;
/// A longer rest, in seconds, is a mistake (milliseconds, say).
const LONGEST_INTERVAL: f64 = 3600.0;

impl RetryPolicy {
    /// `attempts` (at least one is made) with `interval` between them.
    pub fn new(attempts: u32, interval: Duration) -> Self {
        Self { attempts: attempts.max(1), interval }
    }

    /// From `DB_MAX_RETRIES` (default 30) and `DB_RETRY_INTERVAL` (seconds, fractions allowed,
    /// default 2). An empty variable counts as unset.
    ///
    /// # Errors
    /// A variable that holds no number, zero, a negative or an absurd one.
    pub fn from_env(env: Lookup<'_>) -> Result<Self, Problem> {
        let default = Self::default();
        let attempts = match set(env, "DB_MAX_RETRIES") {
            None => default.attempts,
            Some(text) => match text.trim().parse() {
                Ok(attempts) if (1..=MOST_ATTEMPTS).contains(&attempts) => attempts,
                _ => {
                    let must = format!("a whole number from 1 to {MOST_ATTEMPTS}");
                    return Err(bad("DB_MAX_RETRIES", &text, &must));
                }
            },
        };
        let interval = match set(env, "DB_RETRY_INTERVAL") {
            None => default.interval,
            Some(text) => match text.trim().parse::<f64>() {
                Ok(seconds) if (0.001..=LONGEST_INTERVAL).contains(&seconds) => {
                    Duration::from_secs_f64(seconds)
                }
                _ => {
                    let must = format!("a number of seconds above 0, at most {LONGEST_INTERVAL}");
                    return Err(bad("DB_RETRY_INTERVAL", &text, &must));
                }
            },
        };
        Ok(Self { attempts, interval })
    }

    /// How many attempts are made.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The rest between two attempts.
    pub fn interval(&self) -> Duration {
        self.interval
    }
}

fn set(env: Lookup<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.trim().is_empty())
}

fn bad(name: &str, value: &str, must: &str) -> Problem {
    Problem::new(Code::ConfigValue, format!("{name} is `{value}`, and must be {must}"))
        .help(format!("correct or unset {name}"))
}

/// One attempt that failed.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Its number, from 1.
    pub number: u32,
    /// How many will be made at most.
    pub of: u32,
    /// Why it failed.
    pub error: &'a ConnectError,
    /// When the next one follows; `None` after the last.
    pub next_in: Option<Duration>,
}

/// Why waiting ended without a session.
#[derive(Debug, Clone, PartialEq)]
pub enum WaitError {
    /// Every attempt failed in a way that might have healed.
    GaveUp {
        /// How many attempts were made.
        attempts: u32,
        /// The last failure.
        last: ConnectError,
    },
    /// A failure that time does not heal: it is returned at once.
    Refused(ConnectError),
}

impl WaitError {
    /// The failure to connect.
    pub fn error(&self) -> &ConnectError {
        match self {
            Self::GaveUp { last: error, .. } | Self::Refused(error) => error,
        }
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GaveUp { attempts, last } => {
                let word = if *attempts == 1 { "attempt" } else { "attempts" };
                write!(f, "Failed to connect to PostgreSQL after {attempts} {word}: {last}")
            }
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WaitError {}

impl From<WaitError> for Problem {
    fn from(error: WaitError) -> Self {
        let sentence = error.to_string();
        let WaitError::GaveUp { last, .. } = error else { return error.into_connect_error().into() };
        let inner = Problem::from(last);
        let problem = Problem::new(inner.code(), sentence)
            .help(inner.help_text().unwrap_or_default())
            .note("DB_MAX_RETRIES and DB_RETRY_INTERVAL (seconds) say how long to wait");
        inner.notes().iter().fold(problem, |problem, note| problem.note(note))
    }
}

impl WaitError {
    fn into_connect_error(self) -> ConnectError {
        match self {
            Self::GaveUp { last: error, .. } | Self::Refused(error) => error,
        }
    }
}

/// Connects, again and again while the failure may heal. `emit` hears of every failed attempt that
/// may heal, before the rest that follows it.
///
/// # Errors
/// [`WaitError::Refused`] at once for what time does not heal; [`WaitError::GaveUp`] after the last
/// attempt.
pub async fn wait_for_database(
    spec: &ConnectSpec,
    application_name: &str,
    policy: RetryPolicy,
    mut emit: impl FnMut(Attempt<'_>),
) -> Result<PgConnection, WaitError> {
    let mut number = 1;
    loop {
        let error = match connect(spec, application_name).await {
            Ok(conn) => return Ok(conn),
            Err(error) if error.is_retryable() => error,
            Err(error) => return Err(WaitError::Refused(error)),
        };
        let next_in = (number < policy.attempts).then_some(policy.interval);
        emit(Attempt { number, of: policy.attempts, error: &error, next_in });
        let Some(rest) = next_in else {
            return Err(WaitError::GaveUp { attempts: number, last: error });
        };
        tokio::time::sleep(rest).await;
        number += 1;
    }
}

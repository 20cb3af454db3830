//! The limiter that all replicas share.
//!
//! While Redis cannot be used, requests are decided without it, and without waiting for it: one task asks it every
//! second whether it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use uuid::Uuid;

use super::gcra::{Decision, Quota, WINDOW};
use crate::Failure;

/// What a request may wait for Redis; usually it answers within one millisecond.
const PATIENCE: Duration = Duration::from_millis(250);

/// How often Redis is asked whether it is back.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// What is asked about then. The whole script is run: a server that answers to PING may still refuse to write.
const PROBE: &str = "adapter:rate:probe";

/// Counts in Redis.
#[derive(Clone)]
pub(super) struct Shared {
    connection: ConnectionManager,
    script: Arc<Script>,
    up: Arc<AtomicBool>,
}

impl Shared {
    /// Connects when the first request comes.
    pub(super) fn new(url: &str) -> Result<Self, Failure> {
        let malformed = |why: RedisError| {
            format!("REDIS_URL is malformed: {why}; an example: redis://:password@localhost:6379/0")
        };
        let client = Client::open(url).map_err(malformed)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(PROBE_EVERY))
            .set_response_timeout(Some(PATIENCE));
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, config).map_err(malformed)?,
            script: Arc::new(Script::new(include_str!("gcra.lua"))),
            up: Arc::new(AtomicBool::new(true)),
        })
    }

    /// Decides; `None` while Redis cannot.
    pub(super) async fn decide(&self, quota: Quota, tenant: Uuid) -> Option<Decision> {
        if !self.up.load(Ordering::Acquire) {
            return None;
        }
        match self.ask(quota, &format!("adapter:rate:{tenant}")).await {
            Ok(decision) => Some(decision),
            Err(why) => {
                self.lost(&why, quota);
                None
            }
        }
    }

    async fn ask(&self, quota: Quota, key: &str) -> Result<Decision, String> {
        let mut connection = self.connection.clone();
        let mut call = self.script.key(key);
        call.arg(micros(quota.cost()).max(1)).arg(micros(WINDOW));
        let answer = call.invoke_async::<(u64, u64)>(&mut connection);
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok((reset, 0))) => Ok(quota.decision(Duration::from_micros(reset), None)),
            Ok(Ok((reset, wait))) => {
                Ok(quota.decision(Duration::from_micros(reset), Some(Duration::from_micros(wait))))
            }
            Ok(Err(why)) => Err(why.to_string()),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        }
    }

    /// Says so and waits for its return, once, however many requests notice.
    fn lost(&self, why: &str, quota: Quota) {
        if self.up.swap(false, Ordering::AcqRel) {
            tracing::warn!(
                "Redis cannot be used ({why}): each process counts the requests of a tenant by itself"
            );
            tokio::spawn(self.clone().until_back(quota));
        }
    }

    async fn until_back(self, quota: Quota) {
        loop {
            tokio::time::sleep(PROBE_EVERY).await;
            if self.ask(quota, PROBE).await.is_ok() {
                break;
            }
        }
        tracing::info!("Redis is back: all processes count the requests of a tenant together");
        self.up.store(true, Ordering::Release);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

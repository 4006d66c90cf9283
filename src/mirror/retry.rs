//! What is done about each error: the one place that decides it.
//!
//! Promises that every retry waits longer than the one before, up to a bound,
//! and never in step with others. Deliberately retries nothing that cannot
//! come right by itself.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::numbered::numbered;
use super::outage::Met;
use crate::etcd::EtcdError;
use crate::source::WatchError;

/// What is done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same again, later.
    Retry,
    /// The history that is needed is gone: list everything anew.
    Resync,
    /// This key cannot be written: go on without it and report it.
    Hold,
    /// Nothing that carry could do: stop and say so.
    Fatal,
}

/// What is done about an error of etcd.
pub fn remedy(error: &EtcdError) -> Remedy {
    match error {
        EtcdError::Compacted { .. } => Remedy::Resync,
        EtcdError::TooLarge(_) => Remedy::Hold,
        error if error.is_retryable() => Remedy::Retry,
        _ => Remedy::Fatal,
    }
}

/// What is done about the end of a watch.
pub fn watch_remedy(error: &WatchError) -> Remedy {
    match error {
        WatchError::Compacted { .. } => Remedy::Resync,
        WatchError::Etcd(error) => remedy(error),
    }
}

/// What tells the waits of this process from those of others; 0 until it is
/// drawn.
static SALT: AtomicU64 = AtomicU64::new(0);

/// From now on all waits of this process are the same in every run with this
/// `salt` (other than 0): for a simulation, which has to replay exactly.
pub fn fix_jitter(salt: u64) {
    SALT.store(salt, Ordering::Relaxed);
}

/// Of 512 equally likely numbers the one that belongs to an attempt of this
/// process.
fn jitter(attempt: u32) -> u64 {
    let drawn = SALT.load(Ordering::Relaxed);
    let salt = match drawn {
        // Every `RandomState` has keys of its own: randomness enough here.
        0 => RandomState::new().hash_one(attempt) | 1,
        drawn => drawn,
    };
    if drawn == 0 {
        SALT.store(salt, Ordering::Relaxed);
    }
    let mixed = (salt ^ u64::from(attempt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed >> 55
}

/// How long to wait before each next attempt.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// After a partial success: the next waits are short again, but not the
    /// shortest.
    pub fn ease(&mut self) {
        self.attempts = self.attempts.min(2);
    }

    /// How often it was asked since the last success.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The next wait: doubling, between half and the whole of it.
    pub fn next_wait(&mut self) -> Duration {
        let full = Self::FIRST
            .saturating_mul(1 << self.attempts.min(10))
            .min(Self::LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        full / 2 + full.mul_f64(jitter(self.attempts) as f64 / 1024.0)
    }
}

/// Repeats `attempt` until it succeeds or fails in a way that repeating does
/// not mend. Says so once, at the first failure, and again when it is over;
/// where several do so at once, one of them.
pub async fn persist<T, F, Fut>(what: &str, mut attempt: F) -> Result<T, EtcdError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, EtcdError>>,
{
    let mut backoff = Backoff::default();
    let mut met: Option<Met> = None;
    loop {
        match attempt().await {
            Ok(done) => {
                if let Some(met) = met {
                    let attempts = numbered(backoff.attempts(), "attempt");
                    met.over(&format!("{what}: works again after {attempts}"));
                }
                return Ok(done);
            }
            Err(error) if remedy(&error) == Remedy::Retry => {
                met.get_or_insert_with(|| Met::with(&error, what));
                tokio::time::sleep(backoff.next_wait()).await;
            }
            Err(error) => return Err(error),
        }
    }
}

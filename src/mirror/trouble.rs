//! Why writing does not go on at the moment, and how long to wait before the
//! next attempt.
//!
//! Promises to log each kind of trouble once, however long it lasts.
//! Deliberately decides nothing: what can be retried is `retry`'s.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use tokio::time::Instant;

use super::outage::Met;
use super::retry::Backoff;
use crate::etcd::EtcdError;

/// What is shorter is not worth mentioning: a member changed, a connection
/// broke.
const WORTH_MENTIONING: Duration = Duration::from_secs(1);

/// What is wrong with the destination, if anything.
#[derive(Debug, Default)]
pub struct Trouble {
    backoff: Backoff,
    since: Option<Instant>,
    kind: Option<Discriminant<EtcdError>>,
    met: Option<Met>,
    why: String,
}

impl Trouble {
    /// Something was written.
    pub fn over(&mut self) {
        if self.since.is_some() {
            *self = Trouble::default();
        }
        self.backoff.reset();
    }

    /// The destination answers, but nothing was written yet.
    pub fn ease(&mut self) {
        self.backoff.ease();
    }

    /// How long to wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        self.backoff.next_wait()
    }

    /// An attempt failed.
    pub fn note(&mut self, error: &EtcdError) {
        if self.kind.replace(discriminant(error)) != Some(discriminant(error)) {
            self.met = Some(Met::with(error, "writing to the destination"));
        }
        self.since.get_or_insert_with(Instant::now);
        self.why = error.to_string();
    }

    /// Why nothing was written for a while.
    pub fn why(&self) -> Option<&str> {
        let since = self.since?;
        (since.elapsed() >= WORTH_MENTIONING).then_some(self.why.as_str())
    }
}

//! Batches that the destination has no space for.
//!
//! Promises that they are tried again, one of them first, for as long as it
//! takes, while deletes, which etcd still takes, go on; and that so many wait
//! here that memory stays bounded. Deliberately ends nothing: the operator
//! makes room.

use tokio::time::Instant;

use super::pipeline::Batch;
use super::retry::Backoff;
use crate::destination::Op;

/// How much may wait.
const MAX_BYTES: usize = 16 << 20;

/// What waits for space at the destination.
#[derive(Default)]
pub struct Starving {
    batches: Vec<Batch>,
    bytes: usize,
    /// When the next one is tried; `None` while there is space.
    next: Option<Instant>,
    /// One is being tried.
    probing: bool,
    backoff: Backoff,
}

impl Starving {
    /// Whether the destination has no space, as far as is known.
    pub fn is_starving(&self) -> bool {
        self.next.is_some()
    }

    /// Whether more may be taken.
    pub fn has_room(&self) -> bool {
        self.bytes < MAX_BYTES
    }

    /// Whether a batch goes out nevertheless: it needs no space.
    pub fn lets_pass(&self, batch: &Batch) -> bool {
        !self.is_starving() || !batch.ops.iter().any(Op::is_put)
    }

    /// Takes a batch that has to wait.
    pub fn push(&mut self, batch: Batch) {
        self.bytes += batch.bytes();
        self.batches.push(batch);
    }

    /// There is no space: the batch was refused for that.
    pub fn refused(&mut self, batch: Option<Batch>, now: Instant) {
        let first = !self.is_starving();
        // What else was refused meanwhile puts nothing off.
        if first || self.probing && batch.is_some() {
            self.probing = false;
            self.next = Some(now + self.backoff.next_wait());
        }
        if let Some(batch) = batch {
            self.push(batch);
        }
    }

    /// A batch has ended in another way. It may be the one that was tried, and
    /// says nothing of the space: another one is tried.
    pub fn no_answer(&mut self, now: Instant) {
        if std::mem::take(&mut self.probing) {
            self.next = Some(now + self.backoff.next_wait());
        }
    }

    /// There is space: returns everything that waited. `None` where it was
    /// never in doubt.
    pub fn relieved(&mut self) -> Option<Vec<Batch>> {
        self.next.take()?;
        self.probing = false;
        self.backoff.reset();
        self.bytes = 0;
        Some(std::mem::take(&mut self.batches))
    }

    /// The batch that is to be tried now, if it is time.
    pub fn probe(&mut self, now: Instant) -> Option<Batch> {
        if self.probing || self.next.is_none_or(|at| now < at) {
            return None;
        }
        let batch = self.batches.pop()?;
        self.bytes -= batch.bytes();
        self.probing = true;
        Some(batch)
    }
}

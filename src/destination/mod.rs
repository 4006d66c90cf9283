//! The etcd that is mirrored into: guarded transactions, and nothing without a
//! fence.
//!
//! Promises that nothing is written unless we still lead. Deliberately knows
//! nothing of rules or of the source.

pub mod election;
pub mod etcd;
pub mod memory;
pub mod prefixed;
mod txn;

use std::future::Future;

use crate::etcd::{DestRevision, EtcdError};
use crate::rules::decide::KeyRange;

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Writes these bytes.
    Put {
        /// The whole key.
        key: Vec<u8>,
        /// Never empty.
        value: Vec<u8>,
    },
    /// Removes the key; nothing happens where it is not there.
    Delete {
        /// The whole key.
        key: Vec<u8>,
    },
}

/// What the leader key was when we took it; every transaction compares it.
///
/// The modification revision is part of it: rewriting the leader key makes
/// every transaction that is still on its way fail, which is how an unknown
/// outcome is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// `/carry/<name>/leader`.
    pub key: Vec<u8>,
    /// Its create_revision under our leadership.
    pub create_revision: i64,
    /// Its mod_revision: the epoch of our writes.
    pub mod_revision: i64,
}

/// How a transaction that was answered ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was applied at this revision.
    Applied(DestRevision),
    /// None of it was: the fence no longer holds.
    Fenced,
}

/// What the destination says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestStatus {
    /// etcd's cluster id.
    pub cluster_id: u64,
    /// The newest revision.
    pub revision: DestRevision,
}

/// A key with its bytes.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// The destination of a mirror.
pub trait Destination: Send + Sync + 'static {
    /// Asks for cluster id and newest revision (linearizable).
    fn status(&self) -> impl Future<Output = Result<DestStatus, EtcdError>> + Send;

    /// Applies `ops` in one transaction if `fence` holds. No key occurs twice.
    /// An error may leave the outcome unknown: see
    /// [`EtcdError::outcome_unknown`].
    fn commit(
        &self,
        fence: &Fence,
        ops: &[Op],
    ) -> impl Future<Output = Result<Outcome, EtcdError>> + Send;

    /// One key's bytes.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<Option<Vec<u8>>, EtcdError>> + Send;

    /// One page of `range` in key order, and whether there is more after it.
    fn list(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<KeyValue>, bool), EtcdError>> + Send;

    /// How many keys `range` holds.
    fn count(&self, range: &KeyRange) -> impl Future<Output = Result<u64, EtcdError>> + Send;
}

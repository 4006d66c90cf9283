//! The etcd that is mirrored into: guarded transactions, and nothing without a
//! fence.
//!
//! Promises that nothing is written unless we still lead. Deliberately knows
//! nothing of rules or of the source.

mod changes;
pub mod election;
pub mod etcd;
mod intruder;
pub mod memory;
pub mod prefixed;
pub mod promotion;
mod script;
mod txn;
mod watch;

pub use watch::{Touched, Watch};

use std::future::Future;
use std::time::Duration;

use crate::etcd::{DestRevision, EtcdError};
use crate::rules::decide::KeyRange;
pub use crate::rules::landing::{Guard, There};

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
    /// Writes these bytes, attached to an etcd lease.
    PutLeased {
        /// The whole key.
        key: Vec<u8>,
        /// Never empty.
        value: Vec<u8>,
        /// The source's lease, until one of the destination's is made for it;
        /// the destination's where it is sent. Never 0.
        lease: i64,
    },
    /// Removes the key; nothing happens where it is not there.
    Delete {
        /// The whole key.
        key: Vec<u8>,
    },
}

impl Op {
    /// Writes these bytes, attached to `lease` unless that is 0.
    pub fn put(key: Vec<u8>, value: Vec<u8>, lease: i64) -> Op {
        match lease {
            0 => Op::Put { key, value },
            lease => Op::PutLeased { key, value, lease },
        }
    }

    /// The lease that it attaches its key to; 0 for none.
    pub fn lease(&self) -> i64 {
        match self {
            Op::PutLeased { lease, .. } => *lease,
            Op::Put { .. } | Op::Delete { .. } => 0,
        }
    }

    /// The key that it writes.
    pub fn key(&self) -> &[u8] {
        match self {
            Op::Put { key, .. } | Op::PutLeased { key, .. } | Op::Delete { key } => key,
        }
    }

    /// The bytes of its key and value.
    pub fn bytes(&self) -> usize {
        match self {
            Op::Put { key, value } | Op::PutLeased { key, value, .. } => key.len() + value.len(),
            Op::Delete { key } => key.len(),
        }
    }

    /// Whether it writes bytes.
    pub fn is_put(&self) -> bool {
        !matches!(self, Op::Delete { .. })
    }
}

/// An etcd lease of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseId(pub i64);

/// A lease that is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// How long it lives unless it is renewed.
    pub left: Duration,
    /// How long it lives from each renewal on.
    pub ttl: Duration,
    /// Whether it was made just now.
    pub new: bool,
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
    /// None of it was: the fence holds, and something that the transaction
    /// relies on is not so.
    Unmet,
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

/// A key with what it holds.
pub type Entry = (Vec<u8>, There);

/// The destination of a mirror.
pub trait Destination: Send + Sync + 'static {
    /// Asks for cluster id and newest revision (linearizable).
    fn status(&self) -> impl Future<Output = Result<DestStatus, EtcdError>> + Send;

    /// Applies `ops` in one transaction if `fence` holds and all of `guards`
    /// are so. No key occurs twice in `ops`. etcd counts guards, and the fence
    /// as one more, as it counts operations. An error may leave the outcome
    /// unknown: see [`EtcdError::outcome_unknown`].
    fn commit(
        &self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> impl Future<Output = Result<Outcome, EtcdError>> + Send;

    /// What a key holds.
    fn look(&self, key: &[u8]) -> impl Future<Output = Result<Option<There>, EtcdError>> + Send;

    /// One key's bytes.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<Option<Vec<u8>>, EtcdError>> + Send {
        async { Ok(self.look(key).await?.map(|there| there.value)) }
    }

    /// One page of `range` in key order, and whether there is more after it.
    fn entries(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<Entry>, bool), EtcdError>> + Send;

    /// The same, without the revisions.
    fn list(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<KeyValue>, bool), EtcdError>> + Send {
        async move {
            let (page, more) = self.entries(range, limit).await?;
            let page = page.into_iter().map(|(key, there)| (key, there.value));
            Ok((page.collect(), more))
        }
    }

    /// How many keys `range` holds.
    fn count(&self, range: &KeyRange) -> impl Future<Output = Result<u64, EtcdError>> + Send;

    /// Makes the lease `lease` with about `ttl` (at least a second, and at least
    /// what the destination allows), unless it is there already. Safe to repeat
    /// after an unknown outcome. Where a destination knows no leases, it refuses.
    fn grant(
        &self,
        lease: LeaseId,
        ttl: Duration,
    ) -> impl Future<Output = Result<Granted, EtcdError>> + Send {
        let _ = (lease, ttl);
        async { Err(EtcdError::Refused("it knows no leases".to_owned())) }
    }

    /// Tells which keys of `ranges` (sorted, disjoint) are changed from `from`
    /// on, inclusive, by whomever. Returns once that is certain. Where a
    /// destination cannot tell, it refuses.
    fn watch(
        &self,
        ranges: &[KeyRange],
        from: DestRevision,
    ) -> impl Future<Output = Result<Watch, EtcdError>> + Send {
        let _ = (ranges, from);
        async { Err(EtcdError::Refused("it cannot be watched".to_owned())) }
    }
}

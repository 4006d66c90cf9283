//! What a test may do to a destination in memory behind carry's back.
//!
//! Promises what another client of etcd, or etcd itself, could do. Deliberately
//! apart from what carry itself asks of a destination.

use super::election::LeaseId;
use super::memory::MemoryDestination;
use super::{Guard, Op};
use crate::etcd::EtcdError;

impl MemoryDestination {
    /// Deletes without a fence.
    pub fn delete(&self, key: &[u8]) {
        self.lock().remove(key);
    }

    /// Applies all of `ops`, without a fence, if all of `guards` are so; tells
    /// whether they were.
    pub fn transact(&self, guards: &[Guard], ops: &[Op]) -> bool {
        let mut state = self.lock();
        let holds = guards.iter().all(|guard| state.is_so(guard));
        if holds {
            state.revision += 1;
            for op in ops {
                match op {
                    Op::Put { key, value } | Op::PutLeased { key, value, .. } => {
                        state.store(key, value, op.lease());
                    }
                    Op::Delete { key } => state.forget(key),
                }
            }
        }
        holds
    }

    /// Ends every lease and removes what is attached to it.
    pub fn expire_leases(&self) {
        let mut state = self.lock();
        for lease in std::mem::take(&mut state.leases) {
            state.detach(lease);
        }
    }

    /// Ends one lease and removes what is attached to it.
    pub fn expire_lease(&self, lease: LeaseId) {
        let mut state = self.lock();
        state.leases.remove(&lease.0);
        state.detach(lease.0);
    }

    /// Ends every watch with this error.
    pub fn break_watches(&self, error: &EtcdError) {
        self.lock().changes.end(error);
    }

    /// Forgets history: a watch from before now is refused.
    pub fn compact(&self) {
        let mut state = self.lock();
        let revision = state.revision;
        state.changes.compact(revision);
    }

    /// How many watches there are.
    pub fn watches(&self) -> usize {
        self.lock().changes.watches()
    }
}

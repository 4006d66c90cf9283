//! What a test may do to a destination in memory behind carry's back.
//!
//! Promises what another client of etcd, or etcd itself, could do. Deliberately
//! apart from what carry itself asks of a destination.

use super::memory::MemoryDestination;
use crate::etcd::EtcdError;

impl MemoryDestination {
    /// Deletes without a fence.
    pub fn delete(&self, key: &[u8]) {
        self.lock().remove(key);
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

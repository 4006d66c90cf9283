//! Decrypted keys that many values share, the least recently used dropped
//! first.
//!
//! Promises a bound. The keys wipe themselves when dropped; they are found by a
//! hash, so that nothing else of theirs is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::object::Identity;

/// At most so many keys.
pub(super) struct Cache<K> {
    size: usize,
    keys: Mutex<LruCache<Identity, Arc<K>>>,
}

impl<K> Cache<K> {
    /// Of size 0 it remembers nothing.
    pub fn new(size: usize) -> Cache<K> {
        Cache {
            size,
            keys: Mutex::new(LruCache::unbounded()),
        }
    }

    pub fn get(&self, identity: &Identity) -> Option<Arc<K>> {
        self.lock().get(identity).cloned()
    }

    pub fn put(&self, identity: Identity, key: Arc<K>) {
        let mut keys = self.lock();
        keys.put(identity, key);
        while keys.len() > self.size {
            keys.pop_lru();
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Identity, Arc<K>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

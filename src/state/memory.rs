//! Local state in memory: for tests, and for runs that keep nothing.
//!
//! Promises the same answers as the one on disk, and nothing after a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::schema;
use super::{Checkpoint, LedgerChange, LedgerEntry, Pair, StateError, StateStore};
use crate::rules::decide::KeyRange;

/// Local state in memory. Clones share it, as processes share a disk.
#[derive(Clone, Default)]
pub struct MemoryStore {
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    ledger: BTreeMap<Vec<u8>, LedgerEntry>,
    pair: Option<Pair>,
    checkpoints: Vec<Checkpoint>,
}

impl MemoryStore {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, StateError> {
        Ok(self.held().ledger.get(key).cloned())
    }

    fn apply(&self, changes: &[LedgerChange]) -> Result<(), StateError> {
        let mut held = self.held();
        for LedgerChange { key, entry } in changes {
            match entry {
                None => held.ledger.remove(key),
                Some(entry) => held.ledger.insert(key.clone(), entry.clone()),
            };
        }
        Ok(())
    }

    fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, LedgerEntry)>, StateError> {
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let held = self.held();
        let found = held.ledger.range(range.start.clone()..range.end.clone());
        Ok(found
            .take(limit)
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect())
    }

    fn pair(&self) -> Result<Option<Pair>, StateError> {
        Ok(self.held().pair.clone())
    }

    fn reset(&self, pair: &Pair) -> Result<(), StateError> {
        *self.held() = Held {
            pair: Some(pair.clone()),
            ..Held::default()
        };
        Ok(())
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StateError> {
        Ok(self.held().checkpoints.clone())
    }

    fn add_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        schema::add_checkpoint(&mut self.held().checkpoints, checkpoint);
        Ok(())
    }

    fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.held().checkpoints = vec![checkpoint.clone()];
        Ok(())
    }
}

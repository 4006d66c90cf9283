//! Local state in memory: for tests, and for runs that keep nothing.
//!
//! Promises the same answers as the one on disk, and nothing after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::schema;
use super::{Checkpoint, HeldKey, LedgerChange, LedgerEntry, Pair, StateError, StateStore};
use crate::rules::decide::KeyRange;

/// Local state in memory. Clones share it, as processes share a disk.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    ledger: BTreeMap<Vec<u8>, LedgerEntry>,
    pair: Option<Pair>,
    checkpoints: Vec<Checkpoint>,
    held: BTreeMap<Vec<u8>, HeldKey>,
    kept: BTreeSet<Vec<u8>>,
    encryption: Option<String>,
}

impl MemoryStore {
    /// A copy of its own, as of a disk.
    pub fn image(&self) -> MemoryStore {
        let state = self.state().clone();
        MemoryStore {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, StateError> {
        Ok(self.state().ledger.get(key).cloned())
    }

    fn apply(&self, changes: &[LedgerChange]) -> Result<(), StateError> {
        let mut state = self.state();
        for LedgerChange { key, entry } in changes {
            match entry {
                None => state.ledger.remove(key),
                Some(entry) => state.ledger.insert(key.clone(), entry.clone()),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StateError> {
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
        let state = self.state();
        let found = state.ledger.range(range.start.clone()..range.end.clone());
        Ok(found
            .take(limit)
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect())
    }

    fn pair(&self) -> Result<Option<Pair>, StateError> {
        Ok(self.state().pair.clone())
    }

    fn reset(&self, pair: &Pair) -> Result<(), StateError> {
        *self.state() = State {
            pair: Some(pair.clone()),
            ..State::default()
        };
        Ok(())
    }

    fn set_pair(&self, pair: &Pair) -> Result<(), StateError> {
        let mut state = self.state();
        state.pair = Some(pair.clone());
        state.encryption = None;
        Ok(())
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StateError> {
        Ok(self.state().checkpoints.clone())
    }

    fn add_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        schema::add_checkpoint(&mut self.state().checkpoints, checkpoint);
        Ok(())
    }

    fn encryption(&self) -> Result<Option<String>, StateError> {
        Ok(self.state().encryption.clone())
    }

    fn set_encryption(&self, digest: &str) -> Result<(), StateError> {
        self.state().encryption = Some(digest.to_owned());
        Ok(())
    }

    fn held(&self) -> Result<Vec<HeldKey>, StateError> {
        Ok(self.state().held.values().cloned().collect())
    }

    fn hold(&self, held: &HeldKey) -> Result<(), StateError> {
        let key = held.key.clone();
        self.state().held.insert(key, held.clone());
        Ok(())
    }

    fn release(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        let mut state = self.state();
        for key in keys {
            state.held.remove(key);
        }
        Ok(())
    }

    fn kept(&self) -> Result<Vec<Vec<u8>>, StateError> {
        Ok(self.state().kept.iter().cloned().collect())
    }

    fn keep(&self, key: &[u8]) -> Result<(), StateError> {
        self.state().kept.insert(key.to_vec());
        Ok(())
    }

    fn unkeep(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        let mut state = self.state();
        for key in keys {
            state.kept.remove(key);
        }
        Ok(())
    }

    fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.state().checkpoints = vec![checkpoint.clone()];
        Ok(())
    }
}

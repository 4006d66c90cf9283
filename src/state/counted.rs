//! A ledger that knows how many keys it holds of each rule.
//!
//! Promises counts that are exact, also after a restart: the ledger is read once
//! when it is opened, and every change of it is counted. Deliberately keeps no
//! keys in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Checkpoint, HeldKey, LedgerChange, LedgerEntry, Pair, StateError, StateStore};
use crate::metrics::Metrics;
use crate::rules::decide::KeyRange;

/// Entries that are read at a time when it is opened.
const PAGE: usize = 1000;

/// How many keys there are. Cheap to clone; clones share it.
#[derive(Clone, Default)]
pub struct OwnedKeys {
    counts: Arc<Mutex<OwnedCounts>>,
}

/// Owned keys, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedCounts {
    /// By the rule that selects them.
    pub rules: BTreeMap<String, u64>,
    /// Kept though no rule selects them any more.
    pub retired: u64,
}

impl OwnedKeys {
    /// As it is now.
    pub fn counts(&self) -> OwnedCounts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, OwnedCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnedCounts {
    fn add(&mut self, entry: &LedgerEntry) {
        if entry.retired {
            self.retired += 1;
            return;
        }
        match self.rules.get_mut(&entry.rule) {
            Some(count) => *count += 1,
            None => drop(self.rules.insert(entry.rule.clone(), 1)),
        }
    }

    fn take(&mut self, entry: &LedgerEntry) {
        let count = match entry.retired {
            true => Some(&mut self.retired),
            false => self.rules.get_mut(&entry.rule),
        };
        if let Some(count) = count {
            *count = count.saturating_sub(1);
        }
    }
}

/// A store that counts.
pub struct Counted<St> {
    inner: St,
    owned: OwnedKeys,
    metrics: Metrics,
}

impl<St: StateStore> Counted<St> {
    /// Reads the whole ledger of `inner` once.
    pub fn new(inner: St, metrics: Metrics) -> Result<Counted<St>, StateError> {
        let counted = Counted {
            inner,
            owned: OwnedKeys::default(),
            metrics,
        };
        let mut rest = KeyRange {
            start: Vec::new(),
            // Behind every key: etcd's are shorter than its requests may be.
            end: vec![0xff; 64],
        };
        loop {
            let page = counted.inner.scan(&rest, PAGE)?;
            let mut counts = counted.owned.lock();
            page.iter().for_each(|(_, entry)| counts.add(entry));
            match page.last() {
                Some((last, _)) if page.len() == PAGE => {
                    rest.start = [last.as_slice(), &[0]].concat();
                }
                _ => break,
            }
        }
        counted.show(&counted.owned.lock());
        Ok(counted)
    }

    /// The counts, for whoever shows them.
    pub fn owned(&self) -> OwnedKeys {
        self.owned.clone()
    }

    fn show(&self, counts: &OwnedCounts) {
        for (rule, &count) in &counts.rules {
            self.metrics.rule_keys(rule, count);
        }
        self.metrics.retired_keys(counts.retired);
    }
}

impl<St: StateStore> StateStore for Counted<St> {
    fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, StateError> {
        self.inner.get(key)
    }

    fn apply(&self, changes: &[LedgerChange]) -> Result<(), StateError> {
        // One key may change twice in a batch: each is counted against the one
        // before.
        let mut last: HashMap<&[u8], Option<&LedgerEntry>> = HashMap::with_capacity(changes.len());
        let mut counts = self.owned.lock();
        let mut after = counts.clone();
        for LedgerChange { key, entry } in changes {
            match last.insert(key, entry.as_ref()) {
                Some(before) => before.into_iter().for_each(|before| after.take(before)),
                None => self
                    .inner
                    .get(key)?
                    .iter()
                    .for_each(|before| after.take(before)),
            }
            entry.iter().for_each(|entry| after.add(entry));
        }
        self.inner.apply(changes)?;
        *counts = after;
        self.show(&counts);
        Ok(())
    }

    fn sync(&self) -> Result<(), StateError> {
        self.inner.sync()
    }

    fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, LedgerEntry)>, StateError> {
        self.inner.scan(range, limit)
    }

    fn pair(&self) -> Result<Option<Pair>, StateError> {
        self.inner.pair()
    }

    fn reset(&self, pair: &Pair) -> Result<(), StateError> {
        self.inner.reset(pair)?;
        let mut counts = self.owned.lock();
        counts.rules.values_mut().for_each(|count| *count = 0);
        counts.retired = 0;
        self.show(&counts);
        Ok(())
    }

    fn set_pair(&self, pair: &Pair) -> Result<(), StateError> {
        self.inner.set_pair(pair)
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StateError> {
        self.inner.checkpoints()
    }

    fn add_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.inner.add_checkpoint(checkpoint)
    }

    fn encryption(&self) -> Result<Option<String>, StateError> {
        self.inner.encryption()
    }

    fn set_encryption(&self, digest: &str) -> Result<(), StateError> {
        self.inner.set_encryption(digest)
    }

    fn held(&self) -> Result<Vec<HeldKey>, StateError> {
        self.inner.held()
    }

    fn hold(&self, held: &HeldKey) -> Result<(), StateError> {
        self.inner.hold(held)
    }

    fn release(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        self.inner.release(keys)
    }

    fn kept(&self) -> Result<Vec<Vec<u8>>, StateError> {
        self.inner.kept()
    }

    fn keep(&self, key: &[u8]) -> Result<(), StateError> {
        self.inner.keep(key)
    }

    fn unkeep(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        self.inner.unkeep(keys)
    }

    fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.inner.set_checkpoint(checkpoint)
    }
}

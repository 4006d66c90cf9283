//! What the ledger is still to learn.
//!
//! Promises that changes reach the ledger in the order in which they came, and
//! that one which puts a key in doubt keeps the rule that wrote it.
//! Deliberately does not say when it must be written: the writer does.

use std::sync::Arc;

use super::error::MirrorError;
use super::lease_book::LeaseBook;
use crate::etcd::{DestRevision, SourceRevision};
use crate::state::{LedgerChange, LedgerEntry, StateStore};

/// How many changes are written at a time where nothing else asks for it.
const BATCH: usize = 512;

/// Changes on their way into the ledger.
pub struct Journal<St> {
    store: Arc<St>,
    pending: Vec<LedgerChange>,
    /// Whether `pending` must be written before more is decided.
    urgent: bool,
    /// Where it is kept which keys are under leases, if anywhere.
    book: Option<Arc<LeaseBook>>,
}

impl<St: StateStore> Journal<St> {
    /// Nothing is pending yet.
    pub fn new(store: Arc<St>, book: Option<Arc<LeaseBook>>) -> Journal<St> {
        Journal {
            store,
            pending: Vec::new(),
            urgent: false,
            book,
        }
    }

    /// Takes a change that need not be written at once.
    pub fn push(&mut self, change: LedgerChange) {
        self.note(&change);
        self.urgent |= change.entry.is_none();
        self.pending.push(change);
    }

    /// Takes what became of a first write: who judges its key next must not
    /// find the intent.
    pub fn push_first(&mut self, change: LedgerChange) {
        self.push(change);
        self.urgent = true;
    }

    /// Whether there is enough for one write.
    pub fn is_full(&self) -> bool {
        self.pending.len() >= BATCH
    }

    /// Whether what is pending must be written before more is decided: a key
    /// is forgotten by it, or an intent has come to an end.
    pub fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// Writes what is pending.
    pub fn flush(&mut self) -> Result<(), MirrorError> {
        if !self.pending.is_empty() {
            self.store.apply(&self.pending)?;
            self.pending.clear();
            self.urgent = false;
        }
        Ok(())
    }

    /// Writes `changes` now, so that they survive also the machine: whoever does
    /// not find them would not know the keys as ours. What is pending comes
    /// first: a delete must not take away what is noted now.
    pub fn intend(&mut self, changes: &[LedgerChange]) -> Result<(), MirrorError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.flush()?;
        changes.iter().for_each(|change| self.note(change));
        self.store.apply(changes)?;
        Ok(self.store.sync()?)
    }

    fn note(&self, change: &LedgerChange) {
        if let Some(book) = &self.book {
            book.note(&change.key, change.entry.as_ref());
        }
    }

    /// The key stays ours, but whether the destination has its value is to be
    /// looked at again, whatever the source's revision is then.
    pub fn doubt(&mut self, key: &[u8]) -> Result<(), MirrorError> {
        let doubted = self.doubted(key)?;
        doubted.into_iter().for_each(|change| self.push(change));
        Ok(())
    }

    /// What is known of `key`, with what is pending.
    pub fn entry(&self, key: &[u8]) -> Result<Option<LedgerEntry>, MirrorError> {
        let mut newest = self.pending.iter().rev();
        Ok(match newest.find(|change| change.key == key) {
            Some(change) => change.entry.clone(),
            None => self.store.get(key)?,
        })
    }

    /// What is noted of a key that is about to be deleted, where the destination
    /// is at `before`: so that who comes after us knows what to make of what is
    /// there.
    pub fn deleting(
        &self,
        key: &[u8],
        before: DestRevision,
    ) -> Result<Option<LedgerChange>, MirrorError> {
        let entry = self.entry(key)?;
        let new = entry
            .filter(|entry| entry.intent.is_none() && entry.deleting.is_none() && !entry.borrowed);
        Ok(new.map(|entry| {
            let deleting = Some(before);
            in_doubt(key.to_vec(), LedgerEntry { deleting, ..entry })
        }))
    }

    /// What puts a key in doubt that is not yet.
    fn doubted(&self, key: &[u8]) -> Result<Option<LedgerChange>, MirrorError> {
        let certain = self
            .entry(key)?
            .filter(|entry| entry.revision != SourceRevision(0));
        Ok(certain.map(|entry| in_doubt(key.to_vec(), entry)))
    }
}

/// A key that is ours, without the revision that would say that the
/// destination has its value.
pub fn in_doubt(key: Vec<u8>, entry: LedgerEntry) -> LedgerChange {
    let revision = SourceRevision(0);
    let entry = Some(LedgerEntry { revision, ..entry });
    LedgerChange { key, entry }
}

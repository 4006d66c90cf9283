//! Owned keys that no rule selects any more.
//!
//! Promises that a change of the rules alone deletes nothing, unless `--prune`
//! asks for it: such keys are retired, which the ledger remembers. Deliberately
//! tells apart who is to blame only where the rules have changed: otherwise an
//! object that stops matching is deleted.

use crate::state::{LedgerChange, LedgerEntry};

/// What becomes of owned keys that no rule selects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// The rules have changed: what they no longer select is retired rather
    /// than deleted.
    pub retire: bool,
    /// `--prune`: what was retired is deleted.
    pub prune: bool,
}

/// What is done with an owned key where no rule selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Stay,
    /// It is retired.
    Retire,
    /// It is deleted.
    Delete,
}

impl Leftovers {
    /// What is done with a key that has this entry and lies where no rule
    /// selects.
    pub fn fate(self, entry: &LedgerEntry) -> Fate {
        match (self.retire, entry.retired) {
            (true, false) => Fate::Retire,
            (false, _) if self.owns(entry) => Fate::Delete,
            _ => Fate::Stay,
        }
    }

    /// Whether a key with this entry is deleted where nothing selects it.
    pub fn owns(self, entry: &LedgerEntry) -> bool {
        self.prune || !entry.retired
    }

    /// The same of what the ledger has of a key.
    pub fn owned(self, entry: Option<&LedgerEntry>) -> bool {
        entry.is_some_and(|entry| self.owns(entry))
    }
}

/// What the ledger has to learn of a key that a policy keeps out now.
pub fn disowned(key: Vec<u8>) -> LedgerChange {
    LedgerChange { key, entry: None }
}

/// What the ledger has to learn of a key that is retired, if anything.
pub fn retired(key: Vec<u8>, entry: LedgerEntry) -> Option<LedgerChange> {
    let retired = LedgerEntry {
        retired: true,
        ..entry.clone()
    };
    (!entry.retired).then_some(LedgerChange {
        key,
        entry: Some(retired),
    })
}

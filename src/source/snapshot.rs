//! A snapshot file in the place of an etcd: the same questions, asked of a
//! backup.
//!
//! Promises the answers that etcd gave at that revision. Deliberately no
//! [`Source`](super::Source): nothing changes in a file, so that there is
//! nothing to watch.

use std::path::Path;

use super::Item;
use super::backup::{Backup, BackupError, Entry, OnDisk};
use crate::etcd::SourceRevision;
use crate::rules::decide::KeyRange;

/// What a snapshot file holds.
pub struct SnapshotFile {
    backup: Backup<OnDisk>,
}

impl SnapshotFile {
    /// Opens a file as it was at revision `at`; `None` for its newest.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or that it has no such revision.
    pub fn open(path: &Path, at: Option<SourceRevision>) -> Result<SnapshotFile, BackupError> {
        let medium = OnDisk::open(path)?;
        let backup = Backup::open(medium, at.map(|at| at.0))?;
        Ok(SnapshotFile { backup })
    }

    /// The revision that it is read at.
    pub fn revision(&self) -> SourceRevision {
        SourceRevision(self.backup.revision())
    }

    /// One key.
    ///
    /// # Errors
    ///
    /// When the system says no.
    pub fn get(&self, key: &[u8]) -> Result<Option<Item>, BackupError> {
        let entry = self.backup.get(key);
        entry.map(|entry| self.item(entry)).transpose()
    }

    /// The first `limit` keys of `range`, and whether there is more.
    ///
    /// # Errors
    ///
    /// When the system says no.
    pub fn list(&self, range: &KeyRange, limit: usize) -> Result<(Vec<Item>, bool), BackupError> {
        let entries = self.backup.range(&range.start, &range.end);
        let items = entries.iter().take(limit).map(|entry| self.item(entry));
        Ok((items.collect::<Result<_, _>>()?, entries.len() > limit))
    }

    fn item(&self, entry: &Entry) -> Result<Item, BackupError> {
        Ok(Item {
            key: entry.key.to_vec(),
            value: self.backup.value(entry)?,
            revision: SourceRevision(entry.mod_revision),
            lease: entry.lease,
        })
    }
}

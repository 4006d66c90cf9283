//! A backup of etcd: what `etcdctl snapshot save` writes, or `member/snap/db` of
//! a data directory, read without etcd.
//!
//! Promises every key that etcd would list at a revision, with what etcd says of
//! it, or an error that says what is wrong with the file: no bytes make it
//! panic, go round in circles, or read a page twice. Memory is that of the keys:
//! values stay in the file until they are asked for.
//! Deliberately writes nothing, takes no lock, and uses nothing of the rest of
//! the crate, so that it can be fuzzed without it. A database that a running
//! etcd writes to may seem damaged: copy it, or save a snapshot.

mod digest;
mod error;
mod medium;
mod meta;
mod page;
mod record;
mod tree;

pub use error::BackupError;
pub use medium::{Medium, OnDisk};

use std::collections::HashMap;

use meta::Meta;
use page::Element;
use record::{Change, Record, revision};
use tree::{Bucket, Trees};

/// One key as it was at the revision asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole key.
    pub key: Box<[u8]>,
    /// The revision that made it.
    pub create_revision: i64,
    /// The revision of its last change.
    pub mod_revision: i64,
    /// How often it was put since it was made.
    pub version: i64,
    /// The lease that it is attached to; 0 for none.
    pub lease: i64,
    value_at: u64,
    value_length: usize,
}

/// All keys of a database as they were at one revision.
pub struct Backup<M> {
    medium: M,
    entries: Vec<Entry>,
    at: i64,
    oldest: i64,
    newest: i64,
}

impl<M: Medium> Backup<M> {
    /// Reads a database as it was at revision `at`; `None` for its newest.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, or that it has no such revision.
    pub fn open(medium: M, at: Option<i64>) -> Result<Backup<M>, BackupError> {
        let length = digest::database_length(medium.length());
        let meta = Meta::find(&medium, length)?;
        digest::check(&medium)?;
        let mut trees = Trees::new(&medium, meta);
        let (mut keys, mut state) = (None, None);
        trees.buckets(&mut |element| {
            match element.key {
                b"key" if element.bucket => keys = Some(Bucket::of(&element)?),
                b"meta" if element.bucket => state = Some(Bucket::of(&element)?),
                _ => {}
            }
            Ok(())
        })?;
        let keys = keys.ok_or(BackupError::Foreign("it has no bucket `key`"))?;
        let compacted = match &state {
            Some(state) => compacted(&mut trees, state)?,
            None => 0,
        };
        let mut replay = Replay::new(at);
        trees.walk(&keys, &mut |element| replay.take(&element))?;
        let newest = replay.newest.max(compacted);
        let asked = at.unwrap_or(newest);
        // As etcd does: what was there at the revision itself is kept.
        if asked < compacted {
            return Err(BackupError::Compacted {
                asked,
                oldest: compacted,
                newest,
            });
        }
        if asked > newest {
            return Err(BackupError::Future { asked, newest });
        }
        Ok(Backup {
            entries: replay.entries(),
            medium,
            at: asked,
            oldest: compacted,
            newest,
        })
    }

    /// The revision that it is read at.
    pub fn revision(&self) -> i64 {
        self.at
    }

    /// The oldest revision that can be read from the file, as far as it says,
    /// and the newest.
    pub fn revisions(&self) -> (i64, i64) {
        (self.oldest, self.newest)
    }

    /// Every key in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The keys from `start` up to `end`, which is not among them.
    pub fn range(&self, start: &[u8], end: &[u8]) -> &[Entry] {
        let place = |key: &[u8]| self.entries.partition_point(|own| *own.key < *key);
        self.entries
            .get(place(start)..place(end))
            .unwrap_or_default()
    }

    /// One key.
    pub fn get(&self, key: &[u8]) -> Option<&Entry> {
        let found = self.entries.binary_search_by(|own| (*own.key).cmp(key));
        self.entries.get(found.ok()?)
    }

    /// The value of one of its keys.
    ///
    /// # Errors
    ///
    /// When the system says no.
    pub fn value(&self, entry: &Entry) -> Result<Vec<u8>, BackupError> {
        let mut value = vec![0; entry.value_length];
        self.medium.read(entry.value_at, &mut value)?;
        Ok(value)
    }
}

/// Up to which revision history was removed; where that had only begun, as if
/// it were done.
fn compacted<M: Medium>(trees: &mut Trees<'_, M>, state: &Bucket) -> Result<i64, BackupError> {
    let mut compacted = 0;
    trees.walk(state, &mut |element| {
        if matches!(element.key, b"finishedCompactRev" | b"scheduledCompactRev") {
            let main = element.value.first_chunk().copied();
            let main = main.and_then(revision).ok_or(BackupError::Damaged {
                page: element.page,
                what: "what it was compacted to is not a revision",
            })?;
            compacted = compacted.max(main);
        }
        Ok(())
    })?;
    Ok(compacted)
}

/// All changes in order, of which the last of each key counts.
struct Replay {
    at: i64,
    newest: i64,
    found: HashMap<Box<[u8]>, Entry>,
}

impl Replay {
    fn new(at: Option<i64>) -> Replay {
        Replay {
            at: at.unwrap_or(i64::MAX),
            newest: 0,
            found: HashMap::new(),
        }
    }

    fn take(&mut self, element: &Element<'_>) -> Result<(), BackupError> {
        let damaged = |what| BackupError::Damaged {
            page: element.page,
            what,
        };
        let change = Change::parse(element.key).ok_or(damaged("a key of it is not a revision"))?;
        let record = Record::parse(element.value).ok_or(damaged("a value of it is no key-value"));
        let record = record?;
        let key = element.value.get(record.key).unwrap_or_default();
        if key.is_empty() {
            return Err(damaged("a value of it has no key"));
        }
        self.newest = self.newest.max(change.main);
        if change.main > self.at {
            return Ok(());
        }
        if change.tombstone {
            self.found.remove(key);
            return Ok(());
        }
        if record.mod_revision != change.main {
            return Err(damaged("a value of it is of another revision than its key"));
        }
        self.found.insert(
            key.into(),
            Entry {
                // It moves there when all have been seen.
                key: Box::default(),
                create_revision: record.create_revision,
                mod_revision: record.mod_revision,
                version: record.version,
                lease: record.lease,
                value_at: element.value_at + record.value.start as u64,
                value_length: record.value.len(),
            },
        );
        Ok(())
    }

    fn entries(self) -> Vec<Entry> {
        let found = self.found.into_iter();
        let mut entries: Vec<Entry> = found.map(|(key, own)| Entry { key, ..own }).collect();
        entries.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        entries
    }
}

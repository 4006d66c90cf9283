//! Snapshot files made without etcd: a history of puts and deletes, written as
//! bbolt writes it.
//!
//! Promises what `etcdctl snapshot save` would have written of that history, in
//! layout, not byte for byte: tests beside it compare with real ones.
//! Deliberately minimal: every page is new, none is free.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

const HEADER: usize = 16;

/// A history, to be written as a file.
#[derive(Clone)]
pub struct Database {
    page_size: usize,
    revision: i64,
    changes: Vec<Change>,
    /// Of each key that is there: when it was made, and how often it was put.
    alive: BTreeMap<Vec<u8>, (i64, i64)>,
    compacted: Option<(i64, i64)>,
}

#[derive(Clone)]
struct Change {
    revision: i64,
    tombstone: bool,
    key: Vec<u8>,
    record: Vec<u8>,
}

impl Default for Database {
    fn default() -> Database {
        Database::new(4096)
    }
}

impl Database {
    /// Nothing yet, in pages of this size; as of a new etcd, at revision 1.
    pub fn new(page_size: usize) -> Database {
        Database {
            page_size,
            revision: 1,
            changes: Vec::new(),
            alive: BTreeMap::new(),
            compacted: None,
        }
    }

    /// Puts one value; returns the revision.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl AsRef<[u8]>) -> i64 {
        self.put_leased(key, value, 0)
    }

    /// The same under a lease.
    pub fn put_leased(
        &mut self,
        key: impl Into<Vec<u8>>,
        value: impl AsRef<[u8]>,
        lease: i64,
    ) -> i64 {
        let key = key.into();
        self.revision += 1;
        let made = self.alive.entry(key.clone()).or_insert((self.revision, 0));
        made.1 += 1;
        let mut record = Vec::new();
        text(1, &key, &mut record);
        number(2, made.0, &mut record);
        number(3, self.revision, &mut record);
        number(4, made.1, &mut record);
        text(5, value.as_ref(), &mut record);
        number(6, lease, &mut record);
        self.change(key, false, record);
        self.revision
    }

    /// Deletes a key; returns the revision.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) -> i64 {
        let key = key.into();
        self.revision += 1;
        self.alive.remove(&key);
        let mut record = Vec::new();
        text(1, &key, &mut record);
        self.change(key, true, record);
        self.revision
    }

    fn change(&mut self, key: Vec<u8>, tombstone: bool, record: Vec<u8>) {
        self.changes.push(Change {
            revision: self.revision,
            tombstone,
            key,
            record,
        });
    }

    /// Removes what is no longer of use from this revision on.
    pub fn compact(&mut self, at: i64) {
        let last: BTreeMap<Vec<u8>, i64> = self
            .changes
            .iter()
            .filter(|change| change.revision <= at)
            .map(|change| (change.key.clone(), change.revision))
            .collect();
        self.changes.retain(|change| {
            change.revision > at || (last[&change.key] == change.revision && !change.tombstone)
        });
        self.compacted = Some((at, at));
    }

    /// As [`Database::compact`], but only begun: nothing is removed yet.
    pub fn begin_to_compact(&mut self, at: i64) {
        self.compacted = Some((self.compacted.map_or(0, |(done, _)| done), at));
    }

    /// The file with the SHA-256 at its end.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = self.database();
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// Writes [`Database::snapshot`] to `path`.
    pub fn save(&self, path: &Path) {
        std::fs::write(path, self.snapshot()).expect("a snapshot file");
    }

    /// The file as it is in a data directory.
    pub fn database(&self) -> Vec<u8> {
        let mut pages = Pages::new(self.page_size);
        let history = self.changes.iter().map(|change| {
            let mut key = change.revision.to_be_bytes().to_vec();
            key.extend_from_slice(b"_\0\0\0\0\0\0\0\0");
            if change.tombstone {
                key.push(b't');
            }
            (key, change.record.clone())
        });
        let history = history.collect();
        let mut state = vec![(b"consistent_index".to_vec(), vec![0; 8])];
        if let Some((finished, scheduled)) = self.compacted {
            let revision = |main: i64| [&main.to_be_bytes()[..], b"_\0\0\0\0\0\0\0\0"].concat();
            state.push((b"finishedCompactRev".to_vec(), revision(finished)));
            state.push((b"scheduledCompactRev".to_vec(), revision(scheduled)));
        }
        let buckets = [("key", history), ("lease", Vec::new()), ("meta", state)];
        let buckets = buckets.map(|(name, elements)| {
            let bucket = pages.bucket(&elements);
            (name.as_bytes().to_vec(), bucket)
        });
        let root = pages.tree(1, &buckets);
        pages.finish(root)
    }
}

struct Pages {
    size: usize,
    bytes: Vec<u8>,
}

impl Pages {
    fn new(size: usize) -> Pages {
        // Two pages that say what the file is, and one of free pages.
        Pages {
            size,
            bytes: vec![0; size * 3],
        }
    }

    /// What stands under a bucket's name.
    fn bucket(&mut self, elements: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let sizes = elements
            .iter()
            .map(|(key, value)| 16 + key.len() + value.len());
        let mut value = vec![0; 16];
        if HEADER + sizes.sum::<usize>() <= self.size / 4 {
            value.extend(page(0, 2, elements.len(), &leaf(0, elements)));
            return value;
        }
        let root = self.tree(0, elements);
        value[..8].copy_from_slice(&root.to_le_bytes());
        value
    }

    /// A tree of these elements; the number of its first page.
    fn tree(&mut self, flag: u32, elements: &[(Vec<u8>, Vec<u8>)]) -> u64 {
        let sizes = elements
            .iter()
            .map(|(key, value)| 16 + key.len() + value.len());
        let mut level = Vec::new();
        for group in self.groups(&sizes.collect::<Vec<_>>()) {
            let group = &elements[group];
            let first = group.first().map(|(key, _)| key.clone());
            let id = self.add(2, group.len(), &leaf(flag, group));
            level.push((first.unwrap_or_default(), id));
        }
        while level.len() > 1 {
            let sizes: Vec<usize> = level.iter().map(|(key, _)| 16 + key.len()).collect();
            let groups = self.groups(&sizes);
            let next = groups.into_iter().map(|group| {
                let group = &level[group];
                let id = self.add(1, group.len(), &branch(group));
                (group[0].0.clone(), id)
            });
            level = next.collect();
        }
        level[0].1
    }

    /// Which elements share a page: at least one, at least two of a branch's.
    fn groups(&self, sizes: &[usize]) -> Vec<std::ops::Range<usize>> {
        let (mut groups, mut from, mut size) = (Vec::new(), 0, HEADER);
        for (at, own) in sizes.iter().enumerate() {
            if at > from + 1 && size + own > self.size {
                groups.push(from..at);
                (from, size) = (at, HEADER);
            }
            size += own;
        }
        groups.push(from..sizes.len());
        groups
    }

    fn add(&mut self, kind: u16, count: usize, body: &[u8]) -> u64 {
        let id = (self.bytes.len() / self.size) as u64;
        let mut page = page(id, kind, count, body);
        let pages = page.len().div_ceil(self.size);
        page[12..16].copy_from_slice(&(pages as u32 - 1).to_le_bytes());
        page.resize(pages * self.size, 0);
        self.bytes.extend(page);
        id
    }

    fn finish(mut self, root: u64) -> Vec<u8> {
        let count = (self.bytes.len() / self.size) as u64;
        for (id, transaction) in [(0, 8), (1, 7)] {
            let mut meta = Vec::new();
            for small in [0xED0C_DAED, 2, self.size as u32, 0] {
                meta.extend(u32::to_le_bytes(small));
            }
            for large in [root, 0, 2, count, transaction] {
                meta.extend(u64::to_le_bytes(large));
            }
            meta.extend(fnv1a(&meta).to_le_bytes());
            let page = page(id, 4, 0, &meta);
            let at = id as usize * self.size;
            self.bytes[at..at + page.len()].copy_from_slice(&page);
        }
        let at = 2 * self.size;
        let free = page(2, 0x10, 0, &[]);
        self.bytes[at..at + free.len()].copy_from_slice(&free);
        self.bytes
    }
}

fn page(id: u64, kind: u16, count: usize, body: &[u8]) -> Vec<u8> {
    let mut page = id.to_le_bytes().to_vec();
    page.extend(kind.to_le_bytes());
    page.extend(u16::try_from(count).expect("few elements").to_le_bytes());
    page.extend([0; 4]);
    page.extend_from_slice(body);
    page
}

fn leaf(flag: u32, elements: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let (mut heads, mut data) = (Vec::new(), Vec::new());
    for (at, (key, value)) in elements.iter().enumerate() {
        let place = (elements.len() - at) * 16 + data.len();
        for number in [flag, place as u32, key.len() as u32, value.len() as u32] {
            heads.extend(number.to_le_bytes());
        }
        data.extend_from_slice(key);
        data.extend_from_slice(value);
    }
    [heads, data].concat()
}

fn branch(children: &[(Vec<u8>, u64)]) -> Vec<u8> {
    let (mut heads, mut data) = (Vec::new(), Vec::new());
    for (at, (key, id)) in children.iter().enumerate() {
        let place = (children.len() - at) * 16 + data.len();
        heads.extend((place as u32).to_le_bytes());
        heads.extend((key.len() as u32).to_le_bytes());
        heads.extend(id.to_le_bytes());
        data.extend_from_slice(key);
    }
    [heads, data].concat()
}

fn number(field: u8, value: i64, into: &mut Vec<u8>) {
    if value != 0 {
        into.push(field << 3);
        varint(value.cast_unsigned(), into);
    }
}

fn text(field: u8, value: &[u8], into: &mut Vec<u8>) {
    if !value.is_empty() {
        into.push(field << 3 | 2);
        varint(value.len() as u64, into);
        into.extend_from_slice(value);
    }
}

fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

//! What etcd keeps of one change: its revision as the key, and the key and
//! value that were put.
//!
//! Promises places instead of copies. Deliberately knows nothing of pages.

use std::ops::Range;

/// When a change happened, and whether it deleted the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision.
    pub main: i64,
    /// Whether the key was deleted.
    pub tombstone: bool,
}

impl Change {
    /// Reads the key of a record; `None` where it is none.
    pub fn parse(key: &[u8]) -> Option<Change> {
        let (main, rest) = key.split_first_chunk()?;
        let tombstone = match rest {
            [b'_', _, _, _, _, _, _, _, _] => false,
            [b'_', _, _, _, _, _, _, _, _, b't'] => true,
            _ => return None,
        };
        Some(Change {
            main: revision(*main)?,
            tombstone,
        })
    }
}

/// Revisions are written so that they sort as bytes.
pub fn revision(bytes: [u8; 8]) -> Option<i64> {
    i64::try_from(u64::from_be_bytes(bytes)).ok()
}

/// What was put (`mvccpb.KeyValue`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Where the key lies.
    pub key: Range<usize>,
    /// The revision that made the key.
    pub create_revision: i64,
    /// The revision of this change.
    pub mod_revision: i64,
    /// How often the key was put since it was made.
    pub version: i64,
    /// Where the value lies.
    pub value: Range<usize>,
    /// The lease that the key is attached to; 0 for none.
    pub lease: i64,
}

impl Record {
    /// Reads the value of a record; `None` where it is none.
    pub fn parse(bytes: &[u8]) -> Option<Record> {
        let mut record = Record::default();
        let mut cursor = Cursor { bytes, at: 0 };
        while cursor.at < bytes.len() {
            let tag = cursor.varint()?;
            match (tag >> 3, tag & 7) {
                (1, 2) => record.key = cursor.bytes()?,
                (5, 2) => record.value = cursor.bytes()?,
                (2, 0) => record.create_revision = cursor.varint()?.cast_signed(),
                (3, 0) => record.mod_revision = cursor.varint()?.cast_signed(),
                (4, 0) => record.version = cursor.varint()?.cast_signed(),
                (6, 0) => record.lease = cursor.varint()?.cast_signed(),
                // Of a newer etcd.
                (7.., wire) => cursor.skip_field(wire)?,
                _ => return None,
            }
        }
        Some(record)
    }
}

struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Cursor<'_> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.at = self.at.checked_add(length)?;
        (self.at <= self.bytes.len()).then_some(())
    }

    fn skip_field(&mut self, wire: u64) -> Option<()> {
        match wire {
            0 => self.varint().map(|_| ()),
            1 => self.skip(8),
            2 => self.bytes().map(|_| ()),
            5 => self.skip(4),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<Range<usize>> {
        let length = usize::try_from(self.varint()?).ok()?;
        let start = self.at;
        self.skip(length)?;
        Some(start..self.at)
    }
}

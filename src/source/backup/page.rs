//! One page of a bbolt file with those that continue it: what lies where.
//!
//! Promises that every place it hands out lies within the page, whatever the
//! bytes say. Deliberately follows no page to another: that is `tree`'s.

use std::ops::Range;

use super::error::BackupError;
use super::meta::{HEADER, array};

const BRANCH: u16 = 1;
const LEAF: u16 = 2;
/// Bytes of what describes an element.
const ELEMENT: usize = 16;
/// The flag of an element that holds a bucket.
const BUCKET: u32 = 1;

/// A page, or what a bucket keeps in the place of one.
#[derive(Clone, Copy)]
pub struct Page<'b> {
    /// Its number, for messages.
    pub id: u64,
    /// All of its bytes.
    pub bytes: &'b [u8],
    /// Where they begin in the file.
    pub at: u64,
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The numbers of other pages.
    Branch,
    /// Keys with their values.
    Leaf,
}

/// A key with its value.
#[derive(Clone, Copy)]
pub struct Element<'b> {
    /// The page that it stands in.
    pub page: u64,
    /// Whether the value is a bucket.
    pub bucket: bool,
    /// The key.
    pub key: &'b [u8],
    /// The value.
    pub value: &'b [u8],
    /// Where the value begins in the file.
    pub value_at: u64,
}

impl<'b> Page<'b> {
    /// An error about it.
    pub fn damaged(&self, what: &'static str) -> BackupError {
        BackupError::Damaged {
            page: self.id,
            what,
        }
    }

    /// What it says it is.
    pub fn kind(&self) -> Result<Kind, BackupError> {
        match u16::from_le_bytes(array(self.bytes, 8)) {
            BRANCH => Ok(Kind::Branch),
            LEAF => Ok(Kind::Leaf),
            _ => Err(self.damaged("it is neither a branch nor a leaf of a tree")),
        }
    }

    fn count(&self) -> usize {
        usize::from(u16::from_le_bytes(array(self.bytes, 10)))
    }

    /// The bytes that describe an element, and where they begin.
    fn described(&self, index: usize) -> Result<(usize, &'b [u8]), BackupError> {
        let start = HEADER + index * ELEMENT;
        let found = self.bytes.get(start..start + ELEMENT);
        let found = found.ok_or(self.damaged("it speaks of more elements than it has room for"));
        Ok((start, found?))
    }

    /// `length` bytes from `from`, which is counted from `start`.
    fn place(&self, start: usize, from: u32, length: u32) -> Result<Range<usize>, BackupError> {
        let place = || {
            let from = start.checked_add(usize::try_from(from).ok()?)?;
            let end = from.checked_add(usize::try_from(length).ok()?)?;
            (end <= self.bytes.len()).then_some(from..end)
        };
        place().ok_or(self.damaged("an element reaches beyond its end"))
    }

    /// The pages that a branch leads to.
    pub fn children(&self) -> Result<Vec<u64>, BackupError> {
        if self.count() == 0 {
            return Err(self.damaged("it is a branch that leads nowhere"));
        }
        let child = |index| {
            let (_, element) = self.described(index)?;
            Ok(u64::from_le_bytes(array(element, 8)))
        };
        (0..self.count()).map(child).collect()
    }

    /// What a leaf holds.
    pub fn elements(self) -> impl Iterator<Item = Result<Element<'b>, BackupError>> {
        (0..self.count()).map(move |index| self.element(index))
    }

    fn element(&self, index: usize) -> Result<Element<'b>, BackupError> {
        let (start, element) = self.described(index)?;
        let number = |at: usize| u32::from_le_bytes(array(element, at));
        let key = self.place(start, number(4), number(8))?;
        let value = self.place(key.end, 0, number(12))?;
        Ok(Element {
            page: self.id,
            bucket: number(0) & BUCKET != 0,
            value_at: self.at + value.start as u64,
            key: self.bytes.get(key).unwrap_or_default(),
            value: self.bytes.get(value).unwrap_or_default(),
        })
    }
}

//! The bytes of one message, which a writer may have split.
//!
//! Promises that a message that lies in one piece, as Kubernetes writes it,
//! costs no memory. Deliberately never joins pieces by copying.

use std::fmt;
use std::sync::Arc;

/// One piece or several, read one after the other: protobuf merges messages
/// that occur more than once.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Chunks<'a> {
    One(&'a [u8]),
    Many(Arc<Vec<&'a [u8]>>),
}

impl Default for Chunks<'_> {
    fn default() -> Self {
        Chunks::One(&[])
    }
}

impl<'a> From<&'a [u8]> for Chunks<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Chunks::One(bytes)
    }
}

/// Never shows the bytes: they may be a Secret.
impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl<'a> Chunks<'a> {
    /// Adds a piece; empty ones count, since some types are replaced by them.
    #[inline]
    pub fn push(&mut self, chunk: &'a [u8]) {
        match self {
            Chunks::One(only) if only.is_empty() => *only = chunk,
            Chunks::One(first) => *self = Chunks::Many(Arc::new(vec![*first, chunk])),
            Chunks::Many(all) => Arc::make_mut(all).push(chunk),
        }
    }

    /// Whether `chunk` is the very piece that was added last.
    #[inline]
    pub fn ends_with(&self, chunk: &[u8]) -> bool {
        let last = self.as_slice().last();
        last.is_some_and(|last| std::ptr::eq(*last, chunk))
    }

    /// How many bytes there are in all.
    pub fn len(&self) -> usize {
        self.as_slice().iter().map(|chunk| chunk.len()).sum()
    }

    pub fn as_slice(&self) -> &[&'a [u8]] {
        match self {
            Chunks::One(only) => std::slice::from_ref(only),
            Chunks::Many(all) => all,
        }
    }
}

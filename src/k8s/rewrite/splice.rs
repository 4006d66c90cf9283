//! Changes to bytes: what stands in a range gives way to something else.
//!
//! Promises that whatever lies outside the ranges stays as it is, to the
//! byte, in its place. Knows nothing of encodings but the length in front of
//! a field of protobuf.

use std::ops::Range;

use zeroize::Zeroizing;

use super::occurrence::Occurrence;
use super::scalar::varint;

/// One change to one of the chunks that make up a message.
#[derive(Debug)]
pub(super) struct Splice {
    pub chunk: usize,
    pub range: Range<usize>,
    /// May be a Secret's.
    with: Zeroizing<Vec<u8>>,
}

impl Splice {
    pub fn replace(chunk: usize, range: Range<usize>, with: Vec<u8>) -> Splice {
        let with = Zeroizing::new(with);
        Splice { chunk, range, with }
    }

    pub fn insert(chunk: usize, at: usize, with: Vec<u8>) -> Splice {
        Splice::replace(chunk, at..at, with)
    }

    pub fn remove(chunk: usize, range: Range<usize>) -> Splice {
        Splice::replace(chunk, range, Vec::new())
    }

    /// The same, seen from where the chunk begins at `offset` of `chunk`.
    pub fn within(self, chunk: usize, offset: usize) -> Splice {
        let range = self.range.start + offset..self.range.end + offset;
        let with = self.with;
        Splice { chunk, range, with }
    }
}

/// Changes to the contents of `fields`, the chunks of a message, as changes to
/// the chunks that the fields are in; the fields' lengths are mended.
pub(super) fn lift(fields: &[Occurrence<'_>], splices: Vec<Splice>) -> Vec<Splice> {
    let mut lengths: Vec<usize> = fields.iter().map(|field| field.end - field.body).collect();
    let mut lifted = Vec::with_capacity(splices.len() + fields.len());
    for splice in splices {
        let place = splice.chunk;
        if let (Some(field), Some(length)) = (fields.get(place), lengths.get_mut(place)) {
            *length = (*length + splice.with.len()).saturating_sub(splice.range.len());
            lifted.push(splice.within(field.chunk, field.body));
        }
    }
    for (field, length) in fields.iter().zip(lengths) {
        if length != field.end - field.body {
            let mut with = Vec::new();
            varint(length as u64, &mut with);
            let range = field.after_tag..field.body;
            lifted.push(Splice::replace(field.chunk, range, with));
        }
    }
    lifted
}

/// The bytes of a single chunk after its splices, no two of which overlap.
pub(super) fn apply(chunk: &[u8], mut splices: Vec<Splice>) -> Zeroizing<Vec<u8>> {
    splices.sort_by_key(|splice| splice.range.start);
    let added: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(chunk.len() + added));
    let mut at = 0;
    for splice in splices {
        out.extend_from_slice(chunk.get(at..splice.range.start).unwrap_or_default());
        out.extend_from_slice(&splice.with);
        at = splice.range.end;
    }
    out.extend_from_slice(chunk.get(at..).unwrap_or_default());
    out
}

//! What is taken of a range, as kube-apiservers keep it in a RangeAllocation:
//! one bit for each number.
//!
//! Promises the bytes of Go's `big.Int`: the highest first, none of them a
//! leading zero. Deliberately does not say which number a bit stands for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::path::{Path, Step};
use super::super::rewrite::{Edit, RewriteError, rewrite};

/// The bits of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bitmap {
    /// As stored.
    bytes: Vec<u8>,
}

impl Bitmap {
    pub fn new(bytes: Vec<u8>) -> Bitmap {
        Bitmap { bytes }
    }

    pub fn has(&self, offset: u128) -> bool {
        let (byte, mask) = place(offset);
        let byte = byte.and_then(|byte| self.bytes.iter().rev().nth(byte));
        byte.is_some_and(|byte| byte & mask != 0)
    }

    /// The same with other bits set and cleared.
    pub fn with(&self, set: &[u128], clear: &[u128]) -> Bitmap {
        let mut bytes: Vec<u8> = self.bytes.iter().rev().copied().collect();
        for (byte, mask) in set.iter().map(|offset| place(*offset)) {
            let Some(byte) = byte else { continue };
            if bytes.len() <= byte {
                bytes.resize(byte + 1, 0);
            }
            if let Some(byte) = bytes.get_mut(byte) {
                *byte |= mask;
            }
        }
        for (byte, mask) in clear.iter().map(|offset| place(*offset)) {
            if let Some(byte) = byte.and_then(|byte| bytes.get_mut(byte)) {
                *byte &= !mask;
            }
        }
        let used = bytes.iter().rposition(|byte| *byte != 0);
        bytes.truncate(used.map_or(0, |last| last + 1));
        bytes.reverse();
        Bitmap { bytes }
    }

    /// The stored RangeAllocation with these bits in it.
    pub fn written(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, RewriteError> {
        let data = Path::new(vec![Step::Field("data".into())]);
        let text = Value::String(STANDARD.encode(&self.bytes));
        rewrite(stored, &[(data, Edit::Set(text))])
    }
}

/// The byte from the end, and the bit in it.
fn place(offset: u128) -> (Option<usize>, u8) {
    (usize::try_from(offset / 8).ok(), 1 << (offset % 8))
}

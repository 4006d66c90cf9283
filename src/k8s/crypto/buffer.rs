//! Buffers that hold one plaintext after the other.
//!
//! Promises that nothing of an earlier one stays behind a later one, nor in
//! memory that a buffer has outgrown. Deliberately does not wipe what is
//! overwritten anyway: byte by byte that costs more than decrypting.

use zeroize::Zeroize as _;

/// Makes `buffer` hold `bytes` and nothing else.
pub(super) fn load(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() > buffer.capacity() {
        buffer.zeroize();
    }
    shorten(buffer, bytes.len());
    let (over, behind) = bytes.split_at(buffer.len());
    buffer.copy_from_slice(over);
    buffer.extend_from_slice(behind);
}

/// Makes room for `more` bytes behind what `buffer` holds, which then stay where
/// they are written.
pub(super) fn grow(buffer: &mut Vec<u8>, more: usize) {
    if more > buffer.capacity() - buffer.len() {
        let mut larger = Vec::with_capacity(buffer.len() + more);
        larger.extend_from_slice(buffer);
        buffer.zeroize();
        *buffer = larger;
    }
}

/// Shortens `buffer` and wipes what it no longer holds.
pub(super) fn shorten(buffer: &mut Vec<u8>, length: usize) {
    if let Some(rest) = buffer.get_mut(length..) {
        rest.zeroize();
    }
    buffer.truncate(length);
}

/// Empties `buffer`, and wipes what it held.
pub(super) fn wipe(buffer: &mut Vec<u8>) {
    shorten(buffer, 0);
}

//! XSalsa20 and Poly1305, as the provider `secretbox` uses them: nonce of 24
//! bytes, tag of 16, ciphertext.
//!
//! Works in place in the caller's buffer; the key wipes itself when dropped.
//! The etcd key is not authenticated: values may be moved.

use crypto_secretbox::aead::generic_array::GenericArray;
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};

use super::buffer::{grow, load};
use super::error::CryptoError;
use super::random;

const NONCE: usize = 24;
const TAG: usize = 16;

/// A key of 32 bytes.
pub(super) struct Secretbox(Box<XSalsa20Poly1305>);

impl Secretbox {
    /// `None` unless the key has 32 bytes.
    pub fn new(key: &[u8]) -> Option<Secretbox> {
        let cipher = XSalsa20Poly1305::new_from_slice(key).ok()?;
        Some(Secretbox(Box::new(cipher)))
    }

    /// Decrypts nonce, tag and ciphertext into `buffer`.
    pub fn open(&self, body: &[u8], buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let (nonce, rest) = body.split_at_checked(NONCE).ok_or(CryptoError::Short)?;
        let (tag, ciphertext) = rest.split_at_checked(TAG).ok_or(CryptoError::Short)?;
        load(buffer, ciphertext);
        let (nonce, tag) = (
            GenericArray::from_slice(nonce),
            GenericArray::from_slice(tag),
        );
        let opened = self.0.decrypt_in_place_detached(nonce, b"", buffer, tag);
        opened.map_err(|_| CryptoError::NotAuthentic)
    }

    /// Appends a random nonce, the tag and the ciphertext of `plain` to `out`.
    pub fn seal(&self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), CryptoError> {
        let nonce = random::bytes::<NONCE>()?;
        grow(out, NONCE + TAG + plain.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&[0; TAG]);
        let start = out.len();
        out.extend_from_slice(plain);
        let text = out.get_mut(start..).ok_or(CryptoError::TooLong)?;
        let nonce = GenericArray::from_slice(&nonce);
        let tag = self.0.encrypt_in_place_detached(nonce, b"", text);
        let tag = tag.map_err(|_| CryptoError::TooLong)?;
        let place = out
            .get_mut(start - TAG..start)
            .ok_or(CryptoError::TooLong)?;
        place.copy_from_slice(&tag);
        Ok(())
    }
}

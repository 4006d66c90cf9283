//! AES in GCM mode, as the providers `aesgcm` and `kms` use it: nonce of 12
//! bytes, ciphertext, tag of 16. The etcd key is authenticated too.
//!
//! Works in place in the caller's buffer. The AES key schedules wipe themselves
//! when dropped; the hash's subkey, which reads nothing, is left to its crate.

use aes::cipher::KeyInit;
use aes::cipher::generic_array::GenericArray;
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInPlace as _;
use aes_gcm::aead::consts::U12;

use super::buffer::{grow, load};
use super::error::CryptoError;
use super::random;

const NONCE: usize = 12;
const TAG: usize = 16;

/// An AES key, ready for GCM.
pub(super) enum Gcm {
    Aes128(Box<AesGcm<Aes128, U12>>),
    Aes192(Box<AesGcm<Aes192, U12>>),
    Aes256(Box<AesGcm<Aes256, U12>>),
}

impl Gcm {
    /// `None` unless the key has 16, 24 or 32 bytes.
    pub fn new(key: &[u8]) -> Option<Gcm> {
        Some(match key.len() {
            16 => Gcm::Aes128(boxed(key)?),
            24 => Gcm::Aes192(boxed(key)?),
            32 => Gcm::Aes256(boxed(key)?),
            _ => return None,
        })
    }

    /// Decrypts nonce, ciphertext and tag into `buffer`.
    pub fn open(
        &self,
        etcd_key: &[u8],
        body: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let (nonce, rest) = body.split_at_checked(NONCE).ok_or(CryptoError::Short)?;
        let length = rest.len().checked_sub(TAG).ok_or(CryptoError::Short)?;
        let (ciphertext, tag) = rest.split_at(length);
        load(buffer, ciphertext);
        let (nonce, tag) = (
            GenericArray::from_slice(nonce),
            GenericArray::from_slice(tag),
        );
        let opened = match self {
            Gcm::Aes128(aes) => aes.decrypt_in_place_detached(nonce, etcd_key, buffer, tag),
            Gcm::Aes192(aes) => aes.decrypt_in_place_detached(nonce, etcd_key, buffer, tag),
            Gcm::Aes256(aes) => aes.decrypt_in_place_detached(nonce, etcd_key, buffer, tag),
        };
        opened.map_err(|_| CryptoError::NotAuthentic)
    }

    /// Appends a random nonce, the ciphertext of `plain` and its tag to `out`.
    pub fn seal(
        &self,
        etcd_key: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let nonce = random::bytes::<NONCE>()?;
        grow(out, Gcm::sealed_len(plain.len()));
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(plain);
        let text = out.get_mut(start..).ok_or(CryptoError::TooLong)?;
        let nonce = GenericArray::from_slice(&nonce);
        let tag = match self {
            Gcm::Aes128(aes) => aes.encrypt_in_place_detached(nonce, etcd_key, text),
            Gcm::Aes192(aes) => aes.encrypt_in_place_detached(nonce, etcd_key, text),
            Gcm::Aes256(aes) => aes.encrypt_in_place_detached(nonce, etcd_key, text),
        };
        out.extend_from_slice(&tag.map_err(|_| CryptoError::TooLong)?);
        Ok(())
    }

    /// How long a plaintext of `plain` bytes becomes.
    pub fn sealed_len(plain: usize) -> usize {
        NONCE + plain + TAG
    }
}

fn boxed<C: KeyInit>(key: &[u8]) -> Option<Box<C>> {
    C::new_from_slice(key).ok().map(Box::new)
}

//! AES as the providers use it. Decrypts in place into a caller's buffer.
//!
//! The key schedules wipe themselves when dropped.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{InnerIvInit as _, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInPlace as _;
use aes_gcm::aead::consts::U12;

use super::error::CryptoError;

const BLOCK: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;

/// AES in CBC mode, without authentication.
pub(super) enum Cbc {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

impl Cbc {
    /// `None` unless the key has 16, 24 or 32 bytes.
    pub fn new(key: &[u8]) -> Option<Cbc> {
        Some(match key.len() {
            16 => Cbc::Aes128(boxed(key)?),
            24 => Cbc::Aes192(boxed(key)?),
            32 => Cbc::Aes256(boxed(key)?),
            _ => return None,
        })
    }

    /// Decrypts IV and ciphertext into `buffer`, which it leaves with the
    /// plaintext alone.
    pub fn open(&self, body: &[u8], buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let (iv, ciphertext) = body.split_at_checked(BLOCK).ok_or(CryptoError::Short)?;
        if ciphertext.is_empty() || ciphertext.len() % BLOCK != 0 {
            return Err(CryptoError::PartialBlock);
        }
        buffer.extend_from_slice(ciphertext);
        let length = match self {
            Cbc::Aes128(aes) => unpad(
                cbc::Decryptor::inner_iv_init(&**aes, GenericArray::from_slice(iv)),
                buffer,
            ),
            Cbc::Aes192(aes) => unpad(
                cbc::Decryptor::inner_iv_init(&**aes, GenericArray::from_slice(iv)),
                buffer,
            ),
            Cbc::Aes256(aes) => unpad(
                cbc::Decryptor::inner_iv_init(&**aes, GenericArray::from_slice(iv)),
                buffer,
            ),
        };
        keep(buffer, length.ok_or(CryptoError::Padding)?);
        Ok(())
    }
}

fn boxed<C: KeyInit>(key: &[u8]) -> Option<Box<C>> {
    C::new_from_slice(key).ok().map(Box::new)
}

/// Decrypts in place; the length of what is left without padding.
fn unpad<D: aes::cipher::BlockDecryptMut>(decryptor: D, buffer: &mut [u8]) -> Option<usize> {
    decryptor
        .decrypt_padded_mut::<Pkcs7>(buffer)
        .ok()
        .map(<[u8]>::len)
}

/// Shortens `buffer` and wipes what it no longer holds.
fn keep(buffer: &mut Vec<u8>, length: usize) {
    if let Some(padding) = buffer.get_mut(length..) {
        padding.fill(0);
    }
    buffer.truncate(length);
}

/// AES in GCM mode; the etcd key is authenticated too.
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
        buffer.extend_from_slice(ciphertext);
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
}

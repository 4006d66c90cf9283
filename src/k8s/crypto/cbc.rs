//! AES in CBC mode with PKCS#7, as the provider `aescbc` uses it: IV of 16
//! bytes, then the ciphertext.
//!
//! Works in place in the caller's buffer; the key schedules wipe themselves
//! when dropped. Nothing is authenticated: what decrypts may still be wrong.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, InnerIvInit as _, KeyInit};
use aes::{Aes128, Aes192, Aes256};

use super::buffer::{grow, load, shorten};
use super::error::CryptoError;
use super::random;

const BLOCK: usize = 16;

/// An AES key, ready for CBC.
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

    /// Decrypts IV and ciphertext into `buffer`, which it leaves with
    /// the plaintext alone.
    pub fn open(&self, body: &[u8], buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let (iv, ciphertext) = body.split_at_checked(BLOCK).ok_or(CryptoError::Short)?;
        if ciphertext.is_empty() || ciphertext.len() % BLOCK != 0 {
            return Err(CryptoError::PartialBlock);
        }
        let iv = GenericArray::from_slice(iv);
        load(buffer, ciphertext);
        let length = match self {
            Cbc::Aes128(aes) => unpad(cbc::Decryptor::inner_iv_init(&**aes, iv), buffer),
            Cbc::Aes192(aes) => unpad(cbc::Decryptor::inner_iv_init(&**aes, iv), buffer),
            Cbc::Aes256(aes) => unpad(cbc::Decryptor::inner_iv_init(&**aes, iv), buffer),
        };
        shorten(buffer, length.ok_or(CryptoError::Padding)?);
        Ok(())
    }

    /// Appends a random IV and the ciphertext of `plain` to `out`.
    pub fn seal(&self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), CryptoError> {
        let iv = random::bytes::<BLOCK>()?;
        let padding = BLOCK - plain.len() % BLOCK;
        grow(out, BLOCK + plain.len() + padding);
        out.extend_from_slice(&iv);
        let start = out.len();
        out.extend_from_slice(plain);
        out.resize(out.len() + padding, 0);
        let blocks = out.get_mut(start..).ok_or(CryptoError::TooLong)?;
        let (iv, length) = (GenericArray::from_slice(&iv), plain.len());
        let sealed = match self {
            Cbc::Aes128(aes) => pad(cbc::Encryptor::inner_iv_init(&**aes, iv), blocks, length),
            Cbc::Aes192(aes) => pad(cbc::Encryptor::inner_iv_init(&**aes, iv), blocks, length),
            Cbc::Aes256(aes) => pad(cbc::Encryptor::inner_iv_init(&**aes, iv), blocks, length),
        };
        sealed.ok_or(CryptoError::TooLong)
    }
}

fn boxed<C: KeyInit>(key: &[u8]) -> Option<Box<C>> {
    C::new_from_slice(key).ok().map(Box::new)
}

/// Decrypts in place; the length of what is left without padding.
fn unpad<D: BlockDecryptMut>(decryptor: D, buffer: &mut [u8]) -> Option<usize> {
    let plain = decryptor.decrypt_padded_mut::<Pkcs7>(buffer).ok()?;
    Some(plain.len())
}

/// Pads and encrypts the first `length` bytes in place.
fn pad<E: BlockEncryptMut>(encryptor: E, blocks: &mut [u8], length: usize) -> Option<()> {
    let sealed = encryptor.encrypt_padded_mut::<Pkcs7>(blocks, length);
    sealed.ok().map(|_| ())
}

//! What a v2 plugin has decrypted: a seed from which each value's key is
//! derived, or the key itself.
//!
//! Promises that seeds, derived keys and their schedules are wiped when
//! dropped. Of the key derivation only HKDF's expansion is used, as
//! kube-apiserver does: the seed is random, there is nothing to extract.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::object::SourceType;
use crate::k8s::crypto::error::CryptoError;
use crate::k8s::crypto::gcm::Gcm;
use crate::k8s::crypto::random;

const SEED: usize = 32;
const INFO: usize = 32;
const KEY: usize = 32;

/// A decrypted source of keys.
pub(super) enum Source {
    /// Type 0.
    Key(Gcm),
    /// Type 1: the state of the HMAC that the seed is the key of.
    Seed(Box<Hkdf<Sha256>>),
}

impl Source {
    /// `None` where the plaintext has no fitting length.
    pub fn new(source_type: SourceType, plain: &[u8]) -> Option<Source> {
        match source_type {
            SourceType::Key => Gcm::new(plain).map(Source::Key),
            SourceType::Seed if plain.len() < SEED => None,
            SourceType::Seed => {
                let derivation = Hkdf::from_prk(plain).ok()?;
                Some(Source::Seed(Box::new(derivation)))
            }
        }
    }

    /// A seed of this size is written.
    pub fn random_seed() -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut seed = Zeroizing::new(vec![0; SEED]);
        random::fill(&mut seed).map(|()| seed)
    }

    /// Decrypts `encryptedData` into `buffer`.
    pub fn open(
        &self,
        etcd_key: &[u8],
        data: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        match self {
            Source::Key(gcm) => gcm.open(etcd_key, data, buffer),
            Source::Seed(seed) => {
                let (info, sealed) = data.split_at_checked(INFO).ok_or(CryptoError::Short)?;
                derive(seed, info)?.open(etcd_key, sealed, buffer)
            }
        }
    }

    /// Appends the encrypted `plain` to `out`. Of a key this is refused: its
    /// random nonces may have been used up.
    pub fn seal(
        &self,
        etcd_key: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let Source::Seed(seed) = self else {
            return Err(CryptoError::Envelope("only seeds are written"));
        };
        let info = random::bytes::<INFO>()?;
        out.extend_from_slice(&info);
        derive(seed, &info)?.seal(etcd_key, plain, out)
    }

    /// How long a plaintext of `plain` bytes becomes under a seed.
    pub fn sealed_len(plain: usize) -> usize {
        INFO + Gcm::sealed_len(plain)
    }
}

fn derive(seed: &Hkdf<Sha256>, info: &[u8]) -> Result<Gcm, CryptoError> {
    let mut key = Zeroizing::new([0; KEY]);
    let derived = seed.expand(info, &mut *key).ok();
    let gcm = derived.and_then(|()| Gcm::new(&*key));
    gcm.ok_or(CryptoError::Envelope("no key can be derived"))
}

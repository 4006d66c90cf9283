//! The provider `kms` v1, read only: u16 big-endian length, encrypted key,
//! then AES-GCM under that key; before Kubernetes 1.25 AES-CBC.
//!
//! Promises one call of the plugin for each encrypted key that is not
//! remembered. What is not authentic is taken for CBC only if it then begins as
//! stored values do, so that damage goes unnoticed no more often than in CBC.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::cache::Cache;
use super::line::Line;
use crate::k8s::crypto::cbc::Cbc;
use crate::k8s::crypto::error::CryptoError;
use crate::k8s::crypto::gcm::Gcm;

/// What kube-apiserver's encodings begin with.
const BEGINNINGS: [&[u8]; 3] = [b"k8s\0", b"{", &[0xd9, 0xd9, 0xf7]];

/// One v1 plugin and the keys that it has decrypted.
pub(in crate::k8s::crypto) struct KmsV1 {
    line: Line,
    keys: Cache<Key>,
}

/// A value's own key.
struct Key {
    gcm: Gcm,
    cbc: Cbc,
}

impl KmsV1 {
    pub(super) fn new(line: Line, cache_size: usize) -> KmsV1 {
        KmsV1 {
            line,
            keys: Cache::new(cache_size),
        }
    }

    /// Decrypts the body of a value into `buffer`.
    pub fn open(
        &self,
        etcd_key: &[u8],
        body: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let (encrypted, sealed) = split(body)?;
        let identity = Sha256::digest(encrypted).into();
        if let Some(key) = self.keys.get(&identity) {
            return key.open(etcd_key, sealed, buffer);
        }
        let mut turn = self.line.turn()?;
        if let Some(key) = self.keys.get(&identity) {
            return key.open(etcd_key, sealed, buffer);
        }
        let plain = turn.ask(Some(identity), |plugin| plugin.decrypt_v1(encrypted))?;
        let key = Key::new(&plain).ok_or_else(|| self.line.failed("its answer is no AES key"))?;
        key.open(etcd_key, sealed, buffer)?;
        self.keys.put(identity, Arc::new(key));
        Ok(())
    }
}

/// The encrypted key, and what is encrypted with it.
fn split(body: &[u8]) -> Result<(&[u8], &[u8]), CryptoError> {
    let (length, rest) = body.split_first_chunk().ok_or(CryptoError::Short)?;
    let length = usize::from(u16::from_be_bytes(*length));
    rest.split_at_checked(length).ok_or(CryptoError::Short)
}

impl Key {
    fn new(plain: &[u8]) -> Option<Key> {
        Some(Key {
            gcm: Gcm::new(plain)?,
            cbc: Cbc::new(plain)?,
        })
    }

    fn open(
        &self,
        etcd_key: &[u8],
        sealed: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let Err(error) = self.gcm.open(etcd_key, sealed, buffer) else {
            return Ok(());
        };
        match self.cbc.open(sealed, buffer) {
            Ok(()) if BEGINNINGS.iter().any(|start| buffer.starts_with(start)) => Ok(()),
            _ => Err(error),
        }
    }
}

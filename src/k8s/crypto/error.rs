//! Why a value cannot be decrypted, or not be encrypted. Configurations have
//! errors of their own.

use std::sync::Arc;

use super::provider::Provider;
use crate::k8s::field::RecordError;
use crate::k8s::rewrite::RewriteError;

/// Why a value cannot be decrypted or encrypted. Never holds any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// No configured key has this prefix.
    #[error(
        "the value is encrypted ({0}), and the encryption configuration has no such key for its resource"
    )]
    NoKey(String),
    /// There is no configuration at all.
    #[error("the value is encrypted ({how}), and {why}")]
    NoConfiguration {
        /// How it is encrypted.
        how: String,
        /// Why there is none, as who made the keyring says it.
        why: Arc<str>,
    },
    /// The configuration requires encryption for its resource.
    #[error(
        "the value is not encrypted, and the encryption configuration has no `identity` for its resource"
    )]
    NotEncrypted,
    /// The bytes end before a nonce and a tag, or an IV.
    #[error("the encrypted value is too short")]
    Short,
    /// No whole blocks.
    #[error("the encrypted value is not made of whole blocks")]
    PartialBlock,
    /// The last block ends as no padded one does.
    #[error("the key does not fit the value, or the value is damaged (wrong padding)")]
    Padding,
    /// The tag does not fit.
    #[error(
        "the key or the etcd key does not fit the value, or the value is damaged (not authentic)"
    )]
    NotAuthentic,
    /// What a KMS provider stores around the ciphertext is malformed.
    #[error("the encrypted value is malformed: {0}")]
    Envelope(&'static str),
    /// The keyring was loaded without KMS plugins.
    #[error("the value needs the KMS plugin `{plugin}`, and no KMS plugins are connected here")]
    NoPlugin {
        /// The plugin's name in the encryption configuration.
        plugin: String,
    },
    /// The plugin did not answer, or its answer cannot be used.
    #[error("the KMS plugin `{plugin}` failed: {why}")]
    Kms {
        /// The plugin's name in the encryption configuration.
        plugin: String,
        /// What it said, or what went wrong on the way.
        why: String,
    },
    /// The first provider for the resource is one that is only read.
    #[error(
        "the first provider for the resource is {provider}, which carry reads but does not write; put another provider first, KMS v2 for example"
    )]
    ReadOnly {
        /// What it is.
        provider: Provider,
    },
    /// An empty value is never written: no apiserver could decode it.
    #[error("the value is empty, and an empty value is never written")]
    Empty,
    /// Written as it is, it would be taken for an encrypted one.
    #[error("the plain value begins as encrypted ones do, and would be written unencrypted")]
    LooksEncrypted,
    /// Longer than the cipher can encrypt at once.
    #[error("the value is too long to be encrypted")]
    TooLong,
    /// The operating system has none.
    #[error("the operating system gave no random bytes")]
    NoRandomBytes,
    /// What is about to be written does not open with the destination's
    /// configuration.
    #[error("the value encrypted for the destination does not open again: {0}")]
    NotReadBack(Box<CryptoError>),
    /// What is about to be written opens to something else.
    #[error("the value encrypted for the destination opens to something else")]
    ReadBackDiffers,
    /// The plain value is none that an apiserver could read.
    #[error("the plain value cannot be read: {0}")]
    Record(#[from] RecordError),
    /// A field that has to be another at the destination cannot be changed.
    #[error("the value cannot be made fit for the destination: {0}")]
    Rewrite(#[from] RewriteError),
}

impl CryptoError {
    /// Whether the same may succeed later without any change to the value or
    /// to the configuration: a KMS plugin did not answer as it should.
    pub fn is_transient(&self) -> bool {
        match self {
            CryptoError::Kms { .. } => true,
            CryptoError::NotReadBack(error) => error.is_transient(),
            _ => false,
        }
    }
}

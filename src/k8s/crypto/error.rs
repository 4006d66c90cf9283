//! Why a value cannot be decrypted. Configurations have errors of their own.

/// Why a value cannot be decrypted. Never holds any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// No configured key has this prefix.
    #[error(
        "the value is encrypted ({0}), and the encryption configuration has no such key for its resource"
    )]
    NoKey(String),
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
}

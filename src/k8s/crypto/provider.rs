//! What a value is encrypted with, as it is told to people and compared
//! between configurations. Holds names, never keys.

use std::fmt;
use std::sync::Arc;

/// What a value is encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Nothing.
    Identity,
    /// AES-CBC.
    Aescbc {
        /// The key's name.
        key: Arc<str>,
    },
    /// AES-GCM.
    Aesgcm {
        /// The key's name.
        key: Arc<str>,
    },
    /// XSalsa20 and Poly1305.
    Secretbox {
        /// The key's name.
        key: Arc<str>,
    },
    /// A key of each value's own, encrypted by a KMS plugin.
    KmsV1 {
        /// The plugin's name.
        plugin: Arc<str>,
    },
    /// Keys derived from a seed that a KMS plugin has encrypted.
    KmsV2 {
        /// The plugin's name.
        plugin: Arc<str>,
    },
}

impl Provider {
    /// What values under it begin with.
    pub(super) fn prefix(&self) -> Vec<u8> {
        let text = match self {
            Provider::Identity => String::new(),
            Provider::Aescbc { key } => format!("k8s:enc:aescbc:v1:{key}:"),
            Provider::Aesgcm { key } => format!("k8s:enc:aesgcm:v1:{key}:"),
            Provider::Secretbox { key } => format!("k8s:enc:secretbox:v1:{key}:"),
            Provider::KmsV1 { plugin } => format!("k8s:enc:kms:v1:{plugin}:"),
            Provider::KmsV2 { plugin } => format!("k8s:enc:kms:v2:{plugin}:"),
        };
        text.into_bytes()
    }

    /// Whether the etcd key is authenticated, so that the stored bytes are
    /// good under that key alone.
    pub fn is_bound_to_key(&self) -> bool {
        match self {
            Provider::Aesgcm { .. } | Provider::KmsV1 { .. } | Provider::KmsV2 { .. } => true,
            Provider::Identity | Provider::Aescbc { .. } | Provider::Secretbox { .. } => false,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provider::Identity => f.write_str("not encrypted"),
            Provider::Aescbc { key } => write!(f, "aescbc, key `{key}`"),
            Provider::Aesgcm { key } => write!(f, "aesgcm, key `{key}`"),
            Provider::Secretbox { key } => write!(f, "secretbox, key `{key}`"),
            Provider::KmsV1 { plugin } => write!(f, "kms v1, plugin `{plugin}`"),
            Provider::KmsV2 { plugin } => write!(f, "kms v2, plugin `{plugin}`"),
        }
    }
}

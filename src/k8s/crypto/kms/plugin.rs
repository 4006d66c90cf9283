//! What carry needs of a KMS plugin, without saying how it is reached.
//!
//! Promises nothing itself: an implementation answers within the configured
//! timeout, or says why not. Deliberately knows no gRPC and no runtime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// Connects the KMS plugins that an encryption configuration names.
pub trait KmsPlugins {
    /// The plugin of one `kms` provider. Does not wait: a plugin that cannot
    /// be reached says so when it is asked something.
    fn connect(&self, plugin: &PluginConfig) -> Arc<dyn KmsPlugin>;
}

/// What the encryption configuration says of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginConfig {
    /// Its name, which stands in stored values.
    pub name: String,
    /// Which of the two protocols it speaks.
    pub version: KmsVersion,
    /// Where it listens.
    pub socket: Socket,
    /// How long one call may take.
    pub timeout: Duration,
}

/// A version of the protocol between kube-apiserver and KMS plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsVersion {
    /// gRPC package `v1beta1`.
    V1,
    /// gRPC package `v2`.
    V2,
}

/// A unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// One in the file system.
    Path(String),
    /// One of Linux' abstract namespace, without the leading `@`.
    Abstract(String),
}

/// One connected plugin. Calls block, for at most the configured timeout.
pub trait KmsPlugin: Send + Sync {
    /// v1: the key that the plugin had encrypted.
    fn decrypt_v1(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, PluginError>;

    /// v2: the seed or the key that the plugin had encrypted.
    fn decrypt(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, PluginError>;

    /// v2: encrypts a seed.
    fn encrypt(&self, plain: &[u8]) -> Result<Wrapped, PluginError>;

    /// v2: how the plugin is, and with which key it would encrypt.
    fn status(&self) -> Result<Status, PluginError>;

    /// The clock by which what is remembered of the plugin grows old.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// What a v2 plugin returns from encrypting, and wants back for decrypting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrapped {
    /// The encrypted bytes.
    pub ciphertext: Vec<u8>,
    /// Which key of the plugin's has encrypted them.
    pub key_id: String,
    /// What else the plugin wants to know again; stored as it is.
    pub annotations: BTreeMap<String, Vec<u8>>,
}

/// What a v2 plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The protocol's version: `v2`, or `v2beta1`.
    pub version: String,
    /// `ok`, or what is wrong.
    pub healthz: String,
    /// The key with which it would encrypt now.
    pub key_id: String,
}

/// Why a call has no result. The texts never hold what was to be encrypted or
/// has been decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// No answer: no socket, no connection, or the timeout. The next call will
    /// hardly fare better.
    #[error("{0}")]
    Unreachable(String),
    /// The plugin answered that it will not.
    #[error("{0}")]
    Refused(String),
}

//! Encryption at rest: the configuration of kube-apiserver, stored values
//! decrypted with it, and values encrypted to be stored.
//!
//! Promises that no key and no plaintext is ever printed, that keys and used
//! buffers are wiped, and that no bytes make it panic. A wrong key of
//! `aescbc`, which has no authentication, may go unnoticed here and yields
//! bytes that `Record::parse` refuses. Whether a value may go to another etcd
//! is `transfer`'s to say.

pub mod kms;

mod agreement;
mod buffer;
mod cbc;
mod config;
mod describe;
mod error;
mod gcm;
mod keyring;
mod provider;
mod random;
mod scope;
mod secretbox;
mod transformer;

pub use config::ConfigError;
pub use describe::{describe, is_encrypted};
pub use error::CryptoError;
pub use keyring::{Keyring, Opened};
pub use provider::Provider;

//! Encryption at rest: the configuration of kube-apiserver, and stored values
//! decrypted with it.
//!
//! Promises that no key and no plaintext is ever printed, that keys and used
//! buffers are wiped, and that no bytes make it panic. A wrong key of
//! `aescbc`, which has no authentication, may go unnoticed here and yields
//! bytes that `Record::parse` refuses.

mod cipher;
mod config;
mod describe;
mod error;
mod keyring;
mod scope;

pub use config::ConfigError;
pub use describe::{describe, is_encrypted};
pub use error::CryptoError;
pub use keyring::{Keyring, Opened, Provider};

//! One configured key, or plugin, or `identity`: recognises the values that it
//! may have written, opens them and seals others.
//!
//! Never shows its secret; the fingerprint by which two are compared is made
//! once and tells nothing of it.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::buffer::{grow, load, wipe};
use super::cbc::Cbc;
use super::config::{KeyConfig, KmsConfig, ProviderConfig};
use super::describe::is_encrypted;
use super::error::CryptoError;
use super::gcm::Gcm;
use super::kms::{Kms, KmsPlugins, KmsVersion, PluginConfig, Socket};
use super::provider::Provider;
use super::secretbox::Secretbox;

/// Tells secrets apart: SHA-256 over the kind of provider and its secret.
pub(super) type Fingerprint = [u8; 32];

/// One entry of a resource's flattened list of providers and keys.
pub(super) struct Transformer {
    /// What its values begin with; nothing for `identity`.
    prefix: Vec<u8>,
    pub provider: Provider,
    pub fingerprint: Fingerprint,
    cipher: Cipher,
}

enum Cipher {
    Identity,
    Cbc(Cbc),
    Gcm(Gcm),
    Secretbox(Secretbox),
    Kms(Box<Kms>),
}

impl Transformer {
    pub fn identity() -> Transformer {
        Transformer::new(
            Provider::Identity,
            fingerprint("identity", b""),
            Cipher::Identity,
        )
    }

    fn new(provider: Provider, fingerprint: Fingerprint, cipher: Cipher) -> Transformer {
        Transformer {
            prefix: provider.prefix(),
            provider,
            fingerprint,
            cipher,
        }
    }

    /// One for each key of a configured provider, in their order. The
    /// configuration has checked the keys' lengths: none is left out.
    pub fn all_of(
        config: &ProviderConfig,
        plugins: Option<&dyn KmsPlugins>,
    ) -> Vec<Arc<Transformer>> {
        let transformers: Vec<Transformer> = match config {
            ProviderConfig::Identity => vec![Transformer::identity()],
            ProviderConfig::Aescbc(keys) => keys.iter().filter_map(aescbc).collect(),
            ProviderConfig::Aesgcm(keys) => keys.iter().filter_map(aesgcm).collect(),
            ProviderConfig::Secretbox(keys) => keys.iter().filter_map(secretbox).collect(),
            ProviderConfig::Kms(config) => vec![kms(config, plugins)],
        };
        transformers.into_iter().map(Arc::new).collect()
    }

    /// What follows the prefix, if the value may be one of its own.
    pub fn body<'v>(&self, value: &'v [u8]) -> Option<&'v [u8]> {
        match self.cipher {
            Cipher::Identity => (!is_encrypted(value)).then_some(value),
            _ => value.strip_prefix(self.prefix.as_slice()),
        }
    }

    /// Decrypts the body of a value into `buffer`. Not for plain values, which
    /// need none.
    pub fn open(
        &self,
        etcd_key: &[u8],
        body: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        match &self.cipher {
            Cipher::Identity => load(buffer, body),
            Cipher::Cbc(cbc) => cbc.open(body, buffer)?,
            Cipher::Gcm(gcm) => gcm.open(etcd_key, body, buffer)?,
            Cipher::Secretbox(secretbox) => secretbox.open(body, buffer)?,
            Cipher::Kms(kms) => match &**kms {
                Kms::V1(kms) => kms.open(etcd_key, body, buffer)?,
                Kms::V2(kms) => kms.open(etcd_key, body, buffer)?,
            },
        }
        Ok(())
    }

    /// Writes the encrypted value into `out`, and nothing else.
    pub fn seal(
        &self,
        etcd_key: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        wipe(out);
        grow(out, self.prefix.len() + OVERHEAD + plain.len());
        out.extend_from_slice(&self.prefix);
        match &self.cipher {
            Cipher::Identity if is_encrypted(plain) => Err(CryptoError::LooksEncrypted),
            Cipher::Identity => {
                out.extend_from_slice(plain);
                Ok(())
            }
            Cipher::Cbc(cbc) => cbc.seal(plain, out),
            Cipher::Gcm(gcm) => gcm.seal(etcd_key, plain, out),
            Cipher::Secretbox(secretbox) => secretbox.seal(plain, out),
            Cipher::Kms(kms) => match (&**kms, &self.provider) {
                (Kms::V2(kms), _) => kms.seal(etcd_key, plain, out),
                (Kms::V1(_), provider) => Err(CryptoError::ReadOnly {
                    provider: provider.clone(),
                }),
            },
        }
    }

    pub fn is_identity(&self) -> bool {
        matches!(self.cipher, Cipher::Identity)
    }

    /// Whether the other writes and reads the same values.
    pub fn is_same_as(&self, other: &Transformer) -> bool {
        self.provider == other.provider && self.fingerprint == other.fingerprint
    }
}

/// What most ciphers add to the plaintext at most; the others grow the buffer.
const OVERHEAD: usize = 64;

fn fingerprint(kind: &str, secret: &[u8]) -> Fingerprint {
    let mut hash = Sha256::new();
    hash.update(kind);
    hash.update([0]);
    hash.update(secret);
    hash.finalize().into()
}

fn aescbc(config: &KeyConfig) -> Option<Transformer> {
    let key = config.name.as_str().into();
    let cipher = Cipher::Cbc(Cbc::new(&config.secret)?);
    let fingerprint = fingerprint("aescbc", &config.secret);
    Some(Transformer::new(
        Provider::Aescbc { key },
        fingerprint,
        cipher,
    ))
}

fn aesgcm(config: &KeyConfig) -> Option<Transformer> {
    let key = config.name.as_str().into();
    let cipher = Cipher::Gcm(Gcm::new(&config.secret)?);
    let fingerprint = fingerprint("aesgcm", &config.secret);
    Some(Transformer::new(
        Provider::Aesgcm { key },
        fingerprint,
        cipher,
    ))
}

fn secretbox(config: &KeyConfig) -> Option<Transformer> {
    let key = config.name.as_str().into();
    let cipher = Cipher::Secretbox(Secretbox::new(&config.secret)?);
    let fingerprint = fingerprint("secretbox", &config.secret);
    Some(Transformer::new(
        Provider::Secretbox { key },
        fingerprint,
        cipher,
    ))
}

/// Plugins are the same where kube-apiserver would reach the same one under
/// the same name: their keys are not ours to compare.
fn kms(config: &KmsConfig, plugins: Option<&dyn KmsPlugins>) -> Transformer {
    let PluginConfig { name, socket, .. } = &config.plugin;
    let plugin = name.as_str().into();
    let (kind, provider) = match config.plugin.version {
        KmsVersion::V1 => ("kms v1", Provider::KmsV1 { plugin }),
        KmsVersion::V2 => ("kms v2", Provider::KmsV2 { plugin }),
    };
    let place = match socket {
        Socket::Path(path) => format!("{name}\0{path}"),
        Socket::Abstract(other) => format!("{name}\0@{other}"),
    };
    let cipher = Cipher::Kms(Box::new(Kms::new(
        &config.plugin,
        config.cache_size,
        plugins,
    )));
    Transformer::new(provider, fingerprint(kind, place.as_bytes()), cipher)
}

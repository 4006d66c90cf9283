//! The providers of an encryption configuration, tried as kube-apiserver
//! tries them.

use std::fmt;
use std::sync::Arc;

use zeroize::{Zeroize as _, Zeroizing};

use super::cipher::{Cbc, Gcm};
use super::config::{self, ConfigError, Entry, KeyConfig, ProviderConfig};
use super::describe::{describe, is_encrypted};
use super::error::CryptoError;
use super::scope::Scope;

/// Decrypts stored values. Cheap to clone; the keys are wiped with the last
/// clone.
#[derive(Clone, Default)]
pub struct Keyring {
    scopes: Vec<(Scope, Vec<Arc<Transformer>>)>,
}

/// A decrypted value.
#[derive(Clone, Debug)]
pub struct Opened<'b> {
    /// The value as kube-apiserver encoded it.
    pub plain: &'b [u8],
    /// What had encrypted it.
    pub provider: Provider,
}

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
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provider::Identity => f.write_str("not encrypted"),
            Provider::Aescbc { key } => write!(f, "aescbc, key `{key}`"),
            Provider::Aesgcm { key } => write!(f, "aesgcm, key `{key}`"),
        }
    }
}

/// A configured provider.
enum Transformer {
    Identity,
    Keys(Vec<NamedKey>),
}

struct NamedKey {
    /// What values under this key begin with.
    prefix: Vec<u8>,
    provider: Provider,
    cipher: Cipher,
}

enum Cipher {
    Cbc(Cbc),
    Gcm(Gcm),
}

/// Shows which resources are configured, and no keys.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring ")?;
        f.debug_list()
            .entries(self.scopes.iter().map(|(scope, _)| scope.to_string()))
            .finish()
    }
}

impl Keyring {
    /// No configuration: values are plain, and encrypted ones an error.
    pub fn identity() -> Keyring {
        Keyring::default()
    }

    /// Reads the encryption configuration in the file `name`.
    pub fn parse(name: &str, yaml: &str) -> Result<Keyring, ConfigError> {
        let mut keyring = Keyring::default();
        for Entry {
            resources,
            providers,
        } in config::parse(name, yaml)?
        {
            let providers: Vec<_> = providers
                .into_iter()
                .map(|config| Arc::new(transformer(config)))
                .collect();
            for scope in resources {
                keyring.add(scope, &providers);
            }
        }
        Ok(keyring)
    }

    /// A resource that is named again has the providers of both places.
    fn add(&mut self, scope: Scope, providers: &[Arc<Transformer>]) {
        match self.scopes.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, known)) => known.extend_from_slice(providers),
            None => self.scopes.push((scope, providers.to_vec())),
        }
    }

    /// The providers for a resource: its own, its group's, or everything's.
    fn providers(&self, group: &str, plural: &str) -> Option<&[Arc<Transformer>]> {
        let find = |fits: &dyn Fn(&Scope) -> bool| {
            self.scopes
                .iter()
                .find(|(scope, _)| fits(scope))
                .map(|(_, providers)| providers.as_slice())
        };
        find(&|scope| matches!(scope, Scope::One { plural: p, group: g } if p == plural && g == group))
            .or_else(|| find(&|scope| matches!(scope, Scope::Group(g) if g == group)))
            .or_else(|| find(&|scope| *scope == Scope::All))
    }

    /// Decrypts a value stored under `key`, which is authenticated where the
    /// provider can. A plain value is returned as it is; decrypted bytes go to
    /// `buffer`, which is wiped before it is used again and when dropped.
    pub fn open<'b>(
        &self,
        group: &str,
        plural: &str,
        key: &[u8],
        value: &'b [u8],
        buffer: &'b mut Zeroizing<Vec<u8>>,
    ) -> Result<Opened<'b>, CryptoError> {
        let providers = self.providers(group, plural).unwrap_or(&[]);
        if !is_encrypted(value) {
            return open_plain(providers, value);
        }
        match first_to_open(providers, key, value, buffer) {
            Ok(provider) => Ok(Opened {
                plain: buffer,
                provider,
            }),
            Err(error) => {
                wipe(buffer);
                Err(error)
            }
        }
    }
}

/// Without any configuration, too, plain values are read as they are.
fn open_plain<'b>(
    providers: &[Arc<Transformer>],
    value: &'b [u8],
) -> Result<Opened<'b>, CryptoError> {
    let allowed = providers.is_empty()
        || providers
            .iter()
            .any(|provider| matches!(**provider, Transformer::Identity));
    match allowed {
        true => Ok(Opened {
            plain: value,
            provider: Provider::Identity,
        }),
        false => Err(CryptoError::NotEncrypted),
    }
}

/// Tries every key whose prefix the value has; the first failure is told
/// when none fits.
fn first_to_open(
    providers: &[Arc<Transformer>],
    key: &[u8],
    value: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<Provider, CryptoError> {
    let mut failure = None;
    for named in providers.iter().flat_map(|provider| provider.keys()) {
        let Some(body) = value.strip_prefix(named.prefix.as_slice()) else {
            continue;
        };
        wipe(buffer);
        match named.open(key, body, buffer) {
            Ok(()) => return Ok(named.provider.clone()),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or_else(|| CryptoError::NoKey(describe(value))))
}

/// Clears the buffer and what it held.
fn wipe(buffer: &mut Vec<u8>) {
    buffer.as_mut_slice().zeroize();
    buffer.clear();
}

impl Transformer {
    fn keys(&self) -> &[NamedKey] {
        match self {
            Transformer::Identity => &[],
            Transformer::Keys(keys) => keys,
        }
    }
}

impl NamedKey {
    fn open(&self, key: &[u8], body: &[u8], buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        match &self.cipher {
            Cipher::Cbc(cbc) => cbc.open(body, buffer),
            Cipher::Gcm(gcm) => gcm.open(key, body, buffer),
        }
    }
}

/// The decoder has checked the keys' lengths: none is left out.
fn transformer(config: ProviderConfig) -> Transformer {
    match config {
        ProviderConfig::Identity => Transformer::Identity,
        ProviderConfig::Aescbc(keys) => Transformer::Keys(keys.iter().filter_map(aescbc).collect()),
        ProviderConfig::Aesgcm(keys) => Transformer::Keys(keys.iter().filter_map(aesgcm).collect()),
    }
}

fn aescbc(config: &KeyConfig) -> Option<NamedKey> {
    let key: Arc<str> = config.name.as_str().into();
    let prefix = format!("k8s:enc:aescbc:v1:{key}:").into_bytes();
    let cipher = Cipher::Cbc(Cbc::new(&config.secret)?);
    Some(NamedKey {
        prefix,
        provider: Provider::Aescbc { key },
        cipher,
    })
}

fn aesgcm(config: &KeyConfig) -> Option<NamedKey> {
    let key: Arc<str> = config.name.as_str().into();
    let prefix = format!("k8s:enc:aesgcm:v1:{key}:").into_bytes();
    let cipher = Cipher::Gcm(Gcm::new(&config.secret)?);
    Some(NamedKey {
        prefix,
        provider: Provider::Aesgcm { key },
        cipher,
    })
}

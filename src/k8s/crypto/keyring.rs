//! The providers of an encryption configuration, tried as kube-apiserver
//! tries them.
//!
//! Promises that a value which cannot be decrypted leaves nothing in the
//! caller's buffer. Deliberately does not look into what it decrypts.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::buffer::wipe;
use super::config::{self, ConfigError};
use super::describe::{describe, is_encrypted};
use super::error::CryptoError;
use super::kms::KmsPlugins;
use super::provider::Provider;
use super::scope::Scope;
use super::transformer::{Fingerprint, Transformer};

/// Decrypts stored values and encrypts those to be stored. Cheap to clone; the
/// keys are wiped with the last clone.
#[derive(Clone)]
pub struct Keyring {
    scopes: Vec<(Scope, Vec<Arc<Transformer>>)>,
    /// For resources that no scope names.
    unlisted: Vec<Arc<Transformer>>,
    /// Why there is no configuration, where there is none.
    missing: Option<Arc<str>>,
}

/// A decrypted value.
#[derive(Clone)]
pub struct Opened<'b> {
    /// The value as kube-apiserver encoded it.
    pub plain: &'b [u8],
    /// What had encrypted it.
    pub provider: Provider,
    /// Tells the secret that had encrypted it from others.
    pub(super) fingerprint: Fingerprint,
}

/// Shows what had encrypted it, and nothing of it.
impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({} bytes, {})", self.plain.len(), self.provider)
    }
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

impl Default for Keyring {
    fn default() -> Keyring {
        Keyring::identity()
    }
}

impl Keyring {
    /// No configuration: values are plain, and encrypted ones an error.
    pub fn identity() -> Keyring {
        Keyring::identity_since("no encryption configuration was given")
    }

    /// The same, where more can be said of why there is none: encrypted values
    /// are refused with it, as in "the value is encrypted (…), and `why`".
    pub fn identity_since(why: &str) -> Keyring {
        Keyring {
            missing: Some(why.into()),
            ..Keyring::configured()
        }
    }

    /// A configuration that names no resource yet.
    fn configured() -> Keyring {
        Keyring {
            scopes: Vec::new(),
            unlisted: vec![Arc::new(Transformer::identity())],
            missing: None,
        }
    }

    /// Reads the encryption configuration in the file `name`. Values that need
    /// a KMS plugin are then an error.
    pub fn parse(name: &str, yaml: &str) -> Result<Keyring, ConfigError> {
        Keyring::load(name, yaml, None)
    }

    /// The same, with a way to the KMS plugins that the configuration names.
    pub fn parse_with(
        name: &str,
        yaml: &str,
        plugins: &dyn KmsPlugins,
    ) -> Result<Keyring, ConfigError> {
        Keyring::load(name, yaml, Some(plugins))
    }

    fn load(
        name: &str,
        yaml: &str,
        plugins: Option<&dyn KmsPlugins>,
    ) -> Result<Keyring, ConfigError> {
        let mut keyring = Keyring::configured();
        for entry in config::parse(name, yaml)? {
            let providers: Vec<_> = entry
                .providers
                .iter()
                .flat_map(|provider| Transformer::all_of(provider, plugins))
                .collect();
            for scope in entry.resources {
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

    /// The providers for a resource: its own, its group's, everything's, or
    /// `identity`.
    pub(super) fn providers(&self, group: &str, plural: &str) -> &[Arc<Transformer>] {
        let find = |fits: &dyn Fn(&Scope) -> bool| {
            self.scopes
                .iter()
                .find(|(scope, _)| fits(scope))
                .map(|(_, providers)| providers.as_slice())
        };
        find(&|scope| matches!(scope, Scope::One { plural: p, group: g } if p == plural && g == group))
            .or_else(|| find(&|scope| matches!(scope, Scope::Group(g) if g == group)))
            .or_else(|| find(&|scope| *scope == Scope::All))
            .unwrap_or(&self.unlisted)
    }

    /// Decrypts a value stored under `key`, which is authenticated where the
    /// provider can. A plain value is returned as it is; decrypted bytes go to
    /// `buffer`, where they leave nothing of earlier ones.
    ///
    /// May wait for a KMS plugin, at most for its configured timeout.
    pub fn open<'b>(
        &self,
        group: &str,
        plural: &str,
        key: &[u8],
        value: &'b [u8],
        buffer: &'b mut Zeroizing<Vec<u8>>,
    ) -> Result<Opened<'b>, CryptoError> {
        let mut failure = None;
        for transformer in self.providers(group, plural) {
            let Some(body) = transformer.body(value) else {
                continue;
            };
            if transformer.is_identity() {
                return Ok(transformer.opened(body));
            }
            match transformer.open(key, body, buffer) {
                Ok(()) => return Ok(transformer.opened(buffer)),
                Err(error) => failure = Some(worse(failure, error)),
            }
        }
        wipe(buffer);
        Err(failure.unwrap_or_else(|| self.not_ours(value)))
    }

    /// No provider for the resource has such values.
    fn not_ours(&self, value: &[u8]) -> CryptoError {
        match (is_encrypted(value), &self.missing) {
            (false, _) => CryptoError::NotEncrypted,
            (true, None) => CryptoError::NoKey(describe(value)),
            (true, Some(why)) => CryptoError::NoConfiguration {
                how: describe(value),
                why: Arc::clone(why),
            },
        }
    }

    /// Whether any value may need a KMS plugin, so that opening or sealing may
    /// wait.
    pub fn asks_plugins(&self) -> bool {
        let transformers = self.scopes.iter().flat_map(|(_, all)| all);
        let mut providers = transformers.map(|transformer| &transformer.provider);
        providers.any(|own| matches!(own, Provider::KmsV1 { .. } | Provider::KmsV2 { .. }))
    }

    /// Tells one configuration from another, across restarts: 16 hexadecimal
    /// digits of a hash, from which no key can be learnt.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (scope, transformers) in &self.scopes {
            hash.update(format!("{scope}\n"));
            for transformer in transformers {
                hash.update(format!("{}\n", transformer.provider));
                hash.update(transformer.fingerprint);
            }
        }
        let digits = hash.finalize().into_iter().take(8);
        digits.map(|byte| format!("{byte:02x}")).collect()
    }

    /// Encrypts a value to be stored under `key` as kube-apiserver would: with
    /// the first provider for the resource, and its first key. `out` then holds
    /// the value to be stored and nothing else; on an error it holds nothing.
    ///
    /// May wait for a KMS plugin, at most three times for its configured timeout.
    pub fn seal(
        &self,
        group: &str,
        plural: &str,
        key: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Provider, CryptoError> {
        let sealed = self.seal_with_first(group, plural, key, plain, out);
        if sealed.is_err() {
            wipe(out);
        }
        sealed
    }

    fn seal_with_first(
        &self,
        group: &str,
        plural: &str,
        key: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Provider, CryptoError> {
        if plain.is_empty() {
            return Err(CryptoError::Empty);
        }
        let first = self.providers(group, plural).first();
        let transformer = first.ok_or(CryptoError::NotEncrypted)?;
        transformer.seal(key, plain, out)?;
        Ok(transformer.provider.clone())
    }
}

impl Transformer {
    fn opened<'b>(&self, plain: &'b [u8]) -> Opened<'b> {
        Opened {
            plain,
            provider: self.provider.clone(),
            fingerprint: self.fingerprint,
        }
    }
}

/// The failure to tell of two: the first one, unless the other may pass.
fn worse(first: Option<CryptoError>, other: CryptoError) -> CryptoError {
    match first {
        Some(first) if first.is_transient() || !other.is_transient() => first,
        _ => other,
    }
}

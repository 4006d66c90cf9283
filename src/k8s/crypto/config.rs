//! The text of an encryption configuration, `kind: EncryptionConfiguration`
//! or the older `EncryptionConfig`, decoded as strictly as kube-apiserver
//! does.
//!
//! Promises that errors name a place in the file and never what may be a key.
//! Deliberately makes no ciphers: that is `keyring`'s.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use zeroize::{Zeroize as _, Zeroizing};

use super::scope::Scope;

/// What is wrong with an encryption configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name as the user gave it.
    pub name: String,
    /// Line and column, from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.name, self.message),
            None => write!(f, "{}: {}", self.name, self.message),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Decodes the text of the file `name`.
pub(super) fn parse(name: &str, yaml: &str) -> Result<Vec<Entry>, ConfigError> {
    let parsed = serde_yaml::from_str::<Document>(yaml);
    parsed.map(|document| document.resources).map_err(|error| {
        let place = error.location().map(|place| (place.line(), place.column()));
        ConfigError {
            name: name.to_owned(),
            place,
            message: message(&error),
        }
    })
}

/// The decoder's message without its place, and without the value that it
/// found: that may be a key in the wrong place.
fn message(error: &serde_yaml::Error) -> String {
    let mut text = error.to_string();
    if let Some(place) = text.find(" at line ") {
        text.truncate(place);
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let (Some(start), Some(end)) = (text.find(start), text.rfind(", expected "))
            && start < end
        {
            text.replace_range(start..end + 2, "");
        }
    }
    text
}

#[derive(Deserialize)]
#[serde(try_from = "RawDocument")]
struct Document {
    resources: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an EncryptionConfiguration")]
struct RawDocument {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    resources: Vec<Entry>,
}

impl TryFrom<RawDocument> for Document {
    type Error = String;

    fn try_from(raw: RawDocument) -> Result<Document, String> {
        match (raw.api_version.as_str(), raw.kind.as_str()) {
            ("apiserver.config.k8s.io/v1", "EncryptionConfiguration")
            | ("v1", "EncryptionConfig") => {}
            (api_version, kind) => {
                return Err(format!(
                    "`{kind}` of `{api_version}` is no encryption configuration; \
                     expected `EncryptionConfiguration` of `apiserver.config.k8s.io/v1`"
                ));
            }
        }
        if raw.resources.is_empty() {
            return Err(
                "`resources` is empty; leave the file away if nothing is encrypted".to_owned(),
            );
        }
        refuse_masked(&raw.resources)?;
        Ok(Document {
            resources: raw.resources,
        })
    }
}

fn refuse_masked(entries: &[Entry]) -> Result<(), String> {
    let mut seen: Vec<&Scope> = Vec::new();
    for scope in entries.iter().flat_map(|entry| &entry.resources) {
        if let Some(wildcard) = seen
            .iter()
            .find(|earlier| **earlier != scope && earlier.masks(scope))
        {
            return Err(format!(
                "resource `{scope}` is masked by the earlier `{wildcard}`; put it before that"
            ));
        }
        if !matches!(scope, Scope::One { .. }) && seen.contains(&scope) {
            return Err(format!(
                "resource `{scope}` is masked by the same one earlier; join the two"
            ));
        }
        seen.push(scope);
    }
    Ok(())
}

/// Some resources and how they are encrypted.
#[derive(Deserialize)]
#[serde(try_from = "RawEntry")]
pub(super) struct Entry {
    pub resources: Vec<Scope>,
    pub providers: Vec<ProviderConfig>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an entry with `resources` and `providers`"
)]
struct RawEntry {
    resources: Vec<Scope>,
    providers: Vec<ProviderConfig>,
}

impl TryFrom<RawEntry> for Entry {
    type Error = String;

    fn try_from(raw: RawEntry) -> Result<Entry, String> {
        if raw.resources.is_empty() || raw.providers.is_empty() {
            return Err("an entry needs at least one resource and one provider".to_owned());
        }
        for (place, scope) in raw.resources.iter().enumerate() {
            let rest = raw.resources.iter().skip(place + 1);
            if let Some(other) = rest.into_iter().find(|other| scope.overlaps(other)) {
                return Err(format!(
                    "resources `{scope}` and `{other}` overlap in one list"
                ));
            }
        }
        Ok(Entry {
            resources: raw.resources,
            providers: raw.providers,
        })
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Scope, D::Error> {
        Scope::parse(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// One way to encrypt, with its keys.
#[derive(Deserialize)]
#[serde(try_from = "RawProvider")]
pub(super) enum ProviderConfig {
    Identity,
    Aescbc(Vec<KeyConfig>),
    Aesgcm(Vec<KeyConfig>),
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a provider, for example `identity: {}`"
)]
struct RawProvider {
    identity: Option<Identity>,
    aescbc: Option<Keys>,
    aesgcm: Option<Keys>,
    secretbox: Option<Keys>,
    kms: Option<Kms>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{}`")]
struct Identity {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`keys` with a list of keys")]
struct Keys {
    keys: Vec<KeyConfig>,
}

/// Checked as strictly as the others although it is refused: a mistake in it
/// is the first thing to say.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a KMS plugin with `name` and `endpoint`"
)]
struct Kms {
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    name: String,
    #[serde(rename = "endpoint")]
    _endpoint: String,
    #[serde(rename = "cachesize")]
    _cachesize: Option<i32>,
    #[serde(rename = "timeout")]
    _timeout: Option<String>,
}

impl TryFrom<RawProvider> for ProviderConfig {
    type Error = String;

    fn try_from(raw: RawProvider) -> Result<ProviderConfig, String> {
        let RawProvider {
            identity,
            aescbc,
            aesgcm,
            secretbox,
            kms,
        } = raw;
        match (identity, aescbc, aesgcm, secretbox, kms) {
            (Some(Identity {}), None, None, None, None) => Ok(ProviderConfig::Identity),
            (None, Some(keys), None, None, None) => {
                Ok(ProviderConfig::Aescbc(keys.checked("aescbc")?))
            }
            (None, None, Some(keys), None, None) => {
                Ok(ProviderConfig::Aesgcm(keys.checked("aesgcm")?))
            }
            (None, None, None, Some(_), None) => Err(
                "provider `secretbox` is not supported yet; use `aescbc`, `aesgcm` or `identity`"
                    .to_owned(),
            ),
            (None, None, None, None, Some(Kms { name, .. })) => Err(format!(
                "provider `kms` (plugin `{name}`) is not supported yet; use `aescbc`, `aesgcm` or `identity`"
            )),
            (None, None, None, None, None) => {
                Err("a provider is named nowhere; write for example `identity: {}`".to_owned())
            }
            _ => Err("more than one provider in one list entry; begin each with `-`".to_owned()),
        }
    }
}

impl Keys {
    fn checked(self, provider: &str) -> Result<Vec<KeyConfig>, String> {
        if self.keys.is_empty() {
            return Err(format!("provider `{provider}` has no keys"));
        }
        for key in &self.keys {
            let length = key.secret.len();
            if key.name.is_empty() {
                return Err(format!("a key of provider `{provider}` has an empty name"));
            }
            if !matches!(length, 16 | 24 | 32) {
                let name = &key.name;
                return Err(format!(
                    "the secret of key `{name}` is {length} bytes long, expected 16, 24 or 32"
                ));
            }
        }
        Ok(self.keys)
    }
}

/// A key with its name. The secret is wiped when dropped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a key with `name` and `secret`")]
pub(super) struct KeyConfig {
    pub name: String,
    #[serde(deserialize_with = "secret")]
    pub secret: Zeroizing<Vec<u8>>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
    from.deserialize_str(SecretVisitor)
}

/// Unlike a derived decoder, it repeats nothing of what it found.
struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = Zeroizing<Vec<u8>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret in base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let mut compact: Zeroizing<String> = Zeroizing::new(String::with_capacity(text.len()));
        compact.extend(text.chars().filter(|c| !matches!(c, '\n' | '\r')));
        let decoded = STANDARD.decode(compact.as_bytes());
        decoded
            .map(Zeroizing::new)
            .map_err(|_| E::custom("the secret is not base64"))
    }

    fn visit_string<E: de::Error>(self, mut text: String) -> Result<Self::Value, E> {
        let decoded = self.visit_str(&text);
        text.zeroize();
        decoded
    }
}

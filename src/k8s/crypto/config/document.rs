//! An encryption configuration as it is written, field by field.
//!
//! Promises that unknown fields and fields written twice are refused, and that
//! secrets are decoded into memory that is wiped. Deliberately does not judge
//! what the fields say: that is `check`'s.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use zeroize::{Zeroize as _, Zeroizing};

use super::fault::quoted;

/// As Go decodes base64: padded, and not picky about the last bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an EncryptionConfiguration")]
pub(super) struct Document {
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    pub kind: String,
    pub resources: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an entry with `resources` and `providers`"
)]
pub(super) struct RawEntry {
    pub resources: Vec<String>,
    pub providers: Vec<RawProvider>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a provider, for example `identity: {}`"
)]
pub(super) struct RawProvider {
    pub identity: Option<Identity>,
    pub aescbc: Option<Keys>,
    pub aesgcm: Option<Keys>,
    pub secretbox: Option<Keys>,
    pub kms: Option<RawKms>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{}`")]
pub(super) struct Identity {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`keys` with a list of keys")]
pub(super) struct Keys {
    pub keys: Vec<KeyConfig>,
}

/// A key with its name. The secret is wiped when dropped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a key with `name` and `secret`")]
pub(in crate::k8s::crypto) struct KeyConfig {
    pub name: String,
    #[serde(deserialize_with = "secret")]
    pub secret: Zeroizing<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a KMS plugin with `name` and `endpoint`"
)]
pub(super) struct RawKms {
    #[serde(rename = "apiVersion")]
    pub api_version: Option<String>,
    pub name: String,
    pub endpoint: String,
    #[serde(default, deserialize_with = "whole_number")]
    pub cachesize: Option<i64>,
    pub timeout: Option<String>,
}

/// Why a text is no such document.
pub(super) struct Undecodable {
    pub message: String,
    /// Line and column, from 1, where the decoder knows them.
    pub place: Option<(usize, usize)>,
    /// The field that is written twice; the place is then its mapping's.
    pub twice: Option<String>,
}

impl Document {
    pub fn read(yaml: &str) -> Result<Document, Undecodable> {
        serde_yaml::from_str(yaml).map_err(|error| Undecodable {
            message: message(&error),
            place: error.location().map(|place| (place.line(), place.column())),
            twice: in_backticks(&error.to_string(), "duplicate field ").map(str::to_owned),
        })
    }
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
    if let Some(name) = in_backticks(&text, "unknown field ") {
        text = text.replace(&format!("`{name}`"), &quoted(name));
    }
    text
}

/// `name` of ``start`name` ``.
fn in_backticks<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    rest.strip_prefix('`')?.split('`').next()
}

fn whole_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    from.deserialize_any(NumberVisitor)
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
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
        let mut decoded = Zeroizing::new(Vec::with_capacity(compact.len()));
        match BASE64.decode_vec(compact.as_bytes(), &mut decoded) {
            Ok(()) => Ok(decoded),
            Err(_) => Err(E::custom("the secret is not base64")),
        }
    }

    fn visit_string<E: de::Error>(self, mut text: String) -> Result<Self::Value, E> {
        let decoded = self.visit_str(&text);
        text.zeroize();
        decoded
    }
}

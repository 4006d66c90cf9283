//! What a KMS v2 provider stores: EncryptedObject{1 encryptedData, 2 keyID,
//! 3 encryptedDEKSource, 4 annotations map<string,bytes>,
//! 5 encryptedDEKSourceType}.
//!
//! Promises the limits that kube-apiserver puts on each field, when reading and
//! when writing. Deliberately decrypts nothing.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::plugin::Wrapped;
use crate::k8s::crypto::error::CryptoError;
use crate::k8s::protobuf::{Malformed, Reader, Value, entry};

/// Tells encrypted keys apart without keeping them.
pub(super) type Identity = [u8; 32];

const MAX_KEY_ID: usize = 1024;
const MAX_SOURCE: usize = 1024;
const MAX_ANNOTATIONS: usize = 32 * 1024;
const MAX_DOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

/// What the decrypted source is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SourceType {
    /// The AES key itself; written before Kubernetes 1.29.
    #[default]
    Key,
    /// The seed from which each value's key is derived.
    Seed,
}

/// One stored value, after its prefix.
pub(super) struct EncryptedObject<'a> {
    pub data: &'a [u8],
    pub key: EncryptedKey<'a>,
}

/// A key or seed as the plugin has encrypted it, borrowed.
#[derive(Default)]
pub(super) struct EncryptedKey<'a> {
    pub source_type: SourceType,
    ciphertext: &'a [u8],
    key_id: &'a str,
    annotations: BTreeMap<&'a str, &'a [u8]>,
}

impl<'a> EncryptedObject<'a> {
    pub fn parse(body: &'a [u8]) -> Result<EncryptedObject<'a>, CryptoError> {
        let object = decode(body).map_err(|Malformed(why)| CryptoError::Envelope(why))?;
        if object.data.is_empty() {
            return Err(CryptoError::Envelope("no encrypted data"));
        }
        object.key.check().map_err(CryptoError::Envelope)?;
        Ok(object)
    }
}

fn decode(body: &[u8]) -> Result<EncryptedObject<'_>, Malformed> {
    let (mut data, mut key): (&[u8], _) = (&[], EncryptedKey::default());
    let mut reader = Reader::new(body);
    while let Some((number, value)) = reader.field()? {
        match (number, value) {
            (1, value) => data = value.bytes()?,
            (2, value) => key.key_id = text(value)?,
            (3, value) => key.ciphertext = value.bytes()?,
            (4, value) => {
                let (name, value) = entry(value.bytes()?)?;
                let value = value.map_or(Ok(&[] as &[u8]), Value::bytes)?;
                key.annotations.insert(text(Value::Bytes(name))?, value);
            }
            (5, Value::Varint(number)) => key.source_type = source_type(number)?,
            (5, _) => return Err(Malformed("a field has the wrong wire type")),
            _ => {}
        }
    }
    Ok(EncryptedObject { data, key })
}

/// Unlike text to be shown, it goes back to the plugin as it is.
fn text(value: Value<'_>) -> Result<&str, Malformed> {
    std::str::from_utf8(value.bytes()?).map_err(|_| Malformed("a string is not UTF-8"))
}

fn source_type(number: u64) -> Result<SourceType, Malformed> {
    match number {
        0 => Ok(SourceType::Key),
        1 => Ok(SourceType::Seed),
        _ => Err(Malformed("an unknown type of encrypted key")),
    }
}

impl<'a> EncryptedKey<'a> {
    /// A seed that a plugin has just encrypted.
    pub fn of_seed(wrapped: &'a Wrapped) -> EncryptedKey<'a> {
        let annotations = wrapped.annotations.iter();
        EncryptedKey {
            source_type: SourceType::Seed,
            ciphertext: &wrapped.ciphertext,
            key_id: &wrapped.key_id,
            annotations: annotations
                .map(|(key, value)| (key.as_str(), value.as_slice()))
                .collect(),
        }
    }

    /// What the plugin wants to see of it.
    pub fn to_wrapped(&self) -> Wrapped {
        let annotations = self.annotations.iter();
        Wrapped {
            ciphertext: self.ciphertext.to_vec(),
            key_id: self.key_id.to_owned(),
            annotations: annotations
                .map(|(&key, &value)| (key.to_owned(), value.to_vec()))
                .collect(),
        }
    }

    /// What kube-apiserver wants of it.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.ciphertext.is_empty() {
            return Err("the encrypted key is empty");
        }
        if self.ciphertext.len() > MAX_SOURCE {
            return Err("the encrypted key is longer than 1 KiB");
        }
        check_key_id(self.key_id)?;
        let sizes = self.annotations.iter();
        let size: usize = sizes.map(|(key, value)| key.len() + value.len()).sum();
        if size > MAX_ANNOTATIONS {
            return Err("the annotations are longer than 32 KiB");
        }
        match self.annotations.keys().all(|key| is_domain(key)) {
            true => Ok(()),
            false => Err("the key of an annotation is no fully qualified domain name"),
        }
    }

    /// Tells it from others, with all that belongs to it.
    pub fn identity(&self) -> Identity {
        let mut hash = Sha256::new();
        hash.update([u8::from(self.source_type == SourceType::Seed)]);
        let mut part = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(bytes);
        };
        part(self.ciphertext);
        part(self.key_id.as_bytes());
        for (key, value) in &self.annotations {
            part(key.as_bytes());
            part(value);
        }
        hash.finalize().into()
    }

    /// The fields of a stored object after `encryptedData`, for a seed.
    pub fn to_fields(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_bytes(2, self.key_id.as_bytes(), &mut out);
        write_bytes(3, self.ciphertext, &mut out);
        for (key, value) in &self.annotations {
            let mut entry = Vec::new();
            write_bytes(1, key.as_bytes(), &mut entry);
            write_bytes(2, value, &mut entry);
            write_bytes(4, &entry, &mut out);
        }
        out.extend_from_slice(&[5 << 3, 1]);
        out
    }
}

/// What kube-apiserver wants of a key id.
pub(super) fn check_key_id(key_id: &str) -> Result<(), &'static str> {
    match key_id.len() {
        0 => Err("the key id is empty"),
        1..=MAX_KEY_ID => Ok(()),
        _ => Err("the key id is longer than 1 KiB"),
    }
}

/// At least two labels by RFC 1123, in lower case, perhaps with a final dot.
fn is_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= MAX_DOMAIN && name.contains('.') && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends_well = !label.starts_with('-') && !label.ends_with('-');
    (1..=MAX_LABEL).contains(&label.len()) && ends_well && label.bytes().all(inner)
}

/// Appends the tag and the length of `encryptedData`.
pub(super) fn write_data_header(length: usize, out: &mut Vec<u8>) {
    write_header(1, length, out);
}

fn write_bytes(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    write_header(number, bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Tag and length of a field with a number below 16.
fn write_header(number: u8, length: usize, out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    let mut rest = length;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

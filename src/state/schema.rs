//! How the local state looks on disk: column families, keys and encodings.
//!
//! Promises that an encoding is never changed without a new version byte, and
//! that bytes that are not ours are an error. Deliberately does no I/O.

use super::{Checkpoint, LedgerEntry, StateError};
use crate::etcd::SourceRevision;

/// The format of the whole directory.
pub(super) const FORMAT: u32 = 1;

/// Column family: etcd key → [`LedgerEntry`].
pub(super) const LEDGER: &str = "ledger";

/// Column family: the keys below.
pub(super) const META: &str = "meta";

/// In `meta`: [`FORMAT`], big-endian.
pub(super) const FORMAT_KEY: &[u8] = b"format";

/// In `meta`: [`super::Pair`] as JSON.
pub(super) const PAIR_KEY: &[u8] = b"pair";

/// In `meta`: a JSON list of [`super::Checkpoint`].
pub(super) const CHECKPOINTS_KEY: &[u8] = b"checkpoints";

/// In `meta`: a digest as JSON.
pub(super) const ENCRYPTION_KEY: &[u8] = b"encryption";

/// In `meta`: this and a held key; no value.
pub(super) const HELD: &[u8] = b"held/";

/// In `meta`: behind all held keys.
pub(super) const HELD_END: &[u8] = b"held0";

/// First byte of an entry: version 1 is revision (big-endian, 8 bytes), then
/// the rule's name to the end.
const ENTRY_V1: u8 = 1;

pub(super) fn encode_entry(entry: &LedgerEntry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9 + entry.rule.len());
    bytes.push(ENTRY_V1);
    bytes.extend_from_slice(&entry.revision.0.to_be_bytes());
    bytes.extend_from_slice(entry.rule.as_bytes());
    bytes
}

pub(super) fn decode_entry(bytes: &[u8]) -> Result<LedgerEntry, StateError> {
    let damaged = || StateError::Io("a ledger entry is damaged".to_owned());
    let (&version, rest) = bytes.split_first().ok_or_else(damaged)?;
    if version != ENTRY_V1 {
        return Err(StateError::Io(format!(
            "a ledger entry has the unknown version {version}"
        )));
    }
    let (revision, rule) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
    let rule = std::str::from_utf8(rule).map_err(|_| damaged())?;
    Ok(LedgerEntry {
        revision: SourceRevision(i64::from_be_bytes(*revision)),
        rule: rule.to_owned(),
    })
}

pub(super) fn decode_format(bytes: &[u8]) -> Result<u32, StateError> {
    let damaged = |_| StateError::Io("the format number is damaged".to_owned());
    bytes.try_into().map(u32::from_be_bytes).map_err(damaged)
}

pub(super) fn encode_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StateError> {
    serde_json::to_vec(value).map_err(|error| StateError::Io(error.to_string()))
}

pub(super) fn decode_json<T: serde::de::DeserializeOwned>(
    what: &str,
    bytes: &[u8],
) -> Result<T, StateError> {
    serde_json::from_slice(bytes).map_err(|_| StateError::Io(format!("the {what} is damaged")))
}

/// How many checkpoints are kept.
const MAX_CHECKPOINTS: usize = 16;

/// Adds one that is about to be sent; where there are too many, the oldest of
/// those without an answer is forgotten.
pub(super) fn add_checkpoint(all: &mut Vec<Checkpoint>, checkpoint: &Checkpoint) {
    if all.len() >= MAX_CHECKPOINTS {
        all.remove(1);
    }
    all.push(checkpoint.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_entries_are_errors() {
        let entry = LedgerEntry {
            revision: SourceRevision(7),
            rule: "secondary[0]".to_owned(),
        };
        let bytes = encode_entry(&entry);
        assert_eq!(decode_entry(&bytes).unwrap(), entry);
        for end in 0..9 {
            assert!(decode_entry(&bytes[..end]).is_err(), "{end}");
        }
        assert!(decode_entry(&[2, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(decode_entry(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]).is_err());
    }
}

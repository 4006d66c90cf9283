//! How the local state looks on disk: column families, keys and encodings.
//!
//! Promises that an encoding is never changed without a new version byte, and
//! that bytes that are not ours are an error. Deliberately does no I/O.

use std::borrow::Cow;

use super::{Checkpoint, HeldKey, LedgerEntry, StateError};
use crate::etcd::{DestRevision, SourceRevision};
use crate::rules::identity::Identity;
use crate::rules::policy::Policy;

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

/// In `meta`: this and a held key; [`Noted`] as JSON, or nothing where an older
/// carry has noted it.
pub(super) const HELD: &[u8] = b"held/";

/// In `meta`: behind all held keys.
pub(super) const HELD_END: &[u8] = b"held0";

/// In `meta`: this and a kept key; no value.
pub(super) const KEPT: &[u8] = b"kept/";

/// In `meta`: behind all kept keys.
pub(super) const KEPT_END: &[u8] = b"kept0";

/// First byte of an entry: version 1 is revision (big-endian, 8 bytes), then
/// the rule's name to the end. Version 2 is the same of a key that is retired.
/// Versions 3 and 4 are those of a key under a lease, which comes after the
/// revision (big-endian, 8 bytes).
const ENTRY_V1: u8 = 1;
const ENTRY_RETIRED: u8 = 2;
const ENTRY_LEASED: u8 = 3;
const ENTRY_LEASED_RETIRED: u8 = 4;

/// Version 5 has all: flags, revision, lease, the object of an intent or the
/// destination's revision before a delete (big-endian, 8 bytes each), then the
/// rule's name. It is written where none of the shorter ones says enough.
const ENTRY_FULL: u8 = 5;

const FLAG_RETIRED: u8 = 1;
const FLAG_BORROWED: u8 = 2;
const FLAG_INTENT: u8 = 4;
const FLAG_DELETING: u8 = 8;

pub(super) fn encode_entry(entry: &LedgerEntry) -> Vec<u8> {
    if entry.intent.is_some() || entry.borrowed || entry.deleting.is_some() {
        return encode_full(entry);
    }
    let mut bytes = Vec::with_capacity(17 + entry.rule.len());
    bytes.push(match (entry.lease, entry.retired) {
        (0, false) => ENTRY_V1,
        (0, true) => ENTRY_RETIRED,
        (_, false) => ENTRY_LEASED,
        (_, true) => ENTRY_LEASED_RETIRED,
    });
    bytes.extend_from_slice(&entry.revision.0.to_be_bytes());
    if entry.lease != 0 {
        bytes.extend_from_slice(&entry.lease.to_be_bytes());
    }
    bytes.extend_from_slice(entry.rule.as_bytes());
    bytes
}

fn encode_full(entry: &LedgerEntry) -> Vec<u8> {
    let flag = |on: bool, flag: u8| if on { flag } else { 0 };
    let flags = flag(entry.retired, FLAG_RETIRED)
        | flag(entry.borrowed, FLAG_BORROWED)
        | match (entry.intent, entry.deleting) {
            (Some(_), _) => FLAG_INTENT,
            (None, Some(_)) => FLAG_DELETING,
            (None, None) => 0,
        };
    // Only what is ours is deleted, and then there is no intent any more.
    let before = entry.deleting.map(|DestRevision(before)| before);
    let object = entry.intent.map(|Identity(object)| object.to_be_bytes());
    let object = object.unwrap_or(before.unwrap_or(0).to_be_bytes());
    let mut bytes = vec![ENTRY_FULL, flags];
    bytes.extend_from_slice(&entry.revision.0.to_be_bytes());
    bytes.extend_from_slice(&entry.lease.to_be_bytes());
    bytes.extend_from_slice(&object);
    bytes.extend_from_slice(entry.rule.as_bytes());
    bytes
}

/// What comes after the version.
fn decode_full(bytes: &[u8]) -> Option<LedgerEntry> {
    let (&flags, rest) = bytes.split_first()?;
    let (revision, rest) = rest.split_first_chunk::<8>()?;
    let (lease, rest) = rest.split_first_chunk::<8>()?;
    let (object, rule) = rest.split_first_chunk::<8>()?;
    let known = FLAG_RETIRED | FLAG_BORROWED | FLAG_INTENT | FLAG_DELETING;
    let before = DestRevision(i64::from_be_bytes(*object));
    let object = Identity(u64::from_be_bytes(*object));
    (flags & !known == 0).then_some(())?;
    Some(LedgerEntry {
        revision: SourceRevision(i64::from_be_bytes(*revision)),
        rule: std::str::from_utf8(rule).ok()?.to_owned(),
        retired: flags & FLAG_RETIRED != 0,
        lease: i64::from_be_bytes(*lease),
        intent: (flags & FLAG_INTENT != 0).then_some(object),
        borrowed: flags & FLAG_BORROWED != 0,
        deleting: (flags & FLAG_DELETING != 0).then_some(before),
    })
}

pub(super) fn decode_entry(bytes: &[u8]) -> Result<LedgerEntry, StateError> {
    let damaged = || StateError::Io("a ledger entry is damaged".to_owned());
    let (&version, rest) = bytes.split_first().ok_or_else(damaged)?;
    let (retired, leased) = match version {
        ENTRY_V1 => (false, false),
        ENTRY_RETIRED => (true, false),
        ENTRY_LEASED => (false, true),
        ENTRY_LEASED_RETIRED => (true, true),
        ENTRY_FULL => return decode_full(rest).ok_or_else(damaged),
        _ => {
            let text = format!("a ledger entry has the unknown version {version}");
            return Err(StateError::Io(text));
        }
    };
    let (revision, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (lease, rule) = match leased {
        true => {
            let (lease, rule) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
            (i64::from_be_bytes(*lease), rule)
        }
        false => (0, rest),
    };
    let rule = std::str::from_utf8(rule).map_err(|_| damaged())?;
    Ok(LedgerEntry {
        retired,
        lease,
        ..LedgerEntry::new(SourceRevision(i64::from_be_bytes(*revision)), rule)
    })
}

pub(super) fn decode_format(bytes: &[u8]) -> Result<u32, StateError> {
    let damaged = |_| StateError::Io("the format number is damaged".to_owned());
    bytes.try_into().map(u32::from_be_bytes).map_err(damaged)
}

pub(super) fn encode_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StateError> {
    serde_json::to_vec(value).map_err(|error| StateError::Io(error.to_string()))
}

pub(super) fn decode_json<'b, T: serde::Deserialize<'b>>(
    what: &str,
    bytes: &'b [u8],
) -> Result<T, StateError> {
    serde_json::from_slice(bytes).map_err(|_| StateError::Io(format!("the {what} is damaged")))
}

/// Why a key is held.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Noted<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    /// The policy's name.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    left_out: Option<Cow<'a, str>>,
}

pub(super) fn encode_held(held: &HeldKey) -> Result<Vec<u8>, StateError> {
    encode_json(&Noted {
        reason: held.reason.as_deref().map(Cow::Borrowed),
        left_out: held.left_out.map(|policy| policy.name().into()),
    })
}

pub(super) fn decode_held(key: Vec<u8>, bytes: &[u8]) -> Result<HeldKey, StateError> {
    let noted = match bytes {
        [] => Noted {
            reason: None,
            left_out: None,
        },
        bytes => decode_json("note of a held key", bytes)?,
    };
    // A newer carry may have other policies: such a key is held to us.
    let policy = |name: &str| Policy::ALL.into_iter().find(|own| own.name() == name);
    Ok(HeldKey {
        key,
        reason: noted.reason.map(Cow::into_owned),
        left_out: noted.left_out.as_deref().and_then(policy),
    })
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
        let entry = LedgerEntry::new(SourceRevision(7), "secondary[0]");
        let retired = LedgerEntry {
            retired: true,
            ..entry.clone()
        };
        let bytes = encode_entry(&entry);
        assert_eq!(decode_entry(&bytes).unwrap(), entry);
        assert_eq!(decode_entry(&encode_entry(&retired)).unwrap(), retired);
        for end in 0..9 {
            assert!(decode_entry(&bytes[..end]).is_err(), "{end}");
        }
        for entry in [entry.leased(i64::MAX), retired.leased(-2)] {
            let bytes = encode_entry(&entry);
            assert_eq!(decode_entry(&bytes).unwrap(), entry);
            for end in 0..17 {
                assert!(decode_entry(&bytes[..end]).is_err(), "{end}");
            }
        }
        let intent = LedgerEntry {
            intent: Some(Identity(u64::MAX)),
            ..LedgerEntry::new(SourceRevision(0), "r")
        };
        let borrowed = LedgerEntry {
            borrowed: true,
            retired: true,
            ..LedgerEntry::new(SourceRevision(9), "").leased(-4)
        };
        let deleting = LedgerEntry {
            deleting: Some(DestRevision(i64::MAX)),
            ..LedgerEntry::new(SourceRevision(0), "r")
        };
        for entry in [intent, borrowed, deleting] {
            let bytes = encode_entry(&entry);
            assert_eq!(decode_entry(&bytes).unwrap(), entry);
            for end in 0..26 {
                assert!(decode_entry(&bytes[..end]).is_err(), "{end}");
            }
            let mut strange = bytes.clone();
            strange[1] |= 16;
            assert!(decode_entry(&strange).is_err());
        }
        let held = decode_held(b"/k".to_vec(), b"").unwrap();
        assert_eq!((held.reason, held.left_out), (None, None));
        let newer = br#"{"reason": "r", "leftOut": "moons", "since": 4}"#;
        let held = decode_held(b"/k".to_vec(), newer).unwrap();
        assert_eq!((held.reason.as_deref(), held.left_out), (Some("r"), None));
        assert!(decode_held(b"/k".to_vec(), b"{").is_err());
        assert!(decode_entry(&[6, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(decode_entry(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]).is_err());
    }
}

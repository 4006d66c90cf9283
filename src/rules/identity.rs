//! Which object a stored value is, whatever has become of it since.
//!
//! Promises that two values of one Kubernetes object are recognised as such, at
//! whichever side they are stored, and that two objects which merely have one
//! name are told apart: by their uids. Deliberately says nothing of whose they
//! are.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::k8s::crypto::{CryptoError, Keyring};
use crate::k8s::{Field, Path, Record, Step};

use super::decide::Judge;
use super::outgoing::{NOT_KUBERNETES, Unfit};
use super::policy::OnConflict;
use super::rule_set::RuleId;

static UID: LazyLock<Path> = LazyLock::new(|| {
    let steps = ["metadata", "uid"].map(|name| Step::Field(name.into()));
    Path::new(steps.to_vec())
});

/// The Namespaces that a kube-apiserver makes for itself.
const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// Which object a value is. It tells nothing else of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity(pub u64);

impl Identity {
    /// Of something that is told by these bytes.
    pub fn of(kind: &str, bytes: &[u8]) -> Identity {
        let mut hash = Sha256::new();
        hash.update(kind);
        hash.update([0]);
        hash.update(bytes);
        let first = hash.finalize();
        let first = first.iter().take(8);
        Identity(first.fold(0, |id, byte| id << 8 | u64::from(*byte)))
    }
}

/// At which side a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// As the source has it.
    Source,
    /// As the destination has it.
    Destination,
}

impl Judge {
    /// Which object the `value` of `key` is: told by its uid, and where it is
    /// no object, or has none, by all that it holds. `key` is the source's, at
    /// either side. May wait for a KMS plugin.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub fn identity(&self, key: &[u8], value: &[u8], side: Side) -> Result<Identity, Unfit> {
        if self.is_outside_kubernetes(key) {
            return Ok(Identity::of("bytes", value));
        }
        let place = self.place(key);
        let place = place.map_err(|_| Unfit::new(NOT_KUBERNETES.to_owned(), false))?;
        let keyrings = self.keyrings();
        let to_key = self.key_map().to_destination(key);
        let (keyring, at): (&Keyring, &[u8]) = match side {
            Side::Source => (&keyrings.source, key),
            Side::Destination => (&keyrings.destination, &to_key),
        };
        let mut plain = Zeroizing::default();
        let opened = keyring.open(place.group(), place.plural(), at, value, &mut plain);
        let opened = opened?;
        let record = Record::parse(opened.plain).map_err(CryptoError::from)?;
        Ok(match record.get(&UID) {
            Ok(Field::String(uid)) if !uid.is_empty() => Identity::of("uid", uid.as_bytes()),
            _ => Identity::of("object", opened.plain),
        })
    }

    /// What becomes of `key`, which `rule` selects, where the destination has
    /// something of its own there. What every cluster makes for itself stays,
    /// whatever the policy says: all Pods and tokens of that cluster rely on it.
    pub fn on_conflict(&self, rule: Option<RuleId>, key: &[u8]) -> OnConflict {
        match self.policies(rule).on_conflict {
            OnConflict::Keep => OnConflict::Keep,
            _ if self.is_of_every_cluster(key) => OnConflict::Keep,
            other => other,
        }
    }

    /// Whether each cluster has an object of its own under `key`.
    fn is_of_every_cluster(&self, key: &[u8]) -> bool {
        let Ok(place) = self.place(key) else {
            return false;
        };
        match (place.group(), place.plural()) {
            ("", "namespaces") => NAMESPACES.contains(&place.name),
            ("", "serviceaccounts") => place.name == "default",
            _ => false,
        }
    }
}

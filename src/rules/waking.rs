//! An object of the destination that was made to rest, woken: from the stored
//! bytes to those that take their place.
//!
//! Promises bytes that the destination's apiserver can decrypt and decode, with
//! nothing changed but what `workloads` says. Deliberately asks no rules: the
//! object itself tells what its source has.

use crate::k8s::crypto::CryptoError;
use crate::k8s::{Record, Resource, Transfer, TransferBuffers, Transferred};

use super::keyrings::Keyrings;
use super::outgoing::Unfit;
use super::workloads::{Woken, woken};

/// What wakes the object in a value of the destination.
#[derive(Debug)]
pub struct Waking {
    /// The bytes to be written.
    pub value: Vec<u8>,
    /// What that changes, beside the annotation that goes.
    pub fields: Vec<Woken>,
}

/// What wakes the object of `resource` that the destination stores as `value`
/// under `key`; `None` where the mirror of this name has not made it rest. May
/// wait for a KMS plugin.
///
/// # Errors
///
/// Why it cannot be woken: the value cannot be decrypted, decoded, changed or
/// encrypted.
pub fn wake(
    keyrings: &Keyrings,
    mirror: &str,
    resource: &Resource,
    (key, value): (&[u8], &[u8]),
    buffers: &mut TransferBuffers,
) -> Result<Option<Waking>, Unfit> {
    let object = Transfer {
        group: resource.group,
        plural: resource.plural,
        from_key: key,
        to_key: key,
        value,
    };
    let mut fields = Vec::new();
    let edits = |record: &Record<'_>| {
        let found = woken(record, mirror).unwrap_or_default();
        fields = found.0;
        Ok::<_, CryptoError>(found.1)
    };
    let destination = &keyrings.destination;
    match destination.transfer_with(destination, object, edits, buffers) {
        Ok(Transferred::Sealed { value, .. }) => {
            let value = value.to_vec();
            Ok(Some(Waking { value, fields }))
        }
        Ok(Transferred::AsItIs) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

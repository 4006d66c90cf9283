//! The last look at a value before it is written: encrypted as the
//! destination's apiserver expects it, under the destination's key, and fit to
//! be read there.
//!
//! Promises that nothing leaves that an apiserver at the destination could not
//! decrypt and decode. Deliberately chooses no keys to write: `decide` does.

use zeroize::Zeroizing;

use crate::k8s::crypto::Provider;
use crate::k8s::{Transfer, TransferBuffers, Transferred};

use super::decide::Judge;
use super::keyrings::Keyrings;

/// Working memory that is reused from value to value; wiped when dropped.
#[derive(Default)]
pub struct OutgoingScratch {
    buffers: TransferBuffers,
    here: Zeroizing<Vec<u8>>,
    away: Zeroizing<Vec<u8>>,
}

/// Why a value must not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// For people; never holds values.
    pub reason: String,
    /// Whether it may pass by itself: a KMS plugin did not answer.
    pub transient: bool,
}

impl Judge {
    /// What is to be written at the destination for the `value` that the
    /// source has under `key`. May wait for a KMS plugin.
    ///
    /// # Errors
    ///
    /// Why nothing must be written: the value cannot be decrypted, decoded or
    /// encrypted.
    pub fn outgoing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Transferred<'b>, Unfit> {
        self.transfer(&self.keyrings(), key, value, &mut scratch.buffers)
    }

    fn transfer<'b>(
        &self,
        keyrings: &Keyrings,
        key: &[u8],
        value: &[u8],
        buffers: &'b mut TransferBuffers,
    ) -> Result<Transferred<'b>, Unfit> {
        // Only Kubernetes encrypts, and moves, what it stores.
        if self.is_outside_kubernetes(key) {
            return Ok(Transferred::AsItIs);
        }
        let Ok(place) = self.place(key) else {
            return Err(Unfit {
                reason: NOT_KUBERNETES.to_owned(),
                transient: false,
            });
        };
        let object = Transfer {
            group: place.group(),
            plural: place.plural(),
            from_key: key,
            to_key: &self.key_map().to_destination(key),
            value,
        };
        let transferred = keyrings
            .source
            .transfer(&keyrings.destination, object, buffers);
        transferred.map_err(|error| Unfit {
            reason: error.to_string(),
            transient: error.is_transient(),
        })
    }

    /// Whether the destination, which has `there`, needs no write for the
    /// `value` that the source has under `key`: it has these very bytes, or
    /// where they would be encrypted anew, the same plain text encrypted no
    /// weaker than it would be written. May wait for a KMS plugin.
    pub fn is_there(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        scratch: &mut OutgoingScratch,
    ) -> bool {
        let keyrings = self.keyrings();
        let wanted = match self.transfer(&keyrings, key, value, &mut scratch.buffers) {
            // It is left to the write to say what is wrong.
            Err(_) => return false,
            Ok(Transferred::AsItIs) => return value == there,
            Ok(Transferred::Sealed { provider, .. }) => provider,
        };
        let Ok(place) = self.place(key) else {
            return false;
        };
        let OutgoingScratch { here, away, .. } = scratch;
        let to_key = self.key_map().to_destination(key);
        let Keyrings {
            source,
            destination,
            ..
        } = &*keyrings;
        let here = source.open(place.group(), place.plural(), key, value, here);
        let away = destination.open(place.group(), place.plural(), &to_key, there, away);
        match (here, away) {
            (Ok(here), Ok(away)) => {
                here.plain == away.plain && is_no_weaker(&away.provider, &wanted)
            }
            _ => false,
        }
    }

    /// How the destination's value for the source's `key` is encrypted.
    ///
    /// # Errors
    ///
    /// Why the destination's apiserver cannot decrypt it.
    pub fn encryption_there(&self, key: &[u8], there: &[u8]) -> Result<Provider, String> {
        if self.is_outside_kubernetes(key) {
            return Ok(Provider::Identity);
        }
        let place = self.place(key).map_err(|_| NOT_KUBERNETES.to_owned())?;
        let to_key = self.key_map().to_destination(key);
        let (keyrings, mut plain) = (self.keyrings(), Zeroizing::default());
        let destination = &keyrings.destination;
        let opened = destination.open(place.group(), place.plural(), &to_key, there, &mut plain);
        let provider = opened.map(|opened| opened.provider);
        provider.map_err(|error| error.to_string())
    }

    /// Tells the destination's encryption configuration from others.
    pub fn encryption_digest(&self) -> String {
        self.keyrings().destination_digest.clone()
    }

    /// Whether a look at a value may wait for a KMS plugin.
    pub fn may_block(&self) -> bool {
        self.keyrings().asks_plugins
    }
}

const NOT_KUBERNETES: &str = "the key is not one of Kubernetes' keys";

fn is_no_weaker(there: &Provider, wanted: &Provider) -> bool {
    there == wanted || *there != Provider::Identity
}

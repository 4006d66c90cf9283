//! The last look at a value before it is written: encrypted as the
//! destination's apiserver expects it, under the destination's key, and fit to
//! be read there.
//!
//! Promises that nothing leaves that an apiserver at the destination could not
//! decrypt and decode. Deliberately chooses no keys to write: `decide` does.

use zeroize::Zeroizing;

use crate::k8s::crypto::Provider;
use crate::k8s::{Record, Transfer, TransferBuffers, Transferred, rewrite};

use super::decide::Judge;
use super::keyrings::Keyrings;
use super::plan::Plan;
use super::policy::Policies;
use super::rewriting::rewritings as rewritings_of;
use super::rule_set::RuleId;

pub use super::rewriting::Rewriting;

/// Working memory that is reused from value to value; wiped when dropped.
#[derive(Default)]
pub struct OutgoingScratch {
    buffers: TransferBuffers,
    here: Zeroizing<Vec<u8>>,
    away: Zeroizing<Vec<u8>>,
}

/// What is to be written.
#[derive(Debug)]
pub struct Outgoing<'b> {
    /// The bytes.
    pub value: Transferred<'b>,
    /// The fields that policies have changed in it.
    pub rewritings: Vec<Rewriting>,
}

/// Nothing is changed in it.
impl<'b> From<Transferred<'b>> for Outgoing<'b> {
    fn from(value: Transferred<'b>) -> Outgoing<'b> {
        Outgoing {
            value,
            rewritings: Vec::new(),
        }
    }
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
    /// source has under `key`, which `rule` selects. May wait for a KMS plugin.
    ///
    /// # Errors
    ///
    /// Why nothing must be written: the value cannot be decrypted, decoded or
    /// encrypted.
    pub fn outgoing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        rule: Option<RuleId>,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Outgoing<'b>, Unfit> {
        self.transfer(&self.keyrings(), (key, value), rule, &mut scratch.buffers)
    }

    fn transfer<'b>(
        &self,
        keyrings: &Keyrings,
        (key, value): (&[u8], &[u8]),
        rule: Option<RuleId>,
        buffers: &'b mut TransferBuffers,
    ) -> Result<Outgoing<'b>, Unfit> {
        let mut rewritings = Vec::new();
        // Only Kubernetes encrypts, and moves, what it stores.
        if self.is_outside_kubernetes(key) {
            return Ok(Transferred::AsItIs.into());
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
        let edits = |record: &Record<'_>| {
            rewritings = rewritings_of(record, self.policies(rule));
            let edits = rewritings.iter();
            edits
                .map(|own| (own.path.clone(), own.edit.clone()))
                .collect()
        };
        let transferred =
            keyrings
                .source
                .transfer_with(&keyrings.destination, object, edits, buffers);
        match transferred {
            Ok(value) => Ok(Outgoing { value, rewritings }),
            Err(error) => Err(Unfit {
                reason: error.to_string(),
                transient: error.is_transient(),
            }),
        }
    }

    /// Those of a rule; of none those that every rule has by default.
    fn policies(&self, rule: Option<RuleId>) -> Policies {
        let rule = rule.and_then(|rule| self.plan().rules().get(rule.0 as usize));
        rule.map_or_else(Policies::default, |rule| rule.policies)
    }

    /// Whether the destination, which has `there`, needs no write for the
    /// `value` that the source has under `key` and `rule` selects: it has these
    /// very bytes, or where others would be written, the same plain text
    /// encrypted no weaker than it would be written. May wait for a KMS plugin.
    pub fn is_there(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: Option<RuleId>,
        scratch: &mut OutgoingScratch,
    ) -> bool {
        let keyrings = self.keyrings();
        let outgoing = self.transfer(&keyrings, (key, value), rule, &mut scratch.buffers);
        let (wanted, rewritings) = match outgoing {
            // It is left to the write to say what is wrong.
            Err(_) => return false,
            Ok(outgoing) => match outgoing.value {
                Transferred::AsItIs => return value == there,
                Transferred::Sealed { provider, .. } => (provider, outgoing.rewritings),
            },
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
                let edits: Vec<_> = rewritings
                    .into_iter()
                    .map(|own| (own.path, own.edit))
                    .collect();
                let here = rewrite(here.plain, &edits);
                here.is_ok_and(|here| **here == *away.plain)
                    && is_no_weaker(&away.provider, &wanted)
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

    /// Tells how values are written at the destination from other ways: its
    /// encryption configuration, and what policies change.
    pub fn encryption_digest(&self) -> String {
        let encryption = &self.keyrings().destination_digest;
        format!("{encryption} {}", Plan::rewriting())
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

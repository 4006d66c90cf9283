//! The last look at a value before it is written: encrypted as the
//! destination's apiserver expects it, under the destination's key, and fit to
//! be read there.
//!
//! Promises that nothing leaves that an apiserver at the destination could not
//! decrypt and decode. Deliberately chooses no keys to write: `decide` does.

use zeroize::Zeroizing;

use crate::k8s::crypto::{CryptoError, Provider};
use crate::k8s::services::staying;
use crate::k8s::{Key, Record, Transfer, TransferBuffers, Transferred, rewrite};

use super::as_there::AsThere;
use super::decide::Judge;
use super::keyrings::Keyrings;
use super::own_kind;
use super::policy::{Policies, Policy};
use super::rewriting::rewritings as rewritings_of;
use super::rule_set::RuleId;

pub use super::rewriting::Rewriting;

/// Working memory that is reused from value to value; wiped when dropped.
#[derive(Default)]
pub struct OutgoingScratch {
    pub(super) buffers: TransferBuffers,
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
    /// The key of the destination that it waits for, in the source's key
    /// space: once that has been written, it may pass.
    pub awaits: Option<Vec<u8>>,
    /// The policy that has it wait.
    pub policy: Option<Policy>,
}

impl From<CryptoError> for Unfit {
    fn from(error: CryptoError) -> Unfit {
        Unfit::new(error.to_string(), error.is_transient())
    }
}

impl Unfit {
    /// What waits for no key.
    pub fn new(reason: String, transient: bool) -> Unfit {
        Unfit {
            reason,
            transient,
            awaits: None,
            policy: None,
        }
    }

    /// The same, because of this policy.
    #[must_use]
    pub fn by(mut self, policy: Policy) -> Unfit {
        self.policy = Some(policy);
        self
    }
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
        let buffers = &mut scratch.buffers;
        self.transfer(&self.keyrings(), (key, value), rule, nothing_more, buffers)
    }

    /// The same, with what stays of a Service that the destination has.
    ///
    /// # Errors
    ///
    /// As [`Judge::outgoing`].
    pub fn outgoing_over<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: RuleId,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Outgoing<'b>, Unfit> {
        let (keyrings, rule) = (self.keyrings(), Some(rule));
        let staying = self.staying(&keyrings, (key, value), there, rule);
        let more = |_: &Key<'_>, _: &Record<'_>| Ok(staying);
        self.transfer(&keyrings, (key, value), rule, more, &mut scratch.buffers)
    }

    /// [`Judge::outgoing`] with what `more` changes, after what policies change
    /// of themselves, unless that refuses the value.
    pub(super) fn transfer<'b, E: From<CryptoError> + From<Unfit>>(
        &self,
        keyrings: &Keyrings,
        (key, value): (&[u8], &[u8]),
        rule: Option<RuleId>,
        more: impl FnOnce(&Key<'_>, &Record<'_>) -> Result<Vec<Rewriting>, E>,
        buffers: &'b mut TransferBuffers,
    ) -> Result<Outgoing<'b>, E> {
        let mut rewritings = Vec::new();
        // Only Kubernetes encrypts, and moves, what it stores.
        if self.is_outside_kubernetes(key) {
            return Ok(Transferred::AsItIs.into());
        }
        let Ok(place) = self.place(key) else {
            return Err(Unfit::new(NOT_KUBERNETES.to_owned(), false).into());
        };
        let object = Transfer {
            group: place.group(),
            plural: place.plural(),
            from_key: key,
            to_key: &self.key_map().to_destination(key),
            value,
        };
        let edits = |record: &Record<'_>| {
            if let Some(reason) = own_kind::mismatch(&place, record) {
                return Err(Unfit::new(reason, false).into());
            }
            rewritings = rewritings_of(record, self.policies(rule), self.mirror());
            rewritings.extend(more(&place, record)?);
            let edits = rewritings.iter();
            Ok(edits
                .map(|own| (own.path.clone(), own.edit.clone()))
                .collect())
        };
        let destination = &keyrings.destination;
        let value = keyrings
            .source
            .transfer_with::<E>(destination, object, edits, buffers)?;
        Ok(Outgoing { value, rewritings })
    }

    /// Those of a rule; of none those that every rule has by default.
    pub(super) fn policies(&self, rule: Option<RuleId>) -> Policies {
        let rule = rule.and_then(|rule| self.plan().rules().get(rule.0 as usize));
        rule.map_or_else(Policies::default, |rule| rule.policies)
    }

    /// Whether the destination, which has `there`, needs no write for the
    /// `value` that the source has under `key` and `rule` selects: it has these
    /// very bytes, or where others would be written, the same plain text
    /// encrypted no weaker than it would be written. Of a
    /// CustomResourceDefinition what is the destination's own does not count,
    /// nor do references to owners that the destination's lacks where `rule`
    /// takes such away, and of a Service whose addresses are the destination's
    /// affair those count that it has there. May wait for a KMS plugin.
    pub fn is_there(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: Option<RuleId>,
        scratch: &mut OutgoingScratch,
    ) -> bool {
        // Nothing is changed in it.
        if self.is_outside_kubernetes(key) {
            return value == there;
        }
        let keyrings = self.keyrings();
        let buffers = &mut scratch.buffers;
        let outgoing = self.transfer(&keyrings, (key, value), rule, nothing_more, buffers);
        // It is left to the write to say what is wrong.
        let (Ok::<_, Unfit>(outgoing), Ok(place)) = (outgoing, self.place(key)) else {
            return false;
        };
        let as_there = AsThere::of(&place, self.policies(rule));
        let reallocates = self.reallocates(&place, rule);
        let to_the_byte = as_there == AsThere::Whole && !reallocates;
        let wanted = match outgoing.value {
            Transferred::AsItIs if value == there && !reallocates => return true,
            Transferred::AsItIs if to_the_byte => return false,
            Transferred::AsItIs => None,
            Transferred::Sealed { provider, .. } => Some(provider),
        };
        let edits = outgoing.rewritings.into_iter();
        let mut edits: Vec<_> = edits.map(|own| (own.path, own.edit)).collect();
        let OutgoingScratch { here, away, .. } = scratch;
        let to_key = self.key_map().to_destination(key);
        let Keyrings {
            source,
            destination,
            ..
        } = &*keyrings;
        let here = source.open(place.group(), place.plural(), key, value, here);
        let away = destination.open(place.group(), place.plural(), &to_key, there, away);
        let (Ok(here), Ok(away)) = (here, away) else {
            return false;
        };
        if reallocates {
            match staying(here.plain, away.plain) {
                Ok(staying) if staying.is_enough => edits.extend(staying.edits),
                _ => return false,
            }
        }
        let same =
            rewrite(here.plain, &edits).is_ok_and(|wanted| as_there.is_there(&wanted, away.plain));
        same && is_no_weaker(&away.provider, &wanted.unwrap_or(here.provider))
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
        format!("{encryption} {}", self.plan().rewriting())
    }

    /// Whether a look at a value may wait for a KMS plugin.
    pub fn may_block(&self) -> bool {
        self.keyrings().asks_plugins
    }
}

/// Without a look at the destination nothing more is changed.
fn nothing_more<E>(_: &Key<'_>, _: &Record<'_>) -> Result<Vec<Rewriting>, E> {
    Ok(Vec::new())
}

pub(super) const NOT_KUBERNETES: &str = "the key is not one of Kubernetes' keys";

fn is_no_weaker(there: &Provider, wanted: &Provider) -> bool {
    there == wanted || *there != Provider::Identity
}

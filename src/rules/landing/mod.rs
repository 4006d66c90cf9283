//! The last look at a value, for a destination that has what it has: owners,
//! CustomResourceDefinitions, what a kube-apiserver there can read, and the
//! addresses of Services.
//!
//! Promises that what is said of a value is said of the destination as it was
//! seen, with what must still be so when the value is written; and that an
//! object without owners that is neither a custom resource, nor a definition of
//! one, nor a Service asks for no look. Deliberately looks at nothing itself: whoever writes
//! looks, and asks again.

mod addresses;
mod along;
mod apis;
mod crds;
mod custom;
mod defining;
mod depends;
mod lot;
mod owners;
mod services;
mod standing;
mod tokens;

use std::sync::Arc;

use hashbrown::HashMap;

pub use addresses::{Addresses, Wanted};
pub use along::{Along, Also};
pub use apis::ApiTable;
pub use crds::{CrdTable, Definition};
pub use defining::StoredObjects;
pub use lot::fix_lots;
pub use services::Leaving;

use super::as_there::is_definition;
use super::decide::{Judge, KeyRange};
use super::keyrings::Keyrings;
use super::outgoing::{Outgoing, OutgoingScratch, Rewriting, Unfit};
use super::policy::{Policies, Policy};
use super::rule_set::RuleId;
use crate::k8s::crypto::CryptoError;
use crate::k8s::{Key, KeyResource, Record};

/// What was seen of the destination. Its keys are the source's: a destination
/// that has them under another prefix is looked at through that prefix.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    keys: HashMap<Vec<u8>, Option<There>>,
    crds: Option<Arc<CrdTable>>,
    /// Whether the table is as new as what else was seen.
    crds_are_fresh: bool,
    objects: HashMap<Vec<u8>, StoredObjects>,
    apis: Option<Arc<ApiTable>>,
    addresses: Option<Arc<Addresses>>,
    /// Whether a kube-apiserver serves from the destination.
    pub live: bool,
    /// Whether what is not there may be about to come: then it is waited for,
    /// whatever the policies say.
    pub early: bool,
}

/// What a key of the destination holds.
#[derive(Clone, PartialEq, Eq)]
pub struct There {
    /// As it is stored: it may be encrypted.
    pub value: Vec<u8>,
    /// The revision that created it.
    pub create_revision: i64,
    /// The revision that changed it last.
    pub mod_revision: i64,
}

/// Never shows the value: it may be of a Secret.
impl std::fmt::Debug for There {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("There")
            .field("bytes", &self.value.len())
            .field("create_revision", &self.create_revision)
            .field("mod_revision", &self.mod_revision)
            .finish()
    }
}

impl Seen {
    /// Under `key` the destination has this, or nothing.
    pub fn set(&mut self, key: Vec<u8>, there: Option<There>) {
        self.keys.insert(key, there);
    }

    /// What the destination has under `key`; `None` where nobody has looked.
    pub fn get(&self, key: &[u8]) -> Option<Option<&There>> {
        self.keys.get(key).map(Option::as_ref)
    }

    /// The destination's definitions. A table that is not fresh, of an earlier
    /// look, saves looks and costs no safety: what it has must still be so when
    /// something is written, and what it lacks is looked for again. What was
    /// seen of a definition's key itself counts more than the table.
    pub fn set_crds(&mut self, crds: Arc<CrdTable>, fresh: bool) {
        self.crds = Some(crds);
        self.crds_are_fresh = fresh;
    }

    /// The destination's definitions, where somebody has looked.
    pub fn crds(&self) -> Option<&Arc<CrdTable>> {
        self.crds.as_ref()
    }

    /// What the destination's kube-apiserver serves ([`Judge::api_table`]).
    /// Never asked for: where nobody has looked, nothing is held for it.
    pub fn set_apis(&mut self, apis: Arc<ApiTable>) {
        self.apis = Some(apis);
    }

    /// With what `other` knows of what is served.
    #[must_use]
    pub fn with_apis_of(mut self, other: &Seen) -> Seen {
        self.apis.clone_from(&other.apis);
        self
    }

    /// The destination has these objects of the definition under `key`
    /// ([`Obstacle::LookAtObjects`]).
    pub fn set_objects(&mut self, key: Vec<u8>, objects: StoredObjects) {
        self.objects.insert(key, objects);
    }

    /// What the destination has of addresses. It may be of an earlier look: what
    /// it has must still be so when something is written.
    pub fn set_addresses(&mut self, addresses: Option<Arc<Addresses>>) {
        self.addresses = addresses;
    }

    /// What the destination has of addresses, where somebody has looked.
    pub fn addresses(&self) -> Option<&Addresses> {
        self.addresses.as_deref()
    }
}

/// Why a value cannot be written now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// These keys of the destination have to be looked at first; then ask
    /// again.
    Look(Vec<Vec<u8>>),
    /// The destination's CustomResourceDefinitions have to be listed first, to
    /// make a table of them ([`Judge::crd_table`]) that is set as fresh; then
    /// ask again.
    LookAtCrds,
    /// The definition under `key` loses versions that the destination may have
    /// objects of: all that it has in `range` has to be looked at first
    /// ([`Judge::add_stored`]); then ask again.
    LookAtObjects {
        /// The definition's key.
        key: Vec<u8>,
        /// Where its objects are.
        range: KeyRange,
    },
    /// What the destination has in [`Judge::address_ranges`] has to be listed
    /// first ([`Judge::addresses`]); then ask again.
    LookAtAddresses,
    /// Not as things are: held.
    Unfit(Unfit),
    /// By a policy it is not written, and nothing is wrong; why, where that may
    /// change with what the destination has. That names the policy
    /// ([`Unfit::policy`]) once what is not there is not about to come either.
    Skip(Policy, Option<Unfit>),
}

impl From<CryptoError> for Obstacle {
    fn from(error: CryptoError) -> Obstacle {
        Obstacle::Unfit(error.into())
    }
}

impl From<Unfit> for Obstacle {
    fn from(unfit: Unfit) -> Obstacle {
        Obstacle::Unfit(unfit)
    }
}

/// A value that can be written.
#[derive(Debug)]
pub struct Landing<'b> {
    /// What is to be written.
    pub outgoing: Outgoing<'b>,
    /// What must still be so when it is written; where something is not, look
    /// again and ask again.
    pub guards: Vec<Guard>,
    /// What else is written in the same transaction.
    pub along: Option<Box<Along>>,
}

/// Something that must be so at the destination. Its keys are the source's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// There is nothing under the key.
    Absent(Vec<u8>),
    /// The key holds what it held.
    Unchanged {
        /// The key.
        key: Vec<u8>,
        /// The revision that changed it last.
        mod_revision: i64,
    },
    /// The key has not been deleted since; it may have been changed. For
    /// owners, which are changed often.
    Lives {
        /// The key.
        key: Vec<u8>,
        /// The revision that created it.
        create_revision: i64,
    },
    /// Nothing that the range holds was written after this revision; what it
    /// held may be gone.
    NoneNewer {
        /// The keys.
        range: KeyRange,
        /// The revision.
        revision: i64,
    },
}

impl Guard {
    /// The key that it is about, if it is about one.
    pub fn key(&self) -> Option<&[u8]> {
        match self {
            Guard::Absent(key) | Guard::Unchanged { key, .. } | Guard::Lives { key, .. } => {
                Some(key)
            }
            Guard::NoneNewer { .. } => None,
        }
    }
}

impl Judge {
    /// [`Judge::outgoing`], for a destination of which `seen` is known. May
    /// wait for a KMS plugin.
    ///
    /// # Errors
    ///
    /// What has to be looked at first, or why nothing must be written.
    pub fn landing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        rule: Option<RuleId>,
        seen: &Seen,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Landing<'b>, Obstacle> {
        let keyrings = self.keyrings();
        let planned = self.service(&keyrings, (key, value), rule, seen)?;
        let (service, mut guards, along) = match planned {
            Some(planned) => (planned.rewritings, planned.guards, Some(planned.along)),
            None => (Vec::new(), Vec::new(), None),
        };
        let more = |place: &Key<'_>, record: &Record<'_>| {
            let case = Case {
                judge: self,
                keyrings: &keyrings,
                seen,
                key,
                place,
                policies: self.policies(rule),
            };
            let mut rewritings = case.rewritings(record, &mut guards)?;
            rewritings.extend(service);
            Ok(rewritings)
        };
        let buffers = &mut scratch.buffers;
        let outgoing = self.transfer::<Obstacle>(&keyrings, (key, value), rule, more, buffers)?;
        Ok(Landing {
            outgoing,
            guards,
            along,
        })
    }
}

/// One value, and all that is known where it is to land.
struct Case<'c> {
    judge: &'c Judge,
    keyrings: &'c Keyrings,
    seen: &'c Seen,
    key: &'c [u8],
    place: &'c Key<'c>,
    policies: Policies,
}

impl Case<'_> {
    /// What has to change in it, for a destination that stays as `guards` say.
    fn rewritings(
        &self,
        record: &Record<'_>,
        guards: &mut Vec<Guard>,
    ) -> Result<Vec<Rewriting>, Obstacle> {
        self.is_served(record)?;
        if let KeyResource::Custom { group, plural } = self.place.resource {
            self.is_defined(record, group, plural, guards)?;
        }
        let mut rewritings = match is_definition(self.place) {
            true => self.define(record, guards)?,
            false => Vec::new(),
        };
        rewritings.extend(self.owned(record, guards)?);
        self.accounted(record, guards)?;
        Ok(rewritings)
    }

    /// The same, of what waits for a definition, or is one that waits.
    fn awaits_definition(&self, key: &[u8], reason: String) -> Obstacle {
        match self.awaits(key, reason) {
            Obstacle::Unfit(unfit) => unfit.by(Policy::Definitions).into(),
            other => other,
        }
    }

    /// Of what a policy leaves out for what the destination lacks.
    fn left_out(&self, policy: Policy, unfit: Unfit) -> Obstacle {
        // That may be mirrored, and only come later.
        let unfit = match self.seen.early {
            true => unfit,
            false => unfit.by(policy),
        };
        Obstacle::Skip(policy, Some(unfit))
    }

    /// Of what waits until the destination has something else under `key`.
    fn awaits(&self, key: &[u8], reason: String) -> Obstacle {
        Obstacle::Unfit(Unfit {
            awaits: Some(key.to_vec()),
            ..Unfit::new(reason, true)
        })
    }
}

/// A plain value of the destination, in the hands of `with`.
fn opened<T>(
    judge: &Judge,
    keyrings: &Keyrings,
    key: &[u8],
    value: &[u8],
    with: impl FnOnce(&Record<'_>) -> Result<T, CryptoError>,
) -> Result<T, CryptoError> {
    let mut plain = zeroize::Zeroizing::default();
    let place = judge.place(key);
    let (group, plural) = place.map_or(("", ""), |place| (place.group(), place.plural()));
    let to_key = judge.key_map().to_destination(key);
    let destination = &keyrings.destination;
    let opened = destination.open(group, plural, &to_key, value, &mut plain)?;
    with(&Record::parse(opened.plain)?)
}

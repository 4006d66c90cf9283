//! Services at a destination that has addresses of its own: which of them a
//! Service gets, and what is written with it so that the kube-apiservers there
//! respect it.
//!
//! Promises that whatever a Service takes or gives up is in one transaction
//! with it, whichever policy it was written under before, which only applies
//! while what it relies on is so. Deliberately
//! chooses no address itself (`k8s::services` does), and leaves addresses as
//! they are where the destination has stored no ranges yet: nothing could be
//! known of them.

use zeroize::Zeroizing;

use super::addresses::{Addresses, Wanted};
use super::along::{Along, Also};
use super::lot::Lot;
use super::{Guard, Obstacle, Seen};
use crate::k8s::services::{self as planner, Outcome, PutOf, Service, ServiceName};
use crate::k8s::services::{Transaction, Unplanned};
use crate::k8s::{Edit, Key, KeyResource, Path};
use crate::rules::decide::Judge;
use crate::rules::keyrings::Keyrings;
use crate::rules::outgoing::{Rewriting, Unfit};
use crate::rules::policy::{Policy, Services};
use crate::rules::rule_set::RuleId;

/// How something is deleted.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// What must still be so when it is.
    pub guards: Vec<Guard>,
    /// What else is written in the same transaction.
    pub along: Option<Box<Along>>,
}

/// How a Service is written.
pub(super) struct Planned {
    pub rewritings: Vec<Rewriting>,
    pub guards: Vec<Guard>,
    pub along: Box<Along>,
}

impl Judge {
    /// Whether `key` is a Service's, which may take something at the destination,
    /// or give up what it has there from another policy: it is written, and
    /// deleted, in a transaction of its own, one
    /// after the other.
    pub fn goes_alone(&self, key: &[u8]) -> bool {
        self.service_name(key).is_some()
    }

    /// Whether the addresses of a Service that `rule` selects are the
    /// destination's affair.
    pub(in crate::rules) fn reallocates(&self, place: &Key<'_>, rule: Option<RuleId>) -> bool {
        is_service(place) && self.policies(rule).services == Services::Reallocate
    }

    /// Whether the addresses or node ports that the Service under `key` has at
    /// the source, if it is one, may be others at the destination.
    pub fn gives_addresses(&self, key: &[u8], value: &[u8], rule: RuleId) -> bool {
        let is_asked = |place: &Key<'_>| self.reallocates(place, Some(rule));
        if !self.place(key).is_ok_and(|place| is_asked(&place)) {
            return false;
        }
        let (keyrings, mut plain) = (self.keyrings(), Zeroizing::default());
        let opened = keyrings.source.open("", PLURAL, key, value, &mut plain);
        let service = opened.ok().and_then(|own| Service::read(own.plain).ok());
        service.is_some_and(|own| !own.assigned().is_empty() || !own.node_ports().is_empty())
    }

    /// What changes in a Service because the destination has it already; nothing
    /// in anything else, nor in what cannot be read.
    pub(in crate::rules) fn staying(
        &self,
        keyrings: &Keyrings,
        (key, value): (&[u8], &[u8]),
        there: &[u8],
        rule: Option<RuleId>,
    ) -> Vec<Rewriting> {
        let is_asked = |place: Key<'_>| self.reallocates(&place, rule);
        if !self.place(key).is_ok_and(is_asked) {
            return Vec::new();
        }
        let (mut here, mut away) = (Zeroizing::default(), Zeroizing::default());
        let here = keyrings.source.open("", PLURAL, key, value, &mut here);
        let away = self.opened_there(keyrings, key, there, &mut away);
        let (Ok(here), Ok(away)) = (here, away) else {
            return Vec::new();
        };
        let staying = planner::staying(here.plain, away);
        let edits = staying.map(|own| own.edits).unwrap_or_default();
        rewritings(edits)
    }

    /// What becomes of the addresses of a Service; `None` of anything else, and
    /// where they stay as they are.
    pub(super) fn service(
        &self,
        keyrings: &Keyrings,
        (key, value): (&[u8], &[u8]),
        rule: Option<RuleId>,
        seen: &Seen,
    ) -> Result<Option<Planned>, Obstacle> {
        let Some(name) = self.service_name(key) else {
            return Ok(None);
        };
        let policy = match self.policies(rule).services {
            Services::Reallocate => planner::Policy::Reallocate,
            // Those without addresses need none.
            Services::Keep | Services::HeadlessOnly => planner::Policy::Keep,
            Services::Skip => return Ok(None),
        };
        let addresses = seen.addresses().ok_or(Obstacle::LookAtAddresses)?;
        let there = seen.get(key);
        // Also where nothing is given: what is there already is not written again.
        let there = there.ok_or_else(|| Obstacle::Look(vec![key.to_vec()]))?;
        if !addresses.has_ranges() {
            return Ok(None);
        }
        let (mut here, mut away) = (Zeroizing::default(), Zeroizing::default());
        let here = keyrings.source.open("", PLURAL, key, value, &mut here)?;
        let away = match there {
            Some(there) => Some(planner::There {
                value: self
                    .opened_there(keyrings, key, &there.value, &mut away)
                    .map_err(|why| unreadable_there(&why))?,
                mod_revision: there.mod_revision,
            }),
            None => None,
        };
        let request = planner::Request {
            policy,
            name: &name,
            source: here.plain,
            there: away,
        };
        let outcome = match drawn(request, addresses) {
            // What stands in the way of giving something back is no reason to
            // hold what takes nothing.
            Err(_) if policy == planner::Policy::Keep => return Ok(None),
            outcome => outcome?,
        };
        let Outcome::Write(plan) = outcome else {
            return Ok(None);
        };
        let is_settled = is_settled(&plan, request);
        let planner::Plan {
            edits,
            transaction,
            addresses,
            ..
        } = *plan;
        Ok(Some(Planned {
            rewritings: rewritings(edits),
            guards: guards(&transaction),
            along: Box::new(Along {
                also: self.also(keyrings, &transaction)?,
                addresses,
                is_settled,
                transaction,
            }),
        }))
    }

    /// How `key` is deleted at a destination of which `seen` is known. May wait
    /// for a KMS plugin.
    ///
    /// # Errors
    ///
    /// What has to be looked at first.
    pub fn leaving(&self, key: &[u8], seen: &Seen) -> Result<Leaving, Obstacle> {
        let Some(name) = self.service_name(key) else {
            return Ok(Leaving::default());
        };
        let addresses = seen.addresses().ok_or(Obstacle::LookAtAddresses)?;
        if !addresses.has_ranges() {
            return Ok(Leaving::default());
        }
        let there = seen.get(key);
        let there = there.ok_or_else(|| Obstacle::Look(vec![key.to_vec()]))?;
        let (keyrings, mut plain) = (self.keyrings(), Zeroizing::default());
        let there = there.map(|there| {
            let opened = self.opened_there(&keyrings, key, &there.value, &mut plain);
            planner::There {
                value: opened.unwrap_or_default(),
                mod_revision: there.mod_revision,
            }
        });
        // What stands in the way of giving something back is no reason to keep
        // the Service.
        let Ok(mut transaction) = planner::deletion(&name, there, &addresses.world) else {
            return Ok(Leaving::default());
        };
        transaction.deletes.retain(|own| own != key);
        let Ok(also) = self.also(&keyrings, &transaction) else {
            return Ok(Leaving::default());
        };
        let guards = guards(&transaction);
        transaction.deletes.push(key.to_vec());
        Ok(Leaving {
            guards,
            along: Some(Box::new(Along {
                also,
                addresses: Vec::new(),
                is_settled: false,
                transaction,
            })),
        })
    }

    /// What a transaction writes besides the Service, as the destination stores
    /// it.
    fn also(&self, keyrings: &Keyrings, transaction: &Transaction) -> Result<Vec<Also>, Unfit> {
        let mut also = Vec::new();
        let besides = |put: &&planner::Put| put.of != PutOf::Service;
        for put in transaction.puts.iter().filter(besides) {
            let value = match put.of.resource() {
                Some(resource) => self.sealed_there(keyrings, resource, &put.key, &put.value)?,
                None => put.value.to_vec(),
            };
            let key = put.key.clone();
            also.push(Also {
                key,
                value: Some(value),
            });
        }
        also.extend(transaction.deletes.iter().map(|key| Also {
            key: key.clone(),
            value: None,
        }));
        Ok(also)
    }

    /// As the destination stores it, and read back from exactly those bytes.
    fn sealed_there(
        &self,
        keyrings: &Keyrings,
        (group, plural): (&str, &str),
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        let (mut sealed, mut proof) = (Zeroizing::new(Vec::new()), Zeroizing::default());
        let to_key = self.key_map().to_destination(key);
        let destination = &keyrings.destination;
        destination.seal(group, plural, &to_key, plain, &mut sealed)?;
        let opened = destination.open(group, plural, &to_key, &sealed, &mut proof)?;
        match opened.plain == plain {
            true => Ok(sealed.to_vec()),
            false => {
                let key = String::from_utf8_lossy(key);
                let reason = format!("`{key}` of its address is not read back as it was written");
                Err(Unfit::new(reason, false))
            }
        }
    }

    fn service_name(&self, key: &[u8]) -> Option<ServiceName> {
        // Of most keys that is all that has to be looked at.
        let rest = key.strip_prefix(self.plan().prefix().as_bytes())?;
        rest.strip_prefix(b"/services/specs/")?;
        let place = self.place(key).ok().filter(is_service)?;
        Some(ServiceName::new(place.namespace?, place.name))
    }
}

/// The plan for a Service. What it gets anew is rather not what the source has
/// for another one, which may still be to come.
fn drawn(request: planner::Request<'_>, addresses: &Addresses) -> Result<Outcome, Obstacle> {
    const DRAWS: usize = 16;
    let mut lot = Lot::new()?;
    let mut outcome = lot.plan(request, &addresses.world)?;
    for _ in 1..DRAWS {
        match &outcome {
            Outcome::Write(plan) if is_of_others(plan, &addresses.wanted) => {
                outcome = lot.plan(request, &addresses.world)?;
            }
            Outcome::Write(_) | Outcome::Skip => break,
        }
    }
    Ok(outcome)
}

/// Whether the destination needs nothing but the Service, with what stays of the
/// one that it has.
fn is_settled(plan: &planner::Plan, request: planner::Request<'_>) -> bool {
    let stays = |there: planner::There<'_>| {
        let staying = planner::staying(request.source, there.value);
        staying.is_ok_and(|staying| staying.edits == plan.edits)
    };
    plan.is_service_alone()
        && (request.policy == planner::Policy::Keep || request.there.is_some_and(stays))
}

/// Whether a plan takes what the source has for another Service.
fn is_of_others(plan: &planner::Plan, wanted: &Wanted) -> bool {
    let mut addresses = plan.taken.addresses.iter();
    let mut node_ports = plan.taken.node_ports.iter();
    addresses.any(|own| wanted.addresses.contains(own) && !plan.addresses.contains(&(*own, *own)))
        || node_ports
            .any(|own| wanted.node_ports.contains(own) && !plan.node_ports.contains(&(*own, *own)))
}

const PLURAL: &str = "services";

fn is_service(place: &Key<'_>) -> bool {
    let is = |kind: &str, group: &str| kind == "Service" && group.is_empty();
    match place.resource {
        KeyResource::BuiltIn(resource) => is(resource.kind, place.group()),
        KeyResource::Custom { .. } | KeyResource::Unknown(_) => false,
    }
}

fn unreadable_there(why: &Unfit) -> Obstacle {
    let reason = format!("the destination's Service cannot be read: {}", why.reason);
    Obstacle::Unfit(Unfit::new(reason, why.transient))
}

fn rewritings(edits: Vec<(Path, Edit)>) -> Vec<Rewriting> {
    let named = edits.into_iter().map(|(path, edit)| Rewriting {
        policy: Policy::Services,
        path,
        edit,
    });
    named.collect()
}

/// What it compares.
fn guards(transaction: &Transaction) -> Vec<Guard> {
    let guards = transaction.compares.iter().map(|compare| {
        let key = compare.key.clone();
        match compare.mod_revision {
            0 => Guard::Absent(key),
            mod_revision => Guard::Unchanged { key, mod_revision },
        }
    });
    guards.collect()
}

/// Held until the destination has what it takes; what cannot be read at the
/// source does not pass by itself.
impl From<Unplanned> for Obstacle {
    fn from(why: Unplanned) -> Obstacle {
        let transient = !matches!(why, Unplanned::Source(_) | Unplanned::Rewrite(_));
        let unfit = Unfit::new(why.to_string(), transient);
        Obstacle::Unfit(match transient {
            true => unfit.by(Policy::Services),
            false => unfit,
        })
    }
}

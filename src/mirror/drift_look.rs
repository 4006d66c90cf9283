//! A look at keys that somebody may have changed at the destination.
//!
//! Promises to call a key changed only where the ledger says that the
//! destination has the source's value as it is now, before and after the
//! destination was asked: then no write of ours can be what was found. Runs
//! beside the session, and has a bound on keys, requests under way and bytes.
//! Deliberately does nothing about what it finds.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::join_all;

use super::cursor::LedgerCursor;
use super::drift_watch::Own;
use super::error::MirrorError;
use super::judging::Judging;
use super::ranges::{after, everything};
use super::report::AddressPairs;
use super::sealing::blocking;
use super::world::{Parts, World};
use crate::destination::Destination;
use crate::etcd::{DestRevision, EtcdError, SourceRevision};
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Event, Scratch};
use crate::rules::drift::Drift;
use crate::rules::namespaces::Namespaces;
use crate::rules::outgoing::OutgoingScratch;
use crate::source::{Item, Source};
use crate::state::{LedgerEntry, StateStore};

/// So many keys are looked at at a time.
const KEYS: usize = 500;

/// So many requests are under way.
const WIDTH: usize = 16;

/// Values of so many bytes are kept for whoever mends them.
const BYTES: usize = 16 << 20;

/// What is to be looked at.
#[derive(Default)]
pub struct Errand {
    /// Keys that were written, and where that happened last.
    pub touched: HashMap<Vec<u8>, DestRevision>,
    /// Keys to be looked at in any case.
    pub keys: Vec<Vec<u8>>,
    /// Keys of which the destination had something else, which stays.
    pub kept: Vec<Vec<u8>>,
    /// From where on the ledger's keys are looked at, if there is time.
    pub sweep: Option<Vec<u8>>,
}

impl Errand {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let Errand { touched, keys, .. } = self;
        touched.is_empty() && keys.is_empty() && self.kept.is_empty() && self.sweep.is_none()
    }
}

/// What was found.
#[derive(Default)]
pub struct Look {
    /// Of each key that was looked at.
    pub seen: Vec<(Vec<u8>, Seen)>,
    /// Of the Services among them.
    pub addressed: Vec<Addressed>,
    /// What there was no time for.
    pub rest: Vec<Vec<u8>>,
    /// Of the kept ones: those of which the destination has nothing any more.
    pub free: Vec<Vec<u8>>,
    /// Those that there was no answer for.
    pub kept: Vec<Vec<u8>>,
    /// From where on the ledger's keys are still to be looked at.
    pub sweep: Option<Vec<u8>>,
    /// Why one side did not answer.
    pub failed: Option<EtcdError>,
}

/// The addresses that a Service has at the source and at the destination.
pub struct Addressed {
    /// Its key.
    pub key: Vec<u8>,
    /// For each family that both have.
    pub pairs: AddressPairs,
    /// What the ledger has.
    entry: Option<LedgerEntry>,
}

impl Addressed {
    /// Whether it is still so, as far as the ledger, which has this, can tell.
    pub fn is_of(&self, entry: Option<&LedgerEntry>) -> bool {
        self.entry.as_ref() == entry
    }
}

/// How a key is.
pub enum Seen {
    /// As it should be, or nobody's business.
    Fine,
    /// It cannot be told yet: the source's last change is not applied.
    Moving,
    /// Somebody has changed it.
    Drifts(Box<Drifting>),
}

/// A key that somebody has changed.
pub struct Drifting {
    /// How.
    pub drift: Drift,
    /// Tells this change from another one.
    pub change: u64,
    /// What the source has.
    pub item: Item,
    /// The rule that selects it.
    pub rule: RuleId,
    /// What the ledger has.
    pub entry: LedgerEntry,
}

/// Looks at things for one session.
pub struct Looker<W: World> {
    parts: Parts<W>,
    own: Arc<Own>,
    hasher: RandomState,
}

impl<W: World> Looker<W> {
    /// Of which `own` are the writes.
    pub fn new(parts: Parts<W>, own: Arc<Own>) -> Looker<W> {
        let hasher = RandomState::new();
        Looker { parts, own, hasher }
    }

    /// Does an errand. The Namespaces are as of the tail's revision.
    pub async fn look(
        &self,
        mut errand: Errand,
        namespaces: &Namespaces,
    ) -> Result<Look, MirrorError> {
        self.own.leave_others(&mut errand.touched);
        let mut keys = std::mem::take(&mut errand.keys);
        // In an order that is the same every time.
        let touched = std::mem::take(&mut errand.touched).into_keys();
        let touched: BTreeSet<Vec<u8>> = touched.collect();
        for (at, key) in touched.into_iter().enumerate() {
            if self.is_ours(&key)? {
                keys.push(key);
            }
            if at % 1_000 == 999 {
                tokio::task::yield_now().await;
            }
        }
        let mut look = Look {
            sweep: self.sweep(errand.sweep, &mut keys)?,
            ..Look::default()
        };
        let rest = keys.split_off(keys.len().min(KEYS));
        look.rest = rest;
        self.look_at(keys, namespaces, &mut look).await?;
        self.look_at_kept(errand.kept, &mut look).await;
        Ok(look)
    }

    async fn look_at_kept(&self, keys: Vec<Vec<u8>>, look: &mut Look) {
        let looks = keys.into_iter().map(|key| async move {
            let there = self.parts.destination.get(&key).await;
            (key, there)
        });
        let mut looks = futures::stream::iter(looks).buffered(WIDTH);
        while let Some((key, there)) = looks.next().await {
            match there {
                Ok(None) => look.free.push(key),
                Ok(Some(_)) => {}
                Err(error) => {
                    look.failed.get_or_insert(error);
                    look.kept.push(key);
                }
            }
        }
    }

    /// Whether the ledger says that the destination has it from us, and nothing
    /// but us would change it: a lease may end.
    fn is_ours(&self, key: &[u8]) -> Result<bool, MirrorError> {
        let entry = self.parts.store.get(key)?;
        Ok(entry.is_some_and(|entry| !entry.retired && entry.lease == 0))
    }

    /// Adds keys of the ledger from `from` on, where there is room.
    fn sweep(
        &self,
        from: Option<Vec<u8>>,
        keys: &mut Vec<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, MirrorError> {
        let Some(from) = from else { return Ok(None) };
        let range = match from.is_empty() {
            true => everything(),
            false => after(&from, &everything()),
        };
        let mut ledger = LedgerCursor::new(self.parts.store.clone(), range);
        let mut last = from;
        for _ in keys.len()..KEYS {
            let Some((key, entry)) = ledger.take_next()? else {
                return Ok(None);
            };
            last.clone_from(&key);
            if !entry.retired && entry.lease == 0 {
                keys.push(key);
            }
        }
        Ok(Some(last))
    }

    async fn look_at(
        &self,
        keys: Vec<Vec<u8>>,
        namespaces: &Namespaces,
        look: &mut Look,
    ) -> Result<(), MirrorError> {
        let (mut working, mut bytes) = (Working::default(), 0);
        let mut keys = keys.into_iter();
        while bytes < BYTES && look.failed.is_none() && keys.len() > 0 {
            let some: Vec<Vec<u8>> = keys.by_ref().take(WIDTH).collect();
            let nows = join_all(some.iter().map(|key| self.now(key))).await;
            for (key, now) in some.into_iter().zip(nows) {
                let now = match now {
                    Ok(now) => now,
                    Err(LookError::State(error)) => return Err(error),
                    Err(LookError::Etcd(error)) => {
                        look.failed.get_or_insert(error);
                        look.rest.push(key);
                        continue;
                    }
                };
                let seen = blocking(self.parts.judge.may_block(), || {
                    look.addressed.extend(self.addressed(&key, &now));
                    self.judge(&key, now, namespaces, &mut working)
                });
                if let Seen::Drifts(own) = &seen {
                    bytes += own.item.value.len();
                }
                look.seen.push((key, seen));
            }
        }
        look.rest.extend(keys);
        Ok(())
    }

    /// The ledger before, then the destination, then the source, then the
    /// ledger again.
    async fn now(&self, key: &[u8]) -> Result<Now, LookError> {
        let entry = self.parts.store.get(key).map_err(MirrorError::from)?;
        let there = self.parts.destination.get(key).await?;
        let item = self.parts.source.get(key).await?;
        let after = self.parts.store.get(key).map_err(MirrorError::from)?;
        Ok(Now {
            still: entry == after,
            entry,
            there,
            item,
        })
    }

    /// Others may change them where that is no drift: they are the destination's
    /// affair.
    fn addressed(&self, key: &[u8], now: &Now) -> Option<Addressed> {
        let judge = &self.parts.judge;
        let (entry, item) = (now.entry.as_ref()?, now.item.as_ref()?);
        let same = now.still && !entry.retired && entry.revision == item.revision;
        (same && judge.goes_alone(key)).then(|| Addressed {
            key: key.to_vec(),
            pairs: now.there.as_ref().map_or_else(Vec::new, |there| {
                judge.addresses_of(key, &item.value, there)
            }),
            entry: now.entry.clone(),
        })
    }

    fn judge(&self, key: &[u8], now: Now, namespaces: &Namespaces, working: &mut Working) -> Seen {
        let (Some(entry), Some(item)) = (now.entry, now.item) else {
            return Seen::Fine;
        };
        if entry.retired || entry.lease != 0 || item.lease != 0 {
            return Seen::Fine;
        }
        if !now.still || entry.revision != item.revision || entry.revision == SourceRevision(0) {
            return Seen::Moving;
        }
        let event = Event {
            key,
            value: Some(&item.value),
            leased: false,
            owned: true,
        };
        let judge = &self.parts.judge;
        let decision = judge.decide(&event, namespaces, &mut working.scratch);
        let Decision::Put { rule } = decision else {
            return Seen::Fine;
        };
        let drift = match &now.there {
            None => Some(Drift::Gone),
            Some(there) => judge.drift(key, &item.value, there, rule, &mut working.outgoing),
        };
        let Some(drift) = drift else {
            return Seen::Fine;
        };
        Seen::Drifts(Box::new(Drifting {
            change: match &drift {
                // What the cluster's own controllers write besides is no change.
                Drift::Fields(_) => self.hasher.hash_one(&drift),
                _ => self.hasher.hash_one(&now.there),
            },
            drift,
            item,
            rule,
            entry,
        }))
    }
}

/// Both sides, and the ledger.
struct Now {
    entry: Option<LedgerEntry>,
    there: Option<Vec<u8>>,
    item: Option<Item>,
    /// Whether the ledger says the same as before.
    still: bool,
}

/// Why a key could not be looked at.
enum LookError {
    State(MirrorError),
    Etcd(EtcdError),
}

impl From<MirrorError> for LookError {
    fn from(error: MirrorError) -> LookError {
        LookError::State(error)
    }
}

impl From<EtcdError> for LookError {
    fn from(error: EtcdError) -> LookError {
        LookError::Etcd(error)
    }
}

#[derive(Default)]
struct Working {
    scratch: Scratch,
    outgoing: OutgoingScratch,
}
